"""A target's neighbours: the same fixed list in every frame of its light curve."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, separation_deg
from bhtom_cpcs.science.astrometry.proper_motion import at_epoch
from bhtom_cpcs.science.decisions import Decisions, Scene, SceneMember, SceneStar
from bhtom_cpcs.science.reference import ReferenceStars
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
LARGEST_ITSELF_ARCSEC: Final = 3.0


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where a scene's stars are in a frame [px], shape (n,), and which scene it is.

    `proposed` is the scene to be kept for the target where it had none; `on_host` says
    that many frames found a galaxy under the target.
    """

    x: FloatArray
    y: FloatArray
    version: int
    source: str
    proposed: Scene | None = None
    on_host: bool = False


def scene_radius_arcsec(fwhm_arcsec: float) -> float:
    """Radius within which a scene is listed, from the seeing of its first frame."""
    radius = max(SMALLEST_RADIUS_ARCSEC, RADIUS_FWHM * fwhm_arcsec)
    return min(radius, LARGEST_RADIUS_ARCSEC)


def itself_arcsec(error_arcsec: tuple[float, float]) -> float:
    """Distance within which a catalogue star is the target itself.

    Three times the error of the target's coordinates, from 1 to 3 arcsec: a star that
    is the target must not be fitted beside it.
    """
    far = max(TARGET_ITSELF_ARCSEC, 3 * max(error_arcsec))
    return min(far, LARGEST_ITSELF_ARCSEC)


def propose_scene(
    place: TargetPlace,
    reference: ReferenceStars,
    epoch_jyear: float,
    radius_arcsec: float,
    source: str,
) -> Scene:
    """List the catalogue's stars about a target, the nearest first.

    The target's own entry, the nearest one within `itself_arcsec` at the frame's
    epoch, is left out (a body that moves has none: a star there is one that it
    passes); at most the 100 nearest are listed. Positions and proper motions are the
    catalogue's, at its epoch.

    Parameters
    ----------
    place : where the target is in this frame
    reference : stars of the field
    epoch_jyear : of the frame [yr]
    source : catalogue and release, kept with the scene
    """
    ra, dec = at_epoch(
        reference.ra_deg,
        reference.dec_deg,
        (reference.pm_ra_masyr, reference.pm_dec_masyr),
        epoch_jyear - reference.epoch_jyear,
    )
    distance = separation_deg(ra, dec, place.ra_deg, place.dec_deg) * 3600
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] <= radius_arcsec]
    itself = 0.0 if place.target.moves else itself_arcsec(place.error_arcsec)
    if len(order) and distance[order[0]] < itself:
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
    stars = [star for star in scene.stars if star.kind == SceneMember.STAR]
    ra, dec = at_epoch(
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
    return Neighbours(x, y, version, scene.source, proposed, scene.on_host)
