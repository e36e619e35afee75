"""Where sources lie beside a target that are none of the stars fitted there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.detection import DetectionOverflow, Sources
from bhtom_cpcs.science.stars.hidden_stars import hidden_stars
from bhtom_cpcs.science.stars.scene_fit import SceneFit
from bhtom_cpcs.science.targets.forced_fit import ForcedFit, FrameLight

FloatArray = npt.NDArray[np.float64]
_Places = tuple[FloatArray, FloatArray]
# In a crowd, those farther off change nothing any more.
_MOST_SOURCES, _MOST_HIDDEN = 40, 4
_MOST_FITS, _SETTLED_PX = 4, 0.01


@dataclass(frozen=True, slots=True)
class Beside:
    """Places of stars about a target, zero-based, shape (n,) [px].

    The first is the target's own, `n_known` of them are those of fitted stars, and the
    others are in no scene. Where there are others, all are where a common fit has them.
    """

    x: FloatArray
    y: FloatArray
    n_known: int

    def with_others(self, chosen: npt.NDArray[np.bool_]) -> "Beside":
        """Return the known stars and some of the others."""
        keep = np.append(np.ones(self.n_known, dtype=bool), chosen)
        return Beside(self.x[keep], self.y[keep], self.n_known)


def places_beside(
    light: FrameLight,
    fit: ForcedFit,
    sources: Sources,
    reach_px: float,
    itself_px: float,
) -> Beside:
    """Find the frame's sources beside a target, and those hidden in the stars' light.

    Detection, blurred by its kernel, tells two stars apart from 1.5 to 2 FWHM on. What
    is nearer shows when the fitted stars have been taken out; its place is then found
    together with theirs.

    Parameters
    ----------
    fit : the target's fit, with its scene
    sources : of the whole frame
    reach_px, itself_px : how far from the target sources are wanted, and how far from
        a star they must be to be another one [px]
    """
    wide = reach_px + 2 * light.psf.fit_radius_px
    near = _within(fit.stars_x, fit.stars_y, fit, wide)
    near[0] = True
    stars = fit.stars_x[near], fit.stars_y[near]
    away = np.hypot(sources.x - fit.x, sources.y - fit.y)
    nearest = np.argsort(away, kind="stable")[:_MOST_SOURCES]
    found = sources.of(nearest[away[nearest] < wide])
    others = _apart((found.x, found.y), (fit.stars_x, fit.stars_y), itself_px)
    scene = _fitted(light, _joined(stars, others), move=False)
    for _ in range(_MOST_HIDDEN):
        left = _apart(_hidden(light, scene), (scene.x, scene.y), itself_px)
        close = _within(*left, fit, reach_px)
        if not close.any():
            break
        # one at a time, the brightest: others may be what the want of it leaves
        brightest = left[0][close][:1], left[1][close][:1]
        scene = _settled(light, _joined((scene.x, scene.y), brightest))
    count = len(stars[0])
    beside = Beside(scene.x, scene.y, count)
    own = _nearest(scene.x[count:], scene.y[count:], stars) >= itself_px
    return beside.with_others(
        own & _within(scene.x[count:], scene.y[count:], fit, reach_px)
    )


def _settled(light: FrameLight, places: _Places) -> SceneFit:
    """Fit places and fluxes together until the places stay."""
    scene = _fitted(light, places, move=True)
    for _ in range(_MOST_FITS):
        before = scene.x, scene.y
        scene = _fitted(light, before, move=True)
        moved = np.hypot(scene.x - before[0], scene.y - before[1])
        if float(moved.max(initial=0.0)) < _SETTLED_PX:
            break
    return scene


def _fitted(light: FrameLight, places: _Places, *, move: bool) -> SceneFit:
    scene = SceneFit(
        light.pixels, light.mask, light.psf, light.noise, *places, move=move
    )
    scene.run()
    return scene


def _hidden(light: FrameLight, scene: SceneFit) -> _Places:
    """Places that show when the fitted stars are taken out, the brightest first."""
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


def _nearest(x: FloatArray, y: FloatArray, stars: _Places) -> FloatArray:
    """Distance to the nearest of the stars [px]."""
    distance = np.hypot(x[:, None] - stars[0], y[:, None] - stars[1])
    nearest: FloatArray = distance.min(axis=1, initial=np.inf)
    return nearest


def _apart(places: _Places, stars: _Places, least_px: float) -> _Places:
    """Places that are none of the stars', in their order."""
    apart = _nearest(*places, stars) >= least_px
    return places[0][apart], places[1][apart]


def _joined(first: _Places, second: _Places) -> _Places:
    return np.append(first[0], second[0]), np.append(first[1], second[1])
