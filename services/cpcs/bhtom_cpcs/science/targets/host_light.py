"""Light about a target that is no star's: a host galaxy, and what to make of it."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import sep

from bhtom_cpcs.science.stars.usual_fit import NO_FRAME_STARS, FrameStars
from bhtom_cpcs.science.targets.compact_host import compact_host
from bhtom_cpcs.science.targets.forced_fit import (
    ForcedFit,
    FrameLight,
    Piece,
    PointSources,
)
from bhtom_cpcs.science.targets.ring_light import (
    FEWEST_SKY_PX,
    REACH_FWHM,
    clipped,
    light_of_stars,
    ring_about,
)

FloatArray = npt.NDArray[np.float64]

FIXED_APERTURE_ARCSEC: Final = 5.0
# So much light beside the stars' images is a galaxy: 5 sigma of the sky, and more than
# what is wrong with a model of the PSF, at most 2 % of the stars' light there for a
# width wrong by 2 %. Galaxies of half-light radii from 1.5 FWHM on leave 5 % and more;
# of narrower ones, stars fitted to the core may explain so much that less is left:
# those are known by their width, `compact_host`.
_SIGNIFICANT_SIGMA: Final = 5.0
_SHARE_OF_STARS: Final = 0.04


@dataclass(frozen=True, slots=True)
class ExtendedLight:
    """Light 1.75 to 3 FWHM from a target that no star explains [ADU], 1 sigma.

    `found` says that it is significant: the target lies on or beside a galaxy, and its
    flux includes what of it looks like a star.
    """

    excess: float
    error: float
    found: bool


@dataclass(frozen=True, slots=True)
class ApertureFlux:
    """Light in a fixed aperture [ADU], as of a point source: neighbours taken out."""

    radius_arcsec: float
    flux: float
    error: float


def extended_light(
    light: FrameLight,
    fit: ForcedFit,
    stars: PointSources,
    frame_stars: FrameStars = NO_FRAME_STARS,
) -> ExtendedLight:
    """Look for light about the target that is wider than the images of stars.

    What is left of the image when all point sources have been taken out, also those
    found beside the target in no scene, is summed in a ring 1.75 to 3 FWHM from it,
    above the sky of a ring 5 to 8 FWHM away. A PSF fit's own local sky hides a smooth
    galaxy, and a few point sources its core; this sum neither.

    Parameters
    ----------
    fit : the target's fit
    stars : all that were fitted together about the target, itself among them
    frame_stars : stars of the frame that stand alone
    """
    piece = Piece.about(light, fit.x, fit.y, math.ceil(REACH_FWHM * light.psf.fwhm_px))
    model = piece.model(light.psf, stars.x, stars.y, stars.flux)
    ring = ring_about(light, piece, model, fit.x, fit.y)
    if not math.isfinite(ring.level):
        return ExtendedLight(math.nan, math.nan, False)
    of_stars = light_of_stars(light, fit.x, fit.y, stars)
    enough = max(_SIGNIFICANT_SIGMA * ring.error, _SHARE_OF_STARS * of_stars)
    found = ring.excess > enough or compact_host(
        light, piece, stars, ring.level, frame_stars
    )
    return ExtendedLight(ring.excess, ring.error, found)


def aperture_flux(
    light: FrameLight,
    fit: ForcedFit,
    pixel_scale_arcsec: float,
    radius_arcsec: float = FIXED_APERTURE_ARCSEC,
) -> ApertureFlux | None:
    """Sum the light in an aperture of fixed size on the sky, neighbours taken out.

    The sky is that of a ring beyond the aperture and the star's wings. Divided by the
    share of a star's light in the aperture, so that the point-like part of the light
    does not follow the seeing. None where the aperture is smaller than the seeing,
    reaches over the edge or holds masked pixels.
    """
    fwhm = light.psf.fwhm_px
    radius = radius_arcsec / pixel_scale_arcsec
    if radius < 0.75 * fwhm:
        return None
    inner = max(1.5 * radius, radius + 2 * fwhm)
    outer = math.ceil(math.sqrt(inner**2 + 3 * radius**2))
    piece = Piece.about(light, fit.x, fit.y, outer + 1)
    distance = piece.distance(fit.x, fit.y)
    ring = (distance >= inner) & (distance <= outer) & piece.good
    near = distance <= radius + 1
    if not piece.good[near].all() or ring.sum() < FEWEST_SKY_PX:
        return None
    others = piece.model(
        light.psf, fit.stars_x[1:], fit.stars_y[1:], fit.stars_flux[1:]
    )
    own = piece.model(light.psf, fit.stars_x[:1], fit.stars_y[:1], np.ones(1))
    values = piece.values - others
    star = values[ring] - fit.flux * own[ring]
    level, level_error = clipped(star, light.noise.sky_rms_adu)
    total = _circle_sum(values - level, fit, piece, radius)
    share = _circle_sum(own, fit, piece, radius)
    area = math.pi * radius**2
    variance = area * light.noise.sky_rms_adu**2 * light.noise.correlation**2
    variance += (area * level_error * light.noise.correlation) ** 2
    variance += max(total, 0.0) / light.noise.gain_e_per_adu
    if share < 0.3:
        return None
    return ApertureFlux(radius_arcsec, total / share, math.sqrt(variance) / share)


def _circle_sum(
    values: FloatArray, fit: ForcedFit, piece: Piece, radius: float
) -> float:
    here = np.array([fit.x - piece.left]), np.array([fit.y - piece.bottom])
    total, _, _ = sep.sum_circle(np.ascontiguousarray(values), *here, radius, subpix=0)
    return float(total[0])
