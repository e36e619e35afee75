"""What one frame tells of a host that it may be too noisy to show by itself."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.coordinates import Astrometry
from bhtom_cpcs.science.scene_evidence import LightAbout
from bhtom_cpcs.science.stars.usual_fit import FrameStars
from bhtom_cpcs.science.targets.forced_fit import (
    ForcedFit,
    FrameLight,
    Piece,
    PointSources,
)
from bhtom_cpcs.science.targets.ring_light import (
    REACH_FWHM,
    SECTORS,
    WHOLE_RING,
    light_of_stars,
    ring_about,
    usual_ring,
)

FloatArray = npt.NDArray[np.float64]

# A target that is hardly seen has no light to compare a galaxy's with.
_SIGNAL_TO_NOISE: Final = 10.0


def light_about(
    light: FrameLight,
    fit: ForcedFit,
    stars: PointSources,
    frame_stars: FrameStars,
    astrometry: Astrometry,
    *,
    said: bool,
) -> LightAbout | None:
    """Take the light about a target that no star explains, by direction on the sky.

    Parameters
    ----------
    fit : the target's fit
    stars : all that were fitted together about the target, itself among them
    frame_stars : of the whole frame; what they have about them is taken off
    said : the frame by itself shows a host

    Returns
    -------
    LightAbout or None
        None where the target has a signal to noise below 10, its ring is cut, or fewer
        than eight stars of the frame tell what is usual.
    """
    if not fit.flux > _SIGNAL_TO_NOISE * fit.error:
        return None
    usual = usual_ring(light, frame_stars, fit.flux)
    if usual is None:
        return None
    piece = Piece.about(light, fit.x, fit.y, math.ceil(REACH_FWHM * light.psf.fwhm_px))
    model = piece.model(light.psf, stars.x, stars.y, stars.flux)
    to_sky = _to_sky(astrometry, fit.x, fit.y)
    ring = ring_about(light, piece, model, fit.x, fit.y, to_sky)
    of_stars = light_of_stars(light, fit.x, fit.y, stars)
    if not (ring.seen >= WHOLE_RING and math.isfinite(ring.excess)):
        return None
    ra, dec = astrometry.sky(np.array([fit.x]), np.array([fit.y]))
    sectors = ring.sectors / of_stars - usual.share / SECTORS
    return LightAbout(
        ra_deg=float(ra[0]) % 360,
        dec_deg=float(dec[0]),
        sectors=tuple(float(value) for value in sectors),
        error=ring.error / of_stars,
        systematic=usual.spread,
        said=said,
    )


def _to_sky(astrometry: Astrometry, x: float, y: float) -> FloatArray:
    """From a step in the image to one east and north, shape (2, 2) [deg/px]."""
    ra, dec = astrometry.sky(np.array([x, x + 1, x]), np.array([y, y, y + 1]))
    east = ((ra[1:] - ra[0] + 180) % 360 - 180) * np.cos(np.radians(dec[0]))
    return np.stack([east, dec[1:] - dec[0]])
