"""Elliptical Moffat profile of a star, and what its pixels collect of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.effective_psf import grid_offsets

FloatArray = npt.NDArray[np.float64]

# Nodes and weights of Gauss-Legendre integration on [-1/2, 1/2].
_THREE_NODES = (-0.3872983346207417, 0.0, 0.3872983346207417)
_THREE_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)
_TWO_NODES, _TWO_WEIGHTS = (-0.2886751345948129, 0.2886751345948129), (0.5, 0.5)
_WELL_SAMPLED_FWHM_PX = 4.0
_GAUSSIAN = 1e-3


@dataclass(frozen=True, slots=True)
class Shape:
    """Elliptical Moffat profile: width, ellipticity and exponent.

    `fwhm_px` is the geometric mean of the full widths at half maximum; `along` and
    `across` are cos and sin of twice the angle from x to the long axis, times
    (a^2 - b^2) / (a^2 + b^2); `softness` is 1 / beta, 0 for a Gaussian.
    """

    fwhm_px: float
    along: float = 0.0
    across: float = 0.0
    softness: float = 1 / 3

    @property
    def axes_px(self) -> tuple[float, float]:
        """Full widths at half maximum along the long and the short axis [px]."""
        length = float(np.hypot(self.along, self.across))
        ratio = float(((1 + length) / (1 - length)) ** 0.25)
        return self.fwhm_px * ratio, self.fwhm_px / ratio

    @property
    def ellipticity(self) -> float:
        """1 - b / a."""
        long_axis, short_axis = self.axes_px
        return 1 - short_axis / long_axis

    @property
    def angle_deg(self) -> float:
        """Angle from x towards y of the long axis, in [0, 180) [deg]."""
        return float(np.degrees(0.5 * np.arctan2(self.across, self.along)) % 180)

    def brightness(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Surface brightness at an offset [px], 1 in the centre."""
        scale = 4 / (self.fwhm_px**2 * np.sqrt(1 - self.along**2 - self.across**2))
        square = scale * (
            (1 - self.along) * x**2 - 2 * self.across * x * y + (1 + self.along) * y**2
        )
        if self.softness < _GAUSSIAN:
            gauss: FloatArray = np.exp(-np.log(2) * square)
            return gauss
        core = (2**self.softness - 1) * square
        moffat: FloatArray = np.exp(-np.log1p(core) / self.softness)
        return moffat

    def pixel_light(self, oversampling: int, half: int) -> FloatArray:
        """Light a pixel collects at the grid's offsets; total 1 within `half`.

        The total is that of the pixels of a star centred on a pixel, within a circle
        of `half` px.
        """
        well_sampled = self.axes_px[1] > _WELL_SAMPLED_FWHM_PX
        nodes = _TWO_NODES if well_sampled else _THREE_NODES
        weights = _TWO_WEIGHTS if well_sampled else _THREE_WEIGHTS
        offset = grid_offsets(oversampling, half)
        light = np.zeros((len(offset), len(offset)))
        for node_y, weight_y in zip(nodes, weights, strict=True):
            for node_x, weight_x in zip(nodes, weights, strict=True):
                light += (weight_y * weight_x) * self.brightness(
                    offset[None, :] + node_x, offset[:, None] + node_y
                )
        return light / total_light(light, oversampling, half)


def total_light(light: FloatArray, oversampling: int, half: int) -> float:
    """Light of a star in a circle of `half` px, from values on the fine grid."""
    offset = grid_offsets(oversampling, half)
    inside = np.hypot(offset[None, :], offset[:, None]) <= half
    return float(np.sum(light * inside)) / oversampling**2
