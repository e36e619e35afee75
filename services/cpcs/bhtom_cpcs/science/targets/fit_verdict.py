"""Whether the PSF fits a target, and whether it is a detector's limit that it does not.

A star that is cut off a little passes for a fainter one: behind a flat field the tops
of such stars are not equal, and a few pixels are no plateau of the frame. Its core is
too faint for what stands about it, and an image that stops at one height fits it.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.fit_quality import MODEL_ERROR, StarFit
from bhtom_cpcs.science.stars.usual_fit import UsualFit
from bhtom_cpcs.science.targets.forced_fit import (
    ForcedFit,
    FrameLight,
    Piece,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# A flattened corner's ceiling stands so much above the middle's.
CEILINGS_ALIKE: Final = 1.8
# A core that is so much fainter than the others is another form, and one so much
# fainter that an image cut off fits too was cut off.
DOUBTFUL_SIGMA, CERTAIN_SIGMA = 3.0, 5.0
# What the cut must explain of the chi-square: of simulated pairs, galaxies and wider
# stars it explains at most 0.75, and their chi-square stays far above the usual one.
_EXPLAINED: Final = 0.5
_LEVELS: Final = np.linspace(0.7, 1.04, 35)
_ROUNDS, _SETTLED = 8, 1e-6
_TOP_FWHM, _SMALLEST_TOP_PX = 0.8, 1.5


@dataclass(frozen=True, slots=True)
class CutImage:
    """The best image that stops at one height.

    `level` is that height above the sky [ADU]; `flux` the star's light without the cut
    [ADU], `chi2` the reduced chi-square as in `FitQuality`.
    """

    level: float
    flux: float
    chi2: float


@dataclass(frozen=True, slots=True)
class FitVerdict:
    """What a target's fit is worth.

    `poor` says that it is worse than those of the frame's stars of its brightness,
    `misfit` what that may change its flux by, 1 sigma [ADU]; `saturated_at` is the
    height above the sky at which the target is cut off [ADU], None where it is not.
    """

    poor: bool = False
    misfit: float = 0.0
    saturated_at: float | None = None


def judge_fit(
    light: FrameLight,
    fit: ForcedFit,
    star: StarFit,
    usual: UsualFit,
    brightest_peak_adu: float,
) -> FitVerdict:
    """Hold a target's fit against those of the frame's own stars.

    Parameters
    ----------
    fit : of the target and its scene
    star : how well it fits, with all light beside it that was found explained
    brightest_peak_adu : above the sky, of the frame's other sources
    """
    expected = float(usual.expected(star.noise_share))
    limit = float(usual.limit(star.noise_share)[0])
    poor = star.chi2 > limit
    misfit = star.misfit * math.sqrt(max(1 - expected / star.chi2, 0)) if poor else 0.0
    missing = float(usual.missing_core(fit.star.core, fit.star.core_error))
    if not missing > DOUBTFUL_SIGMA:
        return FitVerdict(poor, misfit)
    cut = cut_image(light, fit)
    if cut is None or cut.level * CEILINGS_ALIKE < brightest_peak_adu:
        return FitVerdict(poor, misfit)
    explained = cut.chi2 < _EXPLAINED * fit.star.chi2 and cut.chi2 < limit
    if explained and missing > CERTAIN_SIGMA:
        return FitVerdict(saturated_at=cut.level)
    return FitVerdict(True, max(misfit, abs(cut.flux - fit.flux)))


def cut_image(light: FrameLight, fit: ForcedFit) -> CutImage | None:
    """Fit the target's image once more, as one that stops at some height.

    For each height the pixels below it tell flux and place; those of the star that
    stand above it have that height. None where no height leaves an image.
    """
    psf = light.psf
    half = math.ceil(psf.fit_radius_px)
    piece = Piece.about(light, fit.x, fit.y, half)
    distance = piece.distance(fit.x, fit.y)
    inside = (distance <= psf.fit_radius_px) & piece.good
    others = piece.model(psf, fit.stars_x[1:], fit.stars_y[1:], fit.stars_flux[1:])
    beneath = others + fit.background
    data = np.where(inside, piece.values - beneath, 0.0)
    here = np.array([fit.x]), np.array([fit.y])
    light_of = psf.stamps(*here, half)[0]
    basis = (light_of, *(part[0] for part in psf.gradients(*here, half)))
    core = inside & (distance <= max(_TOP_FWHM * psf.fwhm_px, _SMALLEST_TOP_PX))
    if core.sum() < 2:
        return None
    # the second highest: one pixel may be high by chance
    top = float(np.sort(data[core])[-2])
    best = None
    for level in top * _LEVELS:
        found = _cut_at(level, light, fit.flux, (data, beneath, inside), basis)
        if found is not None and (best is None or found.chi2 < best.chi2):
            best = found
    return best


def _cut_at(
    level: float,
    light: FrameLight,
    flux: float,
    pixels: tuple[FloatArray, FloatArray, BoolArray],
    basis: tuple[FloatArray, ...],
) -> CutImage | None:
    """Fit an image that stops at a given height; None where nothing is cut."""
    data, beneath, inside = pixels
    whole = flux * basis[0]
    for _ in range(_ROUNDS):
        full, before = whole > level, flux
        model = np.clip(whole, 0.0, level)
        variance = light.noise.variance(np.maximum(model + beneath, 0.0))
        weight = inside / (variance + (MODEL_ERROR * model) ** 2)
        told = weight * ~full
        matrix = np.array([[np.sum(a * b * told) for b in basis] for a in basis])
        right = np.array([np.sum(part * data * told) for part in basis])
        try:
            factors = np.linalg.solve(matrix, right)
        except np.linalg.LinAlgError:
            return None
        whole = sum(factor * part for factor, part in zip(factors, basis, strict=True))
        flux = float(factors[0])
        if not (full & inside).any() or not flux > 0:
            return None
        if abs(flux - before) < _SETTLED * flux:
            break
    left = data - np.where(full, level, whole)
    count = int(np.count_nonzero(inside))
    chi2 = float(np.sum(weight * left**2)) / max(count - 1, 1)
    return CutImage(level, flux, chi2)
