"""A target's neighbours: the same fixed list in every frame of its light curve."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, separation_deg
from bhtom_cpcs.science.decisions import Decisions, Scene, SceneStar
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.targets.forced_fit import ForcedFit
from bhtom_cpcs.science.targets.target_position import TargetPlace

FloatArray = npt.NDArray[np.float64]

# Wide enough that a frame of bad seeing finds in it every star whose light reaches the
# fit or its sky annulus; what is farther than that changes nothing in a sharp frame.
SMALLEST_RADIUS_ARCSEC: Final = 30.0
RADIUS_FWHM: Final = 12.0
LARGEST_RADIUS_ARCSEC: Final = 600.0
_MOST_STARS: Final = 100
# A catalogue star as near as this is the target itself.
TARGET_ITSELF_ARCSEC: Final = 1.0
_SAME_SOURCE_FWHM, _BESIDE_FWHM = 0.7, 2.5


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where a scene's stars are in a frame [px], shape (n,), and which scene it is.

    `proposed` is the scene to be kept for the target where it had none.
    """

    x: FloatArray
    y: FloatArray
    version: int
    source: str
    proposed: Scene | None = None


def scene_radius_arcsec(fwhm_arcsec: float) -> float:
    """Radius within which a scene is listed, from the seeing of its first frame."""
    radius = max(SMALLEST_RADIUS_ARCSEC, RADIUS_FWHM * fwhm_arcsec)
    return min(radius, LARGEST_RADIUS_ARCSEC)


def propose_scene(
    place: TargetPlace,
    reference: ReferenceStars,
    epoch_jyear: float,
    radius_arcsec: float,
    source: str,
) -> Scene:
    """List the catalogue's stars about a target, the nearest first.

    The target's own entry, the nearest one within 1 arcsec at the frame's epoch, is
    left out; at most the 100 nearest are listed. Positions and proper motions are the
    catalogue's, at its epoch.

    Parameters
    ----------
    place : where the target is in this frame
    reference : stars of the field
    epoch_jyear : of the frame [yr]
    source : catalogue and release, kept with the scene
    """
    ra, dec = _at_epoch(
        reference.ra_deg,
        reference.dec_deg,
        (reference.pm_ra_masyr, reference.pm_dec_masyr),
        epoch_jyear - reference.epoch_jyear,
    )
    distance = separation_deg(ra, dec, place.ra_deg, place.dec_deg) * 3600
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] <= radius_arcsec]
    if len(order) and distance[order[0]] <= TARGET_ITSELF_ARCSEC:
        order = order[1:]
    stars = tuple(
        SceneStar(
            float(reference.ra_deg[star]),
            float(reference.dec_deg[star]),
            reference.epoch_jyear,
            float(reference.pm_ra_masyr[star]),
            float(reference.pm_dec_masyr[star]),
        )
        for star in order[:_MOST_STARS]
    )
    return Scene(place.target.target_id, 1, radius_arcsec, source, stars)


def neighbours_in_frame(
    scene: Scene, astrometry: Astrometry, epoch_jyear: float
) -> tuple[FloatArray, FloatArray]:
    """Pixel positions of a scene's stars at the frame's epoch, shape (n,)."""
    stars = scene.stars
    ra, dec = _at_epoch(
        np.array([star.ra_deg for star in stars]),
        np.array([star.dec_deg for star in stars]),
        (
            np.array([star.pm_ra_masyr for star in stars]),
            np.array([star.pm_dec_masyr for star in stars]),
        ),
        epoch_jyear - np.array([star.epoch_jyear for star in stars]),
    )
    if not len(ra):
        return np.zeros(0), np.zeros(0)
    x, y = astrometry.pixel(ra, dec)
    seen = np.isfinite(x) & np.isfinite(y)
    return x[seen], y[seen]


def _at_epoch(
    ra: FloatArray,
    dec: FloatArray,
    motion: tuple[FloatArray, FloatArray],
    years: FloatArray | float,
) -> tuple[FloatArray, FloatArray]:
    """Positions moved by their proper motions [deg]."""
    moved_dec = dec + years * motion[1] / 3.6e6
    moved_ra = ra + years * motion[0] / 3.6e6 / np.cos(np.radians(dec))
    return moved_ra % 360, moved_dec


def neighbours_of(
    place: TargetPlace,
    decisions: Decisions,
    reference: ReferenceStars | None,
    catalogue: str,
    astrometry: Astrometry,
    epoch_jyear: float,
    fwhm_px: float,
) -> Neighbours:
    """Return the neighbours that are fitted beside a target.

    Those of its scene; where it has none yet, those of the scene that this frame
    proposes. A body that moves has other neighbours in every frame: they come from the
    catalogue each time and nothing is proposed.
    """
    target = place.target
    scene = None if target.moves else decisions.scene_of(target.target_id)
    proposed = None
    if scene is None and reference is not None:
        radius = scene_radius_arcsec(fwhm_px * astrometry.pixel_scale_arcsec)
        scene = propose_scene(place, reference, epoch_jyear, radius, catalogue)
        proposed = None if target.moves else scene
    if scene is None:
        return Neighbours(np.zeros(0), np.zeros(0), 0, "none")
    x, y = neighbours_in_frame(scene, astrometry, epoch_jyear)
    version = 0 if target.moves else scene.version
    return Neighbours(x, y, version, scene.source, proposed)


def unmodelled_light(psf: PsfModel, fit: ForcedFit, sources: Sources) -> float:
    """Light of detected stars in no scene that passes for the target's [ADU].

    A source beside the target, nearer than 2.5 FWHM, that is neither the target nor
    any of the fitted stars. It is never fitted: only some frames are sharp enough to
    tell it from the target, and the light curve would follow the seeing. Its part in
    the target's flux is flagged and goes into the error.
    """
    fwhm = psf.fwhm_px
    away = np.hypot(sources.x - fit.x, sources.y - fit.y)
    itself = max(_SAME_SOURCE_FWHM * fwhm, 1.0)
    beside = np.flatnonzero((away > itself) & (away < _BESIDE_FWHM * fwhm))
    total = 0.0
    for source in beside:
        x, y = sources.x[[source]], sources.y[[source]]
        known = np.hypot(fit.stars_x[1:] - x[0], fit.stars_y[1:] - y[0])
        if (known < itself).any():
            continue
        total += float(sources.flux[source]) * _overlap(psf, fit, x, y)
    return total


def _overlap(psf: PsfModel, fit: ForcedFit, x: FloatArray, y: FloatArray) -> float:
    """Share of another star's light that a fit of the target alone takes for its."""
    half = int(np.ceil(psf.fit_radius_px + _BESIDE_FWHM * psf.fwhm_px)) + 1
    own = psf.stamps(np.array([fit.x]), np.array([fit.y]), half)[0]
    other = psf.stamps(x, y, half)[0]
    down = int(np.rint(y[0]) - np.rint(fit.y))
    right = int(np.rint(x[0]) - np.rint(fit.x))
    moved = np.roll(other, (down, right), (0, 1))
    return float(np.sum(own * moved) / np.sum(own**2))
