"""Which matched stars may carry a zero point: never the doubtful ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bhtom_cpcs.science.calibration.comparison import (
    FEWEST_SIGNAL_TO_NOISE,
    ComparisonStars,
    StarFluxes,
)
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.reference import ReferenceStars, brightness_of

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

# The suite's other targets may be private: what leaves such a star out is told nobody.
ANOTHER_TARGET = "another target"
# With fewer stars than this the milder objections are dropped, one by one.
ENOUGH_STARS = 10
_BLEND_FWHM = 2.0
# A neighbour this much fainter adds 2.5 % of light at most.
_FAINT_NEIGHBOUR_MAG = 4.0


@dataclass(frozen=True, slots=True)
class Objections:
    """What speaks against each matched star, one element a pair.

    `never` stars are left out whatever happens: targets, known variables, near
    saturation, faint, incomplete. `milder` objections come by name in the order in
    which they are dropped where too few stars remain.
    """

    never: Mapping[str, BoolArray]
    milder: Mapping[str, BoolArray]


@dataclass(frozen=True, slots=True)
class Selection:
    """The stars that stay, why the others went, and what had to be overlooked.

    `reason` is "" for a star that stays; `dropped` names the objections overlooked.
    """

    good: BoolArray
    reason: tuple[str, ...]
    dropped: tuple[str, ...]


def select_stars(objections: Objections) -> Selection:
    """Leave out doubtful stars, and overlook mild doubts where few would be left.

    Dropped in this order until ten stars remain: the catalogue's own signs of a
    blend, a poor fit of the star's image, a neighbour within 2 FWHM in the catalogue,
    one in the frame.
    """
    names = list(objections.milder)
    for n_dropped in range(len(names) + 1):
        standing = {
            **objections.never,
            **{name: objections.milder[name] for name in names[n_dropped:]},
        }
        bad = np.zeros_like(next(iter(objections.never.values())))
        for against in standing.values():
            bad = bad | against
        if (~bad).sum() >= ENOUGH_STARS or n_dropped == len(names):
            mattered = [
                name
                for name in names[:n_dropped]
                if (objections.milder[name] & ~bad).any()
            ]
            return Selection(~bad, _reasons(standing, len(bad)), tuple(mattered))
    raise AssertionError("the last round always returns")


def _reasons(standing: Mapping[str, BoolArray], count: int) -> tuple[str, ...]:
    reasons = [""] * count
    for name, against in standing.items():
        for star in np.flatnonzero(against):
            reasons[star] = reasons[star] or name
    return tuple(reasons)


def catalogue_neighbours(
    reference: ReferenceStars, stars: IndexArray, reach_arcsec: float
) -> BoolArray:
    """Say which stars have a catalogue neighbour within a distance, not much fainter.

    Parameters
    ----------
    reference : all reference stars of the field
    stars : indices of the stars asked about, shape (n,)
    reach_arcsec : distance, usually 2 FWHM
    """
    if not len(stars):
        return np.zeros(0, dtype=bool)
    ra, dec = np.radians(reference.ra_deg), np.radians(reference.dec_deg)
    unit = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    tree = cKDTree(unit.T, balanced_tree=False, compact_nodes=False)
    chord = 2 * np.sin(np.radians(reach_arcsec / 3600) / 2)
    near = tree.query_ball_point(unit.T[stars], chord)
    magnitude = brightness_of(reference.magnitude)
    blended = np.zeros(len(stars), dtype=bool)
    for number, (star, neighbours) in enumerate(zip(stars, near, strict=True)):
        others = [other for other in neighbours if other != star]
        if others:
            limit = magnitude[star] + _FAINT_NEIGHBOUR_MAG
            # unknown brightness is infinite: not known to be harmless
            blended[number] = any(
                magnitude[other] < limit or not np.isfinite(magnitude[other])
                for other in others
            )
    return blended


def frame_neighbours(x: FloatArray, y: FloatArray, fwhm_px: float) -> BoolArray:
    """Say which sources have another within 2 FWHM."""
    close = np.zeros(len(x), dtype=bool)
    placed = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(placed) < 2:
        return close
    place = np.column_stack([x[placed], y[placed]])
    distance, _ = cKDTree(place).query(place, k=2)
    close[placed] = distance[:, 1] < _BLEND_FWHM * fwhm_px
    return close


def blend_reach_arcsec(fwhm_px: float, pixel_scale_arcsec: float) -> float:
    """Distance within which a neighbour blends [arcsec]."""
    return _BLEND_FWHM * fwhm_px * pixel_scale_arcsec


def faint_stars(fluxes: StarFluxes) -> BoolArray:
    """Say which stars have a signal to noise below 10, or none."""
    faint: BoolArray = ~(fluxes.flux > FEWEST_SIGNAL_TO_NOISE * fluxes.error)
    return faint


def comparison_stars(
    fluxes: StarFluxes, good: BoolArray, source: IndexArray, reference: IndexArray
) -> ComparisonStars:
    """Turn the fluxes of the selected pairs into instrumental magnitudes."""
    flux, error = fluxes.flux[good], fluxes.error[good]
    return ComparisonStars(
        magnitude=-2.5 * np.log10(flux),
        error=MAG_PER_RELATIVE * error / flux,
        source=source[good],
        reference=reference[good],
    )
