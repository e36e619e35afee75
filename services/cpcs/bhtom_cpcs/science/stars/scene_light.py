"""Stars' light in an image, which can be taken out of it star by star."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.residual_sky import annulus_radii
from bhtom_cpcs.science.stars.stamps import (
    Places,
    cut_out,
    dot,
    places,
    subtract,
    usable_pixels,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

# Wings beyond the fitted pixels are taken out where they reach this part of the noise.
_WING_RMS = 0.03
# Stamps are worked on so many values at a time, in strips of so many rows: they and
# their part of the image stay in the processor's cache, and a crowd takes no more
# memory for them than one star.
_VALUES_AT_ONCE = 32_000
_STRIP_ROWS = 32


class SceneLight:
    """The stars of a scene and what is left of the image without them.

    `light` and `profile` are the stars' stamps, the latter zero beyond the fit radius;
    `good` marks usable pixels; `coverage` is the share of a star's weight on them.
    `part` is the piece of the image that `left_over` is of; `at`, `_left` and `_bottom`
    place its stamps. `everyone` are all stars, neighbours in the image one after
    another.
    """

    def __init__(
        self,
        pixels: Image,
        mask: Mask | None,
        psf: PsfModel,
        sky_rms_adu: float,
        x: FloatArray,
        y: FloatArray,
    ) -> None:
        self.psf, self._sky_rms_adu = psf, sky_rms_adu
        margin = int(max(np.ceil(annulus_radii(psf)[1]), psf.half_px)) + 2
        self._left, self._bottom = (
            max(int(np.floor(axis.min())) - margin, 0) for axis in (x, y)
        )
        part = np.s_[
            self._bottom : int(y.max()) + margin + 1,
            self._left : int(x.max()) + margin + 1,
        ]
        self.part = part
        self._whole, self._image = pixels, pixels[part]
        self._mask = None if mask is None else mask[part]
        self.left_over: Image = np.array(self._image, dtype=np.float32)
        self.x, self.y = x.astype(np.float64), y.astype(np.float64)
        count, half = len(x), int(np.ceil(psf.fit_radius_px))
        side = 2 * half + 1
        self.at = places(self.x - self._left, self.y - self._bottom, half)
        self.light = np.empty((count, side, side))
        self.profile = np.empty((count, side, side))
        self.good = np.empty((count, side, side), dtype=bool)
        self.coverage = np.empty(count)
        self._data = np.empty((count, side, side), dtype=pixels.dtype)
        self.everyone: IndexArray = np.lexsort(
            (self.at.column, self.at.row // _STRIP_ROWS)
        )
        self._is_cut = np.zeros(count, dtype=bool)
        self._wide = np.full(count, -1)  # row among the wide stamps
        self._wide_at = places(self.x[:0], self.y[:0], psf.half_px)
        self._wide_light = np.empty((0, 0, 0), dtype=np.float32)
        self._wide_psf = psf.in_single_precision()

    @property
    def offset(self) -> tuple[FloatArray, FloatArray]:
        """Stars' centres relative to their stamps' middle pixels [px]."""
        return (
            self.x - self._left - self.at.column,
            self.y - self._bottom - self.at.row,
        )

    def blocks(
        self, who: IndexArray | None = None, half: int | None = None
    ) -> Iterator[IndexArray]:
        """Cut some of the stars, or all, into few enough for one array of stamps."""
        who = self.everyone if who is None else who
        side = 2 * (self.at.half if half is None else half) + 1
        step = max(_VALUES_AT_ONCE // side**2, 1)
        for start in range(0, len(who), step):
            yield who[start : start + step]

    def with_stars(self, who: IndexArray, flux: FloatArray) -> Image:
        """Return the whole image with no stars but these, of their fluxes [ADU]."""
        image = self.whole_left_over()
        self._subtract(who, -flux, image[self.part])
        return image

    def whole_left_over(self) -> Image:
        """What is left of the whole image, places far from any star included [ADU]."""
        left_over: Image = self._whole.astype(np.float32)
        left_over[self.part] = self.left_over
        return left_over

    def model(self, who: IndexArray | None = None) -> FloatArray:
        """All stars' light in the stamps [ADU]."""
        if who is None:
            who = np.arange(len(self.x))
        light: FloatArray = self._data[who] - cut_out(self.at.of(who), self.left_over)
        return light

    def _place(self, who: IndexArray) -> None:
        """Make the stamps of stars at their positions."""
        radius = self.psf.fit_radius_px
        for some in self.blocks(who):
            x, y = self.x[some], self.y[some]
            at = places(x - self._left, y - self._bottom, self.at.half)
            self._cut_out(some, at)
            light = self.psf.stamps(x, y, at.half)
            profile = light * _circle(at, x - self._left, y - self._bottom, radius)
            square = profile**2
            self.coverage[some] = dot(square * self.good[some]) / dot(square)
            self.light[some], self.profile[some] = light, profile
        self._place_wide(who)

    def _cut_out(self, who: IndexArray, at: Places) -> None:
        """Take the image's pixels at new places, which most steps do not change."""
        old = self.at.of(who)
        other = (old.column != at.column) | (old.row != at.row) | ~self._is_cut[who]
        who, at = who[other], at.of(other)
        self.at.column[who], self.at.row[who] = at.column, at.row
        self.good[who] = usable_pixels(at, self._image, self._mask)
        self._data[who] = cut_out(at, self._image)
        self._is_cut[who] = True

    def _widen(self, flux: FloatArray) -> None:
        """Give wide stamps to the stars whose wings matter."""
        edge = self.light[:, 0, self.at.half]
        limit = _WING_RMS * self._sky_rms_adu
        wide = self.everyone[(flux * edge > limit)[self.everyone]]
        self._wide[wide] = np.arange(len(wide))
        half = self.psf.half_px
        self._wide_at = places(self.x[wide], self.y[wide], half)
        shape = len(wide), 2 * half + 1, 2 * half + 1
        self._wide_light = np.empty(shape, dtype=np.float32)
        self._place_wide(wide)

    def _place_wide(self, who: IndexArray) -> None:
        half = self.psf.half_px
        for star in self.blocks(who[self._wide[who] >= 0], half):
            row, x, y = self._wide[star], self.x[star], self.y[star]
            at = places(x - self._left, y - self._bottom, half)
            self._wide_at.column[row], self._wide_at.row[row] = at.column, at.row
            self._wide_light[row] = self._wide_psf.stamps(x, y, half)

    def _subtract(
        self, who: IndexArray, flux: FloatArray, image: Image | None = None
    ) -> None:
        """Take light of stars out of the image, the wings of bright ones too."""
        image = self.left_over if image is None else image
        number = np.arange(len(who))
        wide = self._wide[who] >= 0
        for some in self.blocks(number[wide], self.psf.half_px):
            row = self._wide[who[some]]
            subtract(self._wide_at.of(row), self._wide_light[row], flux[some], image)
        for some in self.blocks(number[~wide]):
            star = who[some]
            subtract(self.at.of(star), self.light[star], flux[some], image)

    def _shift(self, who: IndexArray, flux: FloatArray) -> None:
        """Take stars to their positions, their light in the image with them."""
        number = np.arange(len(who))
        wide = self._wide[who] >= 0
        for some in self.blocks(number[wide], self.psf.half_px):
            row = self._wide[who[some]]
            before = self._wide_at.of(row), self._wide_light[row]
            self._place(who[some])
            after = self._wide_at.of(row), self._wide_light[row]
            _carry(before, after, flux[some], self.left_over)
        for some in self.blocks(number[~wide]):
            star = who[some]
            before = self.at.of(star), self.light[star]
            self._place(star)
            after = self.at.of(star), self.light[star]
            _carry(before, after, flux[some], self.left_over)


def _carry(
    before: tuple[Places, FloatArray],
    after: tuple[Places, FloatArray],
    flux: FloatArray,
    image: Image,
) -> None:
    """Put stars' light back into the image and take it out where they are now."""
    (old_at, old), (new_at, new) = before, after
    same = (old_at.column == new_at.column) & (old_at.row == new_at.row)
    subtract(new_at.of(same), new[same] - old[same], flux[same], image)
    subtract(old_at.of(~same), old[~same], -flux[~same], image)
    subtract(new_at.of(~same), new[~same], flux[~same], image)


def _circle(at: Places, x: FloatArray, y: FloatArray, radius: float) -> BoolArray:
    """Which pixels of the stamps lie within the radius of their star."""
    offset = np.arange(-at.half, at.half + 1)
    dx = offset - (x - at.column)[:, None]
    dy = offset - (y - at.row)[:, None]
    inside: BoolArray = dy[:, :, None] ** 2 + dx[:, None, :] ** 2 <= radius**2
    return inside
