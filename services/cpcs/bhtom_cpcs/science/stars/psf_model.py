"""The point-spread function of a frame, and the light it puts into pixels."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.effective_psf import (
    EffectivePsf,
    oversampling_for,
    tabulate,
)
from bhtom_cpcs.science.stars.psf_figures import PsfFigures
from bhtom_cpcs.science.stars.psf_normalisation import (
    GUESSED_SCATTER_MAG,
    PsfNormalisation,
)
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.stars.psf_stars import FEWEST_STARS
from bhtom_cpcs.science.stars.psf_variation import PsfVariation

FloatArray = npt.NDArray[np.float64]

# A Moffat profile of beta 3 has 98.5 % of its light within 4 FWHM.
_NORMALISATION_FWHM = 4.0
_SMALLEST_HALF_PX, _LARGEST_HALF_PX = 6, 120
_FIT_FWHM = 2.0
_SMALLEST_FIT_PX = 3.0


@dataclass(frozen=True, slots=True)
class PsfModel:
    """What a star of total light 1 puts into the pixels, anywhere on the frame.

    Attributes
    ----------
    shape : elliptical Moffat profile that fits the stars best
    n_stars : stars behind the model; 0 where it is a guess
    normalisation_radius_px : the light within this radius is 1
    normalisation : what differs from star to star in the light that its flux misses
    mean : table of a star in the middle of the frame
    variation : how stars elsewhere differ from it; None where they do not
    figures : the mean star beside the model; None where there are too few stars
    """

    shape: Shape
    n_stars: int
    normalisation_radius_px: float
    normalisation: PsfNormalisation
    mean: EffectivePsf
    variation: PsfVariation | None = None
    figures: PsfFigures | None = None

    @property
    def fwhm_px(self) -> float:
        """Full width at half maximum, geometric mean of both axes [px]."""
        return self.shape.fwhm_px

    @property
    def from_few_stars(self) -> bool:
        """Whether fewer stars were good enough than tell a form."""
        return self.n_stars < FEWEST_STARS

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

    def in_single_precision(self) -> "PsfModel":
        """Return the same with seven digits, as images have: its stamps too."""
        mean, variation = self.mean.in_single_precision(), self.variation
        if variation is not None:
            modes = tuple(mode.in_single_precision() for mode in variation.modes)
            variation = replace(variation, modes=modes)
        return replace(self, mean=mean, variation=variation)

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
        dx, dy = x - np.rint(x), y - np.rint(y)
        total = self.mean.stamps(dx, dy, half)
        if self.variation is not None:
            factors = self.variation.factors(x, y)
            for number, mode in enumerate(self.variation.modes):
                total += factors[:, number, None, None] * mode.stamps(dx, dy, half)
        return total

    def gradients(
        self, x: FloatArray, y: FloatArray, half: int
    ) -> tuple[FloatArray, FloatArray]:
        """Derivatives of the stamps by x and by y [1/px]."""
        dx, dy = x - np.rint(x), y - np.rint(y)
        by_x, by_y = self.mean.gradients(dx, dy, half)
        if self.variation is not None:
            factors = self.variation.factors(x, y)
            for number, mode in enumerate(self.variation.modes):
                mode_by_x, mode_by_y = mode.gradients(dx, dy, half)
                by_x += factors[:, number, None, None] * mode_by_x
                by_y += factors[:, number, None, None] * mode_by_y
        return by_x, by_y

    def noise_area_px(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Pixels whose sky noise a flux carries, 1 / sum(psf^2), shape (n,)."""
        half = int(np.ceil(self.fit_radius_px))
        stamps = self.stamps(x, y, half)
        area: FloatArray = 1 / np.sum(stamps**2, axis=(1, 2))
        return area


def model_of(shape: Shape, n_stars: int) -> PsfModel:
    """Tabulate the model of an analytic shape; of no stars it is a guess."""
    half = half_width(shape.fwhm_px)
    oversampling = oversampling_for(shape.axes_px[1])
    mean = tabulate(shape.pixel_light(oversampling, half), oversampling, half)
    known = PsfNormalisation() if n_stars else PsfNormalisation(GUESSED_SCATTER_MAG)
    return PsfModel(shape, n_stars, float(half), known, mean)


def half_width(fwhm_px: float) -> int:
    """Half width of a stamp that holds a star's light [px]."""
    half = np.ceil(_NORMALISATION_FWHM * fwhm_px)
    return int(np.clip(half, _SMALLEST_HALF_PX, _LARGEST_HALF_PX))
