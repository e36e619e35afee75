"""The point-spread function of a frame, and the light it puts into pixels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.effective_psf import (
    EffectivePsf,
    oversampling_for,
    tabulate,
)
from bhtom_cpcs.science.stars.psf_shape import Shape

FloatArray = npt.NDArray[np.float64]

# A Moffat profile of beta 3 has 98.5 % of its light within 4 FWHM.
_NORMALISATION_FWHM = 4.0
_SMALLEST_HALF_PX, _LARGEST_HALF_PX = 6, 120
_FIT_FWHM = 2.0
_SMALLEST_FIT_PX = 3.0
# What the PSF's normalisation varies by where too few stars can tell.
UNKNOWN_NORMALISATION_MAG = 0.01


@dataclass(frozen=True, slots=True)
class PsfModel:
    """What a star of total light 1 puts into the pixels, anywhere on the frame.

    Attributes
    ----------
    shape : elliptical Moffat profile that fits the stars best
    n_stars : stars behind the model; 0 where it is a guess
    normalisation_radius_px : the light within this radius is 1
    normalisation_error_mag : 1 sigma of what the normalisation varies by from star to
        star, with place and brightness; the part common to all stars is not in it [mag]
    """

    shape: Shape
    n_stars: int
    normalisation_radius_px: float
    normalisation_error_mag: float
    mean: EffectivePsf

    @property
    def fwhm_px(self) -> float:
        """Full width at half maximum, geometric mean of both axes [px]."""
        return self.shape.fwhm_px

    @property
    def ellipticity(self) -> float:
        """1 - b / a."""
        return self.shape.ellipticity

    @property
    def fit_radius_px(self) -> float:
        """Pixels this near to a star tell its flux."""
        return max(_FIT_FWHM * self.fwhm_px, _SMALLEST_FIT_PX)

    @property
    def half_px(self) -> int:
        """Half width of a stamp that holds all the light."""
        return self.mean.half

    def stamps(self, x: FloatArray, y: FloatArray, half: int) -> FloatArray:
        """Share of a star's light in the pixels about it.

        Parameters
        ----------
        x, y : zero-based positions on the frame, shape (n,) [px]
        half : half width of the stamps [px]

        Returns
        -------
        ndarray, shape (n, 2 half + 1, 2 half + 1)
            Middle pixel at (rint(x), rint(y)); zero beyond `half_px`.
        """
        return self.mean.stamps(x - np.rint(x), y - np.rint(y), half)

    def gradients(
        self, x: FloatArray, y: FloatArray, half: int
    ) -> tuple[FloatArray, FloatArray]:
        """Derivatives of the stamps by x and by y [1/px]."""
        return self.mean.gradients(x - np.rint(x), y - np.rint(y), half)

    def noise_area_px(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Pixels whose sky noise a flux carries, 1 / sum(psf^2), shape (n,)."""
        half = int(np.ceil(self.fit_radius_px))
        stamps = self.stamps(x, y, half)
        area: FloatArray = 1 / np.sum(stamps**2, axis=(1, 2))
        return area


def round_model(fwhm_px: float, beta: float = 3.0, n_stars: int = 0) -> PsfModel:
    """Model of round Moffat stars: what is known when there are few."""
    return model_of(Shape(fwhm_px, softness=1 / beta), n_stars)


def model_of(
    shape: Shape,
    n_stars: int,
    normalisation_error_mag: float = UNKNOWN_NORMALISATION_MAG,
) -> PsfModel:
    """Tabulate the model of an analytic shape."""
    half = half_width(shape.fwhm_px)
    oversampling = oversampling_for(shape.axes_px[1])
    mean = tabulate(shape.pixel_light(oversampling, half), oversampling, half)
    return PsfModel(shape, n_stars, float(half), normalisation_error_mag, mean)


def half_width(fwhm_px: float) -> int:
    """Half width of a stamp that holds a star's light [px]."""
    half = np.ceil(_NORMALISATION_FWHM * fwhm_px)
    return int(np.clip(half, _SMALLEST_HALF_PX, _LARGEST_HALF_PX))
