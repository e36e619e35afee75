"""Sources beside a target that are wider than a star: the cores of compact hosts.

A narrow galaxy leaves little light farther out, and a few stars fitted to it explain
its core. What tells it from stars is its width along every axis: a pair of stars is
wider along one.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.fit_quality import MODEL_ERROR
from bhtom_cpcs.science.stars.usual_fit import FrameStars
from bhtom_cpcs.science.targets.forced_fit import FrameLight, Piece, PointSources

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

# Fitted pixels; how far from the target a source's light matters, and which sources are
# fitted anew with it.
_PIXELS_FWHM, _REACH_FWHM, _BESIDE_FWHM = 1.5, 3.5, 3.5
# Stars in no scene that may be pieces of one source: so near to it; to the target,
# whose own neighbours they may be, as near only where stars explain nothing at all.
_PIECES_FWHM, _PIECES_OF_TARGET_FWHM, _NO_STARS = 2.0, 1.2, 30.0
# Second moment beyond the PSF's along the narrower axis, as a part of the PSF's own:
# of pairs, trios and stars with a PSF 2 per cent too narrow at most 0.15, of
# exponential discs and spheroids of 0.5 FWHM half-light radius 0.2 to 0.6.
# The brighter of two sources is the one whose width tells: the errors hold what
# derivatives leave of a galaxy, and of a fainter source that is its neighbour's.
_WIDER, _SIGMA, _SIGMA_OF_BRIGHTEST = 0.2, 2.8, 1.4
# Where the fitted stars leave a chi-square below 1 in these pixels, they are stars.
_LEFT_FWHM: Final = 2.0
# Light that passes for the target's, as a part of its own, that is worth a word: the
# fit by derivatives has 1 per cent where a galaxy's wings make it 2 to 5.
_LEAST_SHARE: Final = 0.01
_STARS_ALIKE, _FEWEST_STARS, _STARS_HALF_FWHM = 15, 5, 2.0
# A width is that of a source whose core is on good pixels.
_CORE_FWHM, _CORE_SEEN = 0.75, 0.75
_STEP_PX: Final = 0.3
_TURNS: Final = 3


@dataclass(frozen=True, slots=True)
class WideSource:
    """A source fitted with a width of its own.

    `narrow` is its second moment beyond a star's along the narrower axis, in units of a
    Gaussian of the PSF's FWHM, `error` its 1 sigma; `share` the light of it that passes
    for the target's, as a part of the target's; `flux` its whole light [ADU].
    """

    narrow: float
    error: float
    share: float
    flux: float

    def is_wider(self, sigma: float, usual: float = 0.0, spread: float = 0.0) -> bool:
        """Whether it is wider than stars are, and its light in the target matters."""
        beyond = self.narrow - usual
        least = math.hypot(sigma * self.error, _SIGMA * spread)
        wide = beyond > max(_WIDER, least)
        return wide and self.share > _LEAST_SHARE


def compact_host(
    light: FrameLight,
    piece: Piece,
    stars: PointSources,
    level: float,
    frame_stars: FrameStars,
) -> bool:
    """Say whether the target or the brightest source beside it is wider than a star.

    Parameters
    ----------
    piece : of the image about the target
    stars : all that were fitted together, the target first
    level : of the sky about the target [ADU]
    frame_stars : of the whole frame; what is as wide as those of its brightness, on a
        plate or behind a detector that is not linear, is a star
    """
    chi2 = _left_by_stars(light, piece, stars, level)
    if chi2 < 1:
        return False
    reach = _PIECES_FWHM if chi2 > _NO_STARS else _PIECES_OF_TARGET_FWHM
    fwhm = light.psf.fwhm_px
    away = np.hypot(stars.x - stars.x[0], stars.y - stars.y[0])
    near = (away < _REACH_FWHM * fwhm) & (stars.flux > 0)
    near &= [_is_seen(light, piece, *at) for at in zip(stars.x, stars.y, strict=True)]
    candidates = [0] if near[0] else []
    near[0] = False
    if near.any():
        candidates.append(int(np.argmax(np.where(near, stars.flux, -np.inf))))
    brightest = max(candidates, key=lambda one: float(stars.flux[one]), default=0)
    for one in candidates:
        parts = _parted(stars, one, (_PIECES_FWHM if one else reach) * fwhm)
        source = _width(light, piece, stars, level, parts)
        sigma = _SIGMA_OF_BRIGHTEST if one == brightest else _SIGMA
        if source is None or not source.is_wider(sigma):
            continue
        usual = _usual_width(light, frame_stars, source.flux)
        if source.is_wider(sigma, *usual):
            return True
    return False


def _is_seen(light: FrameLight, piece: Piece, x: float, y: float) -> bool:
    """Whether the image shows a source's core: of one beyond its edge only wings."""
    core = piece.distance(x, y) <= _CORE_FWHM * light.psf.fwhm_px
    return int(np.sum(piece.good & core)) >= _CORE_SEEN * int(np.sum(core))


def _usual_width(
    light: FrameLight, stars: FrameStars, flux: float
) -> tuple[float, float]:
    """Width of the frame's stars of a brightness: median, not below 0, and spread."""
    half = math.ceil(_STARS_HALF_FWHM * light.psf.fwhm_px)
    widths = []
    for star in stars.alike(flux, _STARS_ALIKE):
        x, y = float(stars.x[star]), float(stars.y[star])
        alone = PointSources(
            stars.x[[star]], stars.y[[star]], stars.flux[[star]], n_known=1
        )
        piece = Piece.about(light, x, y, half)
        level, itself = float(stars.background[star]), (np.arange(1), np.arange(0))
        found = _width(light, piece, alone, level, itself)
        if found is not None:
            widths.append(found.narrow)
    if len(widths) < _FEWEST_STARS:
        return 0.0, 0.0
    low, middle = (float(value) for value in np.percentile(widths, (16, 50)))
    return max(middle, 0.0), middle - low  # galaxies among them are on the other side


def _left_by_stars(
    light: FrameLight, piece: Piece, stars: PointSources, level: float
) -> float:
    """Reduced chi-square that the fitted stars leave about the target."""
    model = piece.model(light.psf, stars.x, stars.y, stars.flux)
    distance = piece.distance(float(stars.x[0]), float(stars.y[0]))
    here = (distance <= _LEFT_FWHM * light.psf.fwhm_px) & piece.good
    left = (piece.values - level - model)[here]
    variance = light.noise.variance(model) + (MODEL_ERROR * model) ** 2
    return float(np.sum(left**2 / variance[here])) / max(len(left), 1)


def _width(
    light: FrameLight,
    piece: Piece,
    stars: PointSources,
    level: float,
    parts: tuple[IndexArray, IndexArray],
) -> WideSource | None:
    """Fit a source with a place and a width of its own, its pieces taken for it."""
    fwhm = light.psf.fwhm_px
    own, others = parts
    weight = np.maximum(stars.flux[own], 0.0)
    x = float(np.sum(weight * stars.x[own]) / np.sum(weight))
    y = float(np.sum(weight * stars.y[own]) / np.sum(weight))
    beside = np.hypot(stars.x[others] - x, stars.y[others] - y) < _BESIDE_FWHM * fwhm
    free, fixed = others[beside], others[~beside]
    model = piece.model(light.psf, stars.x, stars.y, stars.flux)
    data = piece.values - level
    data -= piece.model(light.psf, stars.x[fixed], stars.y[fixed], stars.flux[fixed])
    target = piece.distance(float(stars.x[0]), float(stars.y[0]))
    variance = light.noise.variance(model) + (MODEL_ERROR * model) ** 2
    single = [
        piece.model(light.psf, stars.x[[star]], stars.y[[star]], np.ones(1))
        for star in free
    ]
    for _ in range(_TURNS):
        here = piece.distance(x, y) <= _PIXELS_FWHM * fwhm
        here = (here | (target <= _PIXELS_FWHM * fwhm)) & piece.good
        basis = np.stack([*_derivatives(light, piece, x, y), *single])
        fitted = _solved(basis[:, here], data[here], variance[here])
        if fitted is None or not fitted[0][0] > 0:
            return None
        factors, covariance = fitted
        step = np.clip(-factors[1:3] / factors[0], -0.3 * fwhm, 0.3 * fwhm)
        x, y = x + float(step[0]), y + float(step[1])
    return _moments(light, piece, stars, (basis, factors, covariance))


def _parted(
    stars: PointSources, candidate: int, reach_px: float
) -> tuple[IndexArray, IndexArray]:
    """The stars that may be pieces of one source, and the others."""
    number = np.arange(len(stars.x))
    away = np.hypot(stars.x - stars.x[candidate], stars.y - stars.y[candidate])
    piece = (number >= stars.n_known) & (away < reach_px)
    piece[candidate] = True
    return np.flatnonzero(piece), np.flatnonzero(~piece)


def _derivatives(
    light: FrameLight, piece: Piece, x: float, y: float
) -> list[FloatArray]:
    """A star's light, its first derivatives by place, and its second ones."""

    def star(dx: float, dy: float) -> FloatArray:
        place = np.array([x + dx * _STEP_PX]), np.array([y + dy * _STEP_PX])
        return piece.model(light.psf, *place, np.ones(1))

    middle, step = star(0, 0), _STEP_PX
    right, left, up, down = star(1, 0), star(-1, 0), star(0, 1), star(0, -1)
    across = star(1, 1) - star(1, -1) - star(-1, 1) + star(-1, -1)
    return [
        middle,
        (right - left) / (2 * step),
        (up - down) / (2 * step),
        (right - 2 * middle + left) / step**2,
        (up - 2 * middle + down) / step**2,
        across / (4 * step**2),
    ]


def _solved(
    basis: FloatArray, data: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """Weighted least squares; the covariance scaled by a chi-square above 1."""
    weighed = basis / variance
    matrix = np.array([[np.sum(a * b) for b in basis] for a in weighed])
    matrix[np.diag_indices(len(basis))] *= 1 + 1e-9
    right = np.array([np.sum(part * data) for part in weighed])
    try:
        covariance = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return None
    factors = np.sum(covariance * right, axis=1)
    left = data - np.sum(factors[:, None] * basis, axis=0)
    chi2 = float(np.sum(left**2 / variance)) / max(len(data) - len(basis), 1)
    return factors, covariance * max(chi2, 1.0)


def _moments(
    light: FrameLight,
    piece: Piece,
    stars: PointSources,
    fitted: tuple[FloatArray, FloatArray, FloatArray],
) -> WideSource:
    """From the fit's factors to the moment along the narrower axis."""
    basis, factors, covariance = fitted
    flux = float(factors[0])
    unit = flux * (light.psf.fwhm_px / 2.3548) ** 2
    wide_x, wide_y, cross = 2 * factors[3], 2 * factors[4], factors[5]
    mean, half = 0.5 * (wide_x + wide_y), 0.5 * (wide_x - wide_y)
    narrow = float(mean - math.hypot(half, cross)) / unit
    error = 2 * math.sqrt(max(covariance[3, 3], covariance[4, 4], 0.0)) / unit
    source = np.sum(factors[:6, None, None] * basis[:6], axis=0)
    profile = piece.model(light.psf, stars.x[:1], stars.y[:1], np.ones(1))
    profile = profile * piece.good
    passes = float(np.sum(profile * source) / np.sum(profile**2))
    return WideSource(
        narrow, error, passes / max(abs(float(stars.flux[0])), 1e-9), flux
    )
