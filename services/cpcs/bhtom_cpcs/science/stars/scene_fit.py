"""All stars of a scene fitted together: their fluxes, and where wanted positions.

The state is what is left of the image when the model of every star is taken out. A
round solves for the change of all fluxes that makes what is left orthogonal to every
star's image; neighbours' wings beyond the fitted pixels come right within few rounds.
"""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.blends import (
    Pairs,
    correlations,
    overlapping,
    overlaps,
    solve,
)
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.psf_stars import project
from bhtom_cpcs.science.stars.residual_sky import LocalSky, residual_sky
from bhtom_cpcs.science.stars.scene_light import SceneLight
from bhtom_cpcs.science.stars.stamps import (
    cut_out,
    dot,
    places,
    usable_pixels,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

_ROUNDS_ALONE, ROUNDS_BLENDED = 2, 5
# Less of the star's weight on good pixels than this measures nothing.
_FEWEST_COVERAGE = 0.1
# Fainter stars stay where they were found: a step would follow the noise.
_MOVES_AT_SIGMA = 5.0
_CENTRING_STEPS = 2
_LARGEST_STEP_PX = 0.4
_LARGEST_MOVE_FWHM = 0.5


class SceneFit(SceneLight):
    """A fit under way; arrays have one element a star."""

    def __init__(
        self,
        pixels: Image,
        mask: Mask | None,
        psf: PsfModel,
        noise: PixelNoise,
        x: FloatArray,
        y: FloatArray,
        *,
        move: bool = False,
    ) -> None:
        super().__init__(pixels, mask, psf, noise.sky_rms_adu, x, y)
        self.noise = noise
        count = len(x)
        self._start = self.x.copy(), self.y.copy()
        pairs = overlapping(self.x, self.y, 2 * psf.fit_radius_px)
        self._rank = np.empty(count, dtype=np.int64)
        self._rank[self.everyone] = np.arange(count)
        order = np.argsort(self._rank[pairs.first], kind="stable")
        self.pairs = Pairs(pairs.first[order], pairs.second[order])
        self._first_rank = self._rank[self.pairs.first]
        is_blended = np.zeros(count, dtype=bool)
        is_blended[pairs.first] = is_blended[pairs.second] = True
        is_blended = is_blended[self.everyone]
        self._blended = self.everyone[is_blended]
        self._moves = move
        if move:
            for some in self.blocks(self.everyone[~is_blended]):
                self._centre(some)
        self._place(self.everyone)
        self.flux = np.zeros(count)
        self.information = np.ones(count)
        self.sky = LocalSky(np.zeros(count), np.zeros(count))
        self.matrix: csr_array = correlations(
            self.pairs, np.zeros(len(self.pairs)), self.information
        )

    @property
    def measured(self) -> BoolArray:
        """Which stars have enough good pixels to be measured at all."""
        enough: BoolArray = self.coverage > _FEWEST_COVERAGE
        return enough

    def run(self, rounds: int = ROUNDS_BLENDED) -> None:
        """Fit in rounds; the weights and the sky follow from the round before."""
        everyone, blended = self.everyone, self._blended
        self._solve(everyone)
        self._widen(self.flux)
        self._subtract(everyone, self.flux[everyone])
        for number in range(1, rounds if len(blended) else _ROUNDS_ALONE):
            who = everyone if number < _ROUNDS_ALONE else blended
            if self._moves:
                self._move(blended)
            self._find_sky(who)
            before = self.flux[who].copy()
            self._solve(who)
            self._subtract(who, self.flux[who] - before)

    def left(self, who: IndexArray | None = None) -> FloatArray:
        """What is left in the stars' stamps, local sky taken off [ADU]."""
        if who is None:
            who = np.arange(len(self.x))
        stamps = cut_out(self.at.of(who), self.left_over)
        stamps -= self.sky.level[who, None, None]
        return stamps

    def weight(self, model: FloatArray, who: IndexArray) -> FloatArray:
        """Inverse variance of the stamps' pixels under a model's light."""
        excess = np.maximum(self.sky.level[who], 0.0)[:, None, None]
        variance = self.noise.variance(np.maximum(model, 0.0) + excess)
        weight: FloatArray = self.good[who] / variance
        return weight

    def _solve(self, who: IndexArray) -> None:
        """Change the fluxes so that nothing of a star's form is left."""
        right, overlap = np.zeros(len(self.x)), np.zeros(len(self.pairs))
        for some in self.blocks(who):
            left = cut_out(self.at.of(some), self.left_over)
            weight = self.weight(self._data[some] - left, some)
            left -= self.sky.level[some, None, None]
            weighed = self.profile[some] * weight
            right[some] = dot(weighed, left)
            self.information[some] = dot(weighed, self.profile[some])
            number, pairs = self._pairs_of(some)
            first = np.searchsorted(self._rank[some], self._first_rank[number])
            overlap[number] = overlaps(pairs, self.at, self.profile, weight[first])
        right[~self.measured] = 0.0
        self.information[~self.measured] = 1.0
        if not len(self.pairs):
            self.flux[who] += right[who] / self.information[who]
            return
        self.matrix = correlations(self.pairs, overlap, self.information)
        scale = np.sqrt(self.information)
        self.flux += solve(self.matrix, right / scale) / scale

    def _pairs_of(self, who: IndexArray) -> tuple[slice, Pairs]:
        """Numbers of the pairs whose first star is among some of `everyone`; these."""
        ends = self._rank[who[0]], self._rank[who[-1]] + 1
        number = slice(*np.searchsorted(self._first_rank, ends).tolist())
        return number, Pairs(self.pairs.first[number], self.pairs.second[number])

    def _find_sky(self, who: IndexArray) -> None:
        found = residual_sky(
            self.left_over,
            self._mask,
            self.x[who] - self._left,
            self.y[who] - self._bottom,
            self.psf,
            self.noise,
        )
        self.sky.level[who] = found.level
        self.sky.error[who] = found.error

    def _centre(self, who: IndexArray) -> None:
        """Step the positions of stars that stand alone to the centre of their image."""
        half = int(np.ceil(max(self.psf.fwhm_px, 2.0)))
        for _ in range(_CENTRING_STEPS):
            x, y = self.x[who], self.y[who]
            at = places(x - self._left, y - self._bottom, half)
            light = self.psf.stamps(x, y, half)
            basis = (light, *self.psf.gradients(x, y, half))
            data = cut_out(at, self._image)
            good = usable_pixels(at, self._image, self._mask)
            area = np.maximum(dot(good * light, light), 1e-12)
            flux = np.maximum(dot(good * light, data) / area, 0.0)
            weight = good / self.noise.variance(flux[:, None, None] * light)
            bright = flux * np.sqrt(area) > _MOVES_AT_SIGMA * self.noise.sky_rms_adu
            solved = project(weight, basis, data)
            step = solved[:, 1:] / np.maximum(solved[:, :1], 1e-6)
            step = np.clip(step, -_LARGEST_STEP_PX, _LARGEST_STEP_PX)
            step[~(bright & (solved[:, 0] > 0))] = 0.0
            self._step(who, step[:, 0], step[:, 1])

    def _step(
        self, who: IndexArray, step_x: FloatArray, step_y: FloatArray
    ) -> IndexArray:
        """Move stars that stay near where they were found; return these."""
        new_x, new_y = self.x[who] + step_x, self.y[who] + step_y
        start_x, start_y = (axis[who] for axis in self._start)
        away = max(_LARGEST_MOVE_FWHM * self.psf.fwhm_px, 1.0)
        stays = np.hypot(new_x - start_x, new_y - start_y) > away
        moved = who[~stays]
        self.x[moved], self.y[moved] = new_x[~stays], new_y[~stays]
        return moved

    def _move(self, who: IndexArray) -> None:
        """Step the bright stars' positions towards what is left (Gauss and Newton)."""
        scale = np.sqrt(self.information[who])
        bright = self.flux[who] * scale > _MOVES_AT_SIGMA
        who = who[bright & self.measured[who]]
        step_x, step_y = np.zeros(len(self.x)), np.zeros(len(self.x))
        for some in self.blocks(who):
            step_x[some], step_y[some] = self._steps(some)
        moved = self._step(who, step_x[who], step_y[who])
        self._shift(moved, self.flux[moved])

    def _steps(self, who: IndexArray) -> tuple[FloatArray, FloatArray]:
        """Steps that what is left of stars wants of their positions [px]."""
        by_x, by_y = self.psf.gradients(self.x[who], self.y[who], self.at.half)
        flux = self.flux[who, None, None]
        inside = self.profile[who] > 0
        by_x, by_y = by_x * flux * inside, by_y * flux * inside
        weight = self.weight(self.model(who), who)
        left = self.left(who)
        xx, yy, xy = (
            dot(weight, a, b) for a, b in ((by_x, by_x), (by_y, by_y), (by_x, by_y))
        )
        x, y = (dot(weight, a, left) for a in (by_x, by_y))
        determinant = xx * yy - xy**2
        safe = determinant > 1e-6 * xx * yy
        determinant = np.where(safe, determinant, 1.0)
        limit = _LARGEST_STEP_PX
        step_x = np.clip((yy * x - xy * y) / determinant * safe, -limit, limit)
        step_y = np.clip((xx * y - xy * x) / determinant * safe, -limit, limit)
        return step_x, step_y
