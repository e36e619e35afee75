"""A point-spread function as the pixels see it, evaluated anywhere in a pixel.

The effective PSF (Anderson & King 2000, PASP 112, 1360) is the optical one integrated
over a pixel: its value at an offset is the share of a star's light in a pixel there.
It is held on a grid finer than the pixels, with its derivatives, so that the stamp of
a star is the nearest grid phase plus a second-order Taylor step.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
# Number of a term and its factor, for every star, in a Taylor sum.
_Factors = tuple[tuple[int, FloatArray], ...]

_VALUES_AT_ONCE = 16_000  # what stays in the processor's cache
_PADDING = 2  # grid points beyond the stamp that the five-point derivatives need


@dataclass(frozen=True, slots=True)
class EffectivePsf:
    """Values and derivatives of an effective PSF on an oversampled grid.

    `terms` has shape (6, k, k, 2 half + 1, 2 half + 1): value, d/dx, d/dy, d2/dx2,
    d2/dxdy, d2/dy2 for every phase (y, x) of a star's centre within its pixel.
    """

    oversampling: int
    half: int
    terms: FloatArray

    def in_single_precision(self) -> "EffectivePsf":
        """Return the same with seven digits, as images have: half the memory."""
        return replace(self, terms=self.terms.astype(np.float32))

    def stamps(self, x: FloatArray, y: FloatArray, half: int) -> FloatArray:
        """Light of stars in pixels, shape (n, 2 half + 1, 2 half + 1).

        `x`, `y` are centres relative to the middle pixel's, within half a pixel.
        """
        return self._sum(x, y, half, _value)

    def gradients(
        self, x: FloatArray, y: FloatArray, half: int
    ) -> tuple[FloatArray, FloatArray]:
        """Derivatives of the stamps by the stars' x and y [1/px]."""
        return self._sum(x, y, half, _by_x), self._sum(x, y, half, _by_y)

    def _sum(
        self,
        x: FloatArray,
        y: FloatArray,
        half: int,
        taylor: Callable[[FloatArray, FloatArray], _Factors],
    ) -> FloatArray:
        side = 2 * half + 1
        stamps = np.zeros((len(x), side, side), dtype=self.terms.dtype)
        reach = min(half, self.half)
        inside = slice(half - reach, half + reach + 1)
        cut = slice(self.half - reach, self.half + reach + 1)
        limit = self.oversampling // 2
        phase_x, phase_y = (
            np.rint(np.clip(axis * self.oversampling, -limit, limit)).astype(int)
            for axis in (x, y)
        )
        factors = taylor(
            x - phase_x / self.oversampling, y - phase_y / self.oversampling
        )
        step = max(_VALUES_AT_ONCE // (2 * reach + 1) ** 2, 1)
        for start in range(0, len(x), step):
            some = slice(start, start + step)
            phase = phase_y[some] + limit, phase_x[some] + limit
            total = np.zeros_like(stamps[some, inside, inside])
            for term, factor in factors:
                light = self.terms[term, :, :, cut, cut][phase]
                light *= factor[some, None, None].astype(light.dtype)
                total += light
            stamps[some, inside, inside] = total
        return stamps


def _value(dx: FloatArray, dy: FloatArray) -> _Factors:
    """f(u - dx, v - dy) to second order."""
    return (
        (0, np.ones_like(dx)),
        (1, -dx),
        (2, -dy),
        (3, 0.5 * dx**2),
        (4, dx * dy),
        (5, 0.5 * dy**2),
    )


def _by_x(dx: FloatArray, dy: FloatArray) -> _Factors:
    return (1, -np.ones_like(dx)), (3, dx), (4, dy)


def _by_y(dx: FloatArray, dy: FloatArray) -> _Factors:
    return (2, -np.ones_like(dx)), (4, dx), (5, dy)


def oversampling_for(fwhm_px: float) -> int:
    """Grid points a pixel that keep the Taylor step's error below 1e-3 of the peak."""
    if fwhm_px < 4:
        return 5
    return 3 if fwhm_px < 8 else 1


def grid_offsets(oversampling: int, half: int) -> FloatArray:
    """Offsets from a star's centre [px] at which a grid wants the PSF's value."""
    last = oversampling * half + oversampling // 2 + _PADDING
    offsets: FloatArray = np.arange(-last, last + 1) / oversampling
    return offsets


def tabulate(values: FloatArray, oversampling: int, half: int) -> EffectivePsf:
    """Hold the values on the square of `grid_offsets` for quick evaluation."""
    dx, dy = _derivative(values, 1, oversampling), _derivative(values, 0, oversampling)
    maps = (
        values,
        dx,
        dy,
        _second_derivative(values, 1, oversampling),
        _derivative(dx, 0, oversampling),
        _second_derivative(values, 0, oversampling),
    )
    limit, side = oversampling // 2, 2 * half + 1
    terms = np.empty((6, oversampling, oversampling, side, side))
    first = limit + _PADDING
    for row in range(oversampling):
        for column in range(oversampling):
            # the stamp of a star whose centre lies `phase - limit` grid points off
            start_y, start_x = first - (row - limit), first - (column - limit)
            stop = oversampling * (side - 1) + 1
            part = np.s_[
                start_y : start_y + stop : oversampling,
                start_x : start_x + stop : oversampling,
            ]
            for number, values_of in enumerate(maps):
                terms[number, row, column] = values_of[part]
    return EffectivePsf(oversampling, half, terms)


def _derivative(values: FloatArray, axis: int, oversampling: int) -> FloatArray:
    """First derivative [1/px] by five points; zero at the border's padding."""
    return _stencil(values, axis, (1, -8, 0, 8, -1), oversampling / 12)


def _second_derivative(values: FloatArray, axis: int, oversampling: int) -> FloatArray:
    return _stencil(values, axis, (-1, 16, -30, 16, -1), oversampling**2 / 12)


def _stencil(
    values: FloatArray, axis: int, weights: tuple[int, ...], scale: float
) -> FloatArray:
    moved = np.moveaxis(values, axis, 0)
    found = np.zeros_like(moved)
    inner = moved.shape[0] - 2 * _PADDING
    for start, weight in enumerate(weights):
        if weight:
            found[_PADDING:-_PADDING] += weight * moved[start : start + inner]
    result: FloatArray = np.moveaxis(found * scale, 0, axis)
    return result
