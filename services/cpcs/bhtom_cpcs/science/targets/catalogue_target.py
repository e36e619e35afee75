"""A target in an instrumental catalogue: its nearest entry, or a limit."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from bhtom_cpcs.science.astrometry.coordinates import Astrometry
from bhtom_cpcs.science.calibration.error_relation import (
    NEAREST_SOURCES,
    ErrorRelation,
    fit_error_relation,
)
from bhtom_cpcs.science.calibration.star_words import stars_in_words
from bhtom_cpcs.science.calibration.zero_point_at import (
    TargetZeroPoint,
    zero_point_at,
)
from bhtom_cpcs.science.decisions import Decisions
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.outcomes import Outcome, sentence
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.results.frame import Timing
from bhtom_cpcs.science.results.target import Rival, TargetMeasurement
from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_cpcs.science.targets.catalogue_colour import recorded_colours
from bhtom_cpcs.science.targets.error_budget import (
    FLOOR_MAG,
    in_quadrature,
    scintillation_term,
)
from bhtom_cpcs.science.targets.target_position import TargetPlace, refusal_of

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# The magnitude errors of a signal to noise of 3 and 5, as the limit is defined.
ERROR_AT_3_SIGMA, ERROR_AT_5_SIGMA = 0.36, 0.2172
_MOST_RIVALS = 20
_DEFINITION = (
    "catalogue: the magnitude at which the errors of the {n} entries nearest to the "
    "target reach 0.36 (3 sigma) or 0.2172 mag (5 sigma)"
)
_SATURATED = (
    "The target is saturated, as the catalogue's flags or its peak say; take a shorter "
    "exposure."
)
_UNUSABLE = (
    "The catalogue lists the target, {distance:.1f} arcsec from its place, without a "
    "usable magnitude in {column} (99, inf or nothing); measure it anew or send the "
    "frame itself."
)
_OUTSIDE = (
    "The target lies {distance:.1f} arcmin outside the area that the catalogue's "
    "sources cover; check the target's position and that the file is of its field."
)


@dataclass(frozen=True, slots=True)
class CatalogueSources:
    """What targets are looked for in, one element an entry of the catalogue.

    `x`, `y` on the pixel grid of `astrometry`; `magnitude` instrumental, `error` the
    catalogue's own 1 sigma [mag], both NaN where the entry cannot be used, which is
    because it is `too_faint` or for any other reason; `column` they come from;
    `matched_radius_arcsec` 2 sigma of the match with the reference stars,
    `given_radius_arcsec` the uploader's wish.
    """

    x: FloatArray
    y: FloatArray
    magnitude: FloatArray
    error: FloatArray
    too_faint: BoolArray
    column: str
    saturated: BoolArray
    blended: BoolArray
    edge: BoolArray
    astrometry: Astrometry
    zero_point: ZeroPoint
    timing: Timing
    reference: ReferenceStars | None
    decisions: Decisions
    aperture_m: float | None
    site_height_m: float
    given_radius_arcsec: float | None
    matched_radius_arcsec: float
    shape: tuple[int, int]

    def radius_arcsec(self, place: TargetPlace) -> float:
        """How far from its place a target is looked for.

        As the uploader wished, else 2 sigma of the match and of the place together.
        """
        if self.given_radius_arcsec is not None:
            return self.given_radius_arcsec
        return math.hypot(self.matched_radius_arcsec, 2 * max(place.error_arcsec))

    def zero_point_for(self, place: TargetPlace, x: float, y: float) -> TargetZeroPoint:
        """The zero point of a target at its place, with its colour where recorded."""
        colours = recorded_colours(
            place,
            self.decisions,
            self.zero_point.colour_term,
            self.reference,
            self.timing.mid_exposure_mjd_utc,
        )
        return zero_point_at(self.zero_point, x, y, colours, self.timing.air_mass)


def measure_in_catalogue(at: CatalogueSources, place: TargetPlace) -> TargetMeasurement:
    """Take the entry nearest to the target's position, or the limit without one.

    The nearest entry is the target, whether or not it can be used: another one within
    the radius is a rival, and never takes its place.
    """
    ra, dec = place.ra_deg, place.dec_deg
    blank = TargetMeasurement(place.target.target_id, Outcome.LIMIT, "", ra, dec)
    if absent := refusal_of(place, at.astrometry, at.shape):
        return replace(blank, outcome=absent[0], message=absent[1])
    x, y = (
        float(axis[0]) for axis in at.astrometry.pixel(np.array([ra]), np.array([dec]))
    )
    blank = replace(blank, x_px=x, y_px=y)
    scale = at.astrometry.pixel_scale_arcsec
    separation = np.hypot(at.x - x, at.y - y) * scale
    separation = np.where(np.isfinite(separation), separation, np.inf)
    order = np.argsort(separation, kind="stable")
    nearest = int(order[0])
    blank = replace(blank, nearest_source_arcsec=_finite(separation[nearest]))
    radius = at.radius_arcsec(place)
    if not separation[nearest] <= radius:
        outside = _outside_arcmin(at, x, y)
        if outside > 0:
            message = _OUTSIDE.format(distance=outside)
            return replace(blank, outcome=Outcome.TARGET_OUTSIDE_FRAME, message=message)
        return _limit(at, place, blank, x, y)
    if at.saturated[nearest]:
        return replace(
            blank,
            outcome=Outcome.TARGET_SATURATED,
            message=_SATURATED,
            flags=(FlagWord.SATURATED,),
        )
    if at.too_faint[nearest]:
        return _limit(at, place, blank, x, y)
    if not np.isfinite(at.magnitude[nearest]):
        message = _UNUSABLE.format(distance=separation[nearest], column=at.column)
        return replace(blank, outcome=Outcome.TARGET_MASKED, message=message)
    near = order[1:][separation[order[1:]] <= radius]
    near = near[np.isfinite(at.magnitude[near])][:_MOST_RIVALS]
    return _found(at, place, blank, nearest, near, separation)


def _found(
    at: CatalogueSources,
    place: TargetPlace,
    blank: TargetMeasurement,
    index: int,
    near: npt.NDArray[np.intp],
    separation: FloatArray,
) -> TargetMeasurement:
    """Turn the entry into a magnitude, or into a limit when its error is too large."""
    x, y = float(at.x[index]), float(at.y[index])
    zero_point = at.zero_point_for(place, x, y)
    rivals = tuple(
        Rival(
            float(separation[other]),
            float(at.magnitude[other]) + zero_point.value,
            float(at.error[other]),
        )
        for other in near.tolist()
    )
    flags = []
    if rivals or at.blended[index]:
        flags.append(FlagWord.BLENDED)
    if at.edge[index]:
        flags.append(FlagWord.NEAR_EDGE)
    own = float(at.error[index])
    flux = 10 ** (-0.4 * float(at.magnitude[index]))
    budget = {
        "instrumental": own,
        "zero_point": zero_point.error,
        "colour": zero_point.colour_error,
        **scintillation_term(
            at.timing.exposure_time_s,
            at.timing.air_mass,
            at.aperture_m,
            at.site_height_m,
        ),
        "floor": FLOOR_MAG,
    }
    placed = replace(
        blank,
        x_px=x,
        y_px=y,
        flux_adu=flux,
        flux_error_adu=flux * own / MAG_PER_RELATIVE,
        signal_to_noise=MAG_PER_RELATIVE / own,
        rivals=rivals,
        flags=tuple(flags),
    )
    placed = _with_limits(at, place, placed, x, y)
    magnitude = float(at.magnitude[index]) + zero_point.value
    if own > ERROR_AT_3_SIGMA and placed.limit_3sigma is not None:
        return _as_limit(at, _bounded(placed, magnitude, own))
    error = in_quadrature(budget)
    return replace(
        placed,
        outcome=Outcome.CALIBRATED,
        message=sentence(
            Outcome.CALIBRATED,
            passband=at.zero_point.passband_text,
            magnitude=magnitude,
            magnitude_error=error,
            stars=stars_in_words(at.zero_point),
        ),
        magnitude=magnitude,
        magnitude_error=error,
        error_budget_mag=budget,
    )


def _bounded(
    placed: TargetMeasurement, magnitude: float, error: float
) -> TargetMeasurement:
    """Keep the limits from being fainter than the entry itself may be."""
    limits = {"limit_3sigma": 3.0, "limit_5sigma": 5.0}
    brightest = {
        name: magnitude - 2.5 * math.log10(1 + sigma * error / MAG_PER_RELATIVE)
        for name, sigma in limits.items()
    }
    return replace(
        placed,
        limit_3sigma=min(placed.limit_3sigma or 99.0, brightest["limit_3sigma"]),
        limit_5sigma=min(placed.limit_5sigma or 99.0, brightest["limit_5sigma"]),
    )


def _limit(
    at: CatalogueSources,
    place: TargetPlace,
    blank: TargetMeasurement,
    x: float,
    y: float,
) -> TargetMeasurement:
    """Quote how faint the catalogue goes here."""
    placed = _with_limits(at, place, blank, x, y)
    if placed.limit_3sigma is None:
        return replace(
            blank,
            outcome=Outcome.TARGET_MASKED,
            message=(
                "The target is not in the catalogue, which has too few sources here "
                "to tell how faint it goes; send the frame itself."
            ),
        )
    return _as_limit(at, placed)


def _as_limit(at: CatalogueSources, placed: TargetMeasurement) -> TargetMeasurement:
    message = sentence(
        Outcome.LIMIT,
        limit_3sigma=placed.limit_3sigma,
        passband=at.zero_point.passband_text,
        stars=stars_in_words(at.zero_point),
    )
    return replace(placed, outcome=Outcome.LIMIT, message=message, is_limit=True)


def _with_limits(
    at: CatalogueSources,
    place: TargetPlace,
    placed: TargetMeasurement,
    x: float,
    y: float,
) -> TargetMeasurement:
    """Add the limits and the words on the zero point at this place."""
    zero_point = at.zero_point_for(place, x, y)
    words = (*placed.flags, *zero_point.flags)
    placed = replace(placed, flags=tuple(dict.fromkeys(words)))
    relation = local_relation(at, x, y)
    if relation is None:
        return placed
    return replace(
        placed,
        limit_3sigma=relation.magnitude_of_error(ERROR_AT_3_SIGMA) + zero_point.value,
        limit_5sigma=relation.magnitude_of_error(ERROR_AT_5_SIGMA) + zero_point.value,
        limit_definition=_DEFINITION.format(n=relation.n_sources),
    )


def local_relation(at: CatalogueSources, x: float, y: float) -> ErrorRelation | None:
    """Fit the error relation of the sources nearest to a place."""
    usable = np.flatnonzero(np.isfinite(at.magnitude) & ~at.saturated)
    distance = np.hypot(at.x[usable] - x, at.y[usable] - y)
    near = usable[np.argsort(distance, kind="stable")][:NEAREST_SOURCES]
    return fit_error_relation(at.magnitude[near], at.error[near])


def _outside_arcmin(at: CatalogueSources, x: float, y: float) -> float:
    """How far a place lies outside the sources' hull; 0 inside or near its edge.

    The hull ends at the last source, so one mean distance between sources beside it
    still counts as covered.
    """
    scale = at.astrometry.pixel_scale_arcsec / 60
    points = np.stack([at.x, at.y], axis=-1)
    points = points[np.isfinite(points).all(axis=1)]
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):
        return 0.0
    beyond = float(np.max(hull.equations @ np.array([x, y, 1.0])))
    spacing = math.sqrt(hull.volume / len(points))
    return beyond * scale if beyond > spacing else 0.0


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
