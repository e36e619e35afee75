"""Where sources lie beside a target that are none of the stars fitted there."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.detection import DetectionOverflow, Sources
from bhtom_cpcs.science.stars.hidden_stars import hidden_stars
from bhtom_cpcs.science.stars.scene_fit import SceneFit
from bhtom_cpcs.science.targets.forced_fit import ForcedFit, FrameLight

FloatArray = npt.NDArray[np.float64]
_Places = tuple[FloatArray, FloatArray]


def places_beside(
    light: FrameLight,
    fit: ForcedFit,
    sources: Sources,
    reach_px: float,
    itself_px: float,
) -> _Places:
    """Return places of the frame's sources, and of those hidden in the stars' light.

    Detection, blurred by its kernel, tells two stars apart from 1.5 to 2 FWHM on. What
    is nearer shows when the fitted stars have been taken out; its place is then found
    together with theirs.

    Parameters
    ----------
    fit : the target's fit, with its scene
    sources : of the whole frame
    reach_px, itself_px : how far from the target places are wanted, and how far from
        a star they must be to be another one [px]

    Returns
    -------
    x, y : zero-based places, shape (n,) [px]
    """
    known = fit.stars_x, fit.stars_y
    wide = reach_px + 2 * light.psf.fit_radius_px
    found = sources.of(_within(sources.x, sources.y, fit, wide))
    others = _apart((found.x, found.y), known, itself_px)
    near = _within(*known, fit, wide)
    near[0] = True
    stars = known[0][near], known[1][near]
    model = _joined(stars, others)
    scene = SceneFit(light.pixels, light.mask, light.psf, light.noise, *model)
    scene.run()
    hidden = _apart(_hidden(light, scene), model, itself_px)
    if _within(*hidden, fit, reach_px).any():
        model = _joined(model, hidden)
        joint = SceneFit(
            light.pixels, light.mask, light.psf, light.noise, *model, move=True
        )
        joint.run()
        count = len(stars[0])
        others = _apart((joint.x[count:], joint.y[count:]), stars, itself_px)
    chosen = _within(*others, fit, reach_px)
    return others[0][chosen], others[1][chosen]


def _hidden(light: FrameLight, scene: SceneFit) -> _Places:
    rows, columns = scene.part
    mask = None if light.mask is None else light.mask[scene.part]
    try:
        found = hidden_stars(
            light.pixels[scene.part],
            scene.left_over,
            mask,
            light.noise,
            light.psf.fwhm_px,
        )
    except DetectionOverflow:  # light everywhere: no separate stars
        return np.zeros(0), np.zeros(0)
    return found.x + columns.start, found.y + rows.start


def _within(
    x: FloatArray, y: FloatArray, fit: ForcedFit, reach_px: float
) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = np.hypot(x - fit.x, y - fit.y) < reach_px
    return near


def _apart(places: _Places, stars: _Places, least_px: float) -> _Places:
    """Places that are none of the stars'."""
    distance = np.hypot(
        places[0][:, None] - stars[0], places[1][:, None] - stars[1]
    ).min(axis=1, initial=np.inf)
    return places[0][distance >= least_px], places[1][distance >= least_px]


def _joined(first: _Places, second: _Places) -> _Places:
    return np.append(first[0], second[0]), np.append(first[1], second[1])
