"""A crowd's PSF made again, from stars whose neighbours have been taken out."""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.psf_fit import fit_psf
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.psf_stars import FEWEST_STARS, choose
from bhtom_cpcs.science.stars.scene_fit import SceneFit

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

# Of the candidates those, whose neighbours' light is a smaller part of theirs.
_CONTAMINATION: Final = (0.3, 1.0)
_MARGIN_FWHM: Final = 3.0
_APART_FWHM: Final = 5.0
# Beyond these ratios of widths one of the two was made from no stars.
_PLAUSIBLE: Final = (0.5, 1.5)


def refined_psf(
    pixels: Image,
    mask: Mask | None,
    sources: Sources,
    usable: BoolArray,
    fit: SceneFit,
    noise: PixelNoise,
) -> PsfModel:
    """Fit the PSF once more to its stars, all other stars' light taken out.

    What neighbours put into the few stars that stand nearly alone is in a crowd's first
    PSF: too narrow by 1.2 % where 11 stars told it, and a star beside one 2.5 times as
    bright was 20 mmag too faint; too wide by 40 % where every bright star has one
    3 FWHM away. Blends may take part here, for their parts are fitted.

    Parameters
    ----------
    sources : the first are those of the fit
    usable : which of them are whole and unsaturated

    Returns
    -------
    PsfModel
        That of the fit where no more stars than before tell it.
    """
    count = len(fit.x)
    fitted = replace(sources.of(np.arange(count)), x=fit.x, y=fit.y, flux=fit.flux)
    old = fit.psf
    index = choose(
        fitted,
        usable[:count] & (fit.flux > 0),
        pixels.shape,
        old.shape,
        int(np.ceil(_MARGIN_FWHM * old.fwhm_px)),
        noise.sky_rms_adu,
        _CONTAMINATION,
    )
    index = _apart(fitted, index, _APART_FWHM * old.fwhm_px)
    if len(index) < old.n_stars:
        return old
    alone = fitted.of(index)
    cleaned = fit.with_stars(index, fit.flux[index])
    everyone = np.ones(len(alone), dtype=bool)
    psf = fit_psf(cleaned, mask, alone, everyone, old.shape, noise)
    low, high = _PLAUSIBLE
    like = low < psf.fwhm_px / old.fwhm_px < high or old.n_stars < FEWEST_STARS
    return psf if psf.n_stars >= max(old.n_stars, FEWEST_STARS) and like else old


def _apart(sources: Sources, index: IndexArray, apart_px: float) -> IndexArray:
    """Leave out stars near a brighter one: its light stays in the image."""
    kept: list[int] = []
    for star in index:
        away = np.hypot(
            sources.x[kept] - sources.x[star], sources.y[kept] - sources.y[star]
        )
        if np.all(away >= apart_px):
            kept.append(int(star))
    return np.array(kept, dtype=np.intp)
