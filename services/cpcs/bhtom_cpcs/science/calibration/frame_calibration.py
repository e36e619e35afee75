"""From comparison stars to a frame's zero point: the band, its terms, its source."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.band_choice import BandChoice, choose_band
from bhtom_cpcs.science.calibration.bands import allowed_bands, own_passband
from bhtom_cpcs.science.calibration.colour_index import (
    ColourIndex,
    colour_index,
    colours,
)
from bhtom_cpcs.science.calibration.comparison import ComparisonStars, band_stars
from bhtom_cpcs.science.calibration.filter_report import (
    BandQuestion,
    band_hints,
    bands_for_filter,
    filter_report,
)
from bhtom_cpcs.science.calibration.flat_term import flat_residual, flat_term
from bhtom_cpcs.science.calibration.lacking_bands import lacking_bands
from bhtom_cpcs.science.calibration.linearity import magnitude_slope
from bhtom_cpcs.science.calibration.ranking import BandStars
from bhtom_cpcs.science.calibration.robust_regression import FloatArray
from bhtom_cpcs.science.calibration.transformations import TransformedBand
from bhtom_cpcs.science.calibration.zero_point_model import ZeroPointModel, fit_model
from bhtom_cpcs.science.calibration.zero_point_slopes import FittedStars, LearnedSlope
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.results.frame import FilterReport
from bhtom_cpcs.science.zero_point_terms import FlatTerm


class BandOffer(Protocol):
    """What is asked of a catalogue here: its names and bands."""

    @property
    def name(self) -> str:
        """Short name ("GaiaSP")."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands on offer."""


@dataclass(frozen=True, slots=True)
class StarPlaces:
    """Where the comparison stars are, one element a star, and the frame around them.

    `x_px`, `y_px` in pixels; `air_mass` of each star, NaN where unknown.
    """

    x_px: FloatArray
    y_px: FloatArray
    air_mass: FloatArray
    width_px: int
    height_px: int
    field_radius_deg: float

    @property
    def scale_px(self) -> float:
        """Half of the longer side."""
        return max(self.width_px, self.height_px) / 2

    @property
    def centre_px(self) -> tuple[float, float]:
        """Centre of the frame, zero-based."""
        return (self.width_px - 1) / 2, (self.height_px - 1) / 2


@dataclass(frozen=True, slots=True)
class FrameCalibration:
    """What the comparison stars say.

    `choice.chosen` is None where no allowed band has enough stars; then there is no
    model either. `stars` are those that can be used in the chosen band, `rows` their
    indices among the comparison stars. `flat` is what was taken out of them as the
    camera's; bands are ranked without, for no band may gain by a map that another
    lacks.
    """

    question: BandQuestion
    choice: BandChoice
    report: FilterReport
    index: ColourIndex | None = None
    stars: FittedStars | None = None
    rows: npt.NDArray[np.intp] | None = None
    model: ZeroPointModel | None = None
    slope: tuple[float, float] | None = None
    unverified_used: bool = False
    transformed: TransformedBand | None = None
    flat: FlatTerm | None = None

    @property
    def passband(self) -> str:
        """The chosen band, or a name of its own for another kind of filter."""
        chosen, declared = str(self.choice.chosen), self.question.declared
        return own_passband(chosen, declared.word) if declared.word else chosen


def calibrate_frame(
    comparison: ComparisonStars,
    reference: ReferenceStars,
    catalogue: BandOffer,
    question: BandQuestion,
    places: StarPlaces,
) -> FrameCalibration:
    """Rank the bands, choose one, and fit its zero point with what it depends on.

    A band that the FILTER card names and the catalogue lacks takes part where a
    published transformation gives it.

    Parameters
    ----------
    comparison : the comparison stars, whatever the bands
    reference : all reference stars of the field
    question : what is known and asked of the passband
    places : of the comparison stars, in their order

    Raises
    ------
    Stop
        `unknown_filter`.
    """
    offered = catalogue.bands
    asked = allowed_bands(question.requested, catalogue.name, offered, catalogue.title)
    allowed = bands_for_filter(question.declared, asked, offered)
    hints = band_hints(question, catalogue.name, offered)
    hints = replace(hints, narrowed=allowed != asked)
    native = {band: band_stars(comparison, reference, band) for band in offered}
    named = (hints.settled, hints.declared)
    lacking = lacking_bands(comparison, reference, native, named, allowed)
    made = {band: one.pairs for band, one in lacking.items() if one.wanted}
    spare = {band: one.pairs for band, one in lacking.items() if not one.wanted}
    choice = choose_band(native, allowed, hints, made, spare)
    found = FrameCalibration(
        question, choice, filter_report(question, hints, choice, catalogue.name)
    )
    if choice.chosen is None:
        return found
    if choice.chosen in lacking:
        found = replace(found, transformed=lacking[choice.chosen].made)
    pairs = {**native, **made}[choice.chosen]
    return _fitted(found, pairs, comparison, reference, offered, places)


def _learned(found: FrameCalibration, index: ColourIndex) -> LearnedSlope | None:
    """Return the colour term that the camera's version brings for the passband.

    A clear filter's is its own: it tells nothing of the standard band's.
    """
    term = found.question.learned.colour_term(found.passband, index.blue, index.red)
    return None if term is None else LearnedSlope(term.slope, term.error)


def _fitted(
    found: FrameCalibration,
    pairs: BandStars,
    comparison: ComparisonStars,
    reference: ReferenceStars,
    offered: tuple[str, ...],
    places: StarPlaces,
) -> FrameCalibration:
    """Fit the chosen band on all stars that have it."""
    rows = np.flatnonzero(pairs.usable)
    known = comparison.reference[rows]
    index = colour_index(str(found.choice.chosen), offered)
    colour = colours(index, reference.magnitude, len(reference))[known]
    centre_x, centre_y = places.centre_px
    difference = pairs.difference[rows]
    flat = flat_term(found.question.flats, found.passband)
    if flat is not None:
        difference = difference - flat_residual(
            flat, places.x_px[rows], places.y_px[rows]
        )
    stars = FittedStars(
        difference=difference,
        error=pairs.error[rows],
        reference_magnitude=pairs.difference[rows] + comparison.magnitude[rows],
        colour=colour - (0.0 if index is None else index.pivot),
        u=(places.x_px[rows] - centre_x) / places.scale_px,
        v=(places.y_px[rows] - centre_y) / places.scale_px,
        air_mass=places.air_mass[rows],
        field_radius_deg=places.field_radius_deg,
    )
    return replace(
        found,
        index=index,
        stars=stars,
        rows=rows,
        model=fit_model(stars, None if index is None else _learned(found, index)),
        slope=magnitude_slope(stars),
        unverified_used=pairs.unverified_used,
        flat=flat,
    )
