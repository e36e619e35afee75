"""The stars that a frame's point-spread function is made from."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.effective_psf import EffectivePsf
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.stars.stamps import Places, cut_out, dot, places, usable_pixels

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

FEWEST_STARS = 5
_MOST_STARS, _MOST_VALUES = 80, 600_000
_SIGNAL_TO_NOISE = 40.0
# A neighbour's light in the star's fitted pixels, as a share of the star's own.
CONTAMINATION = (0.01, 0.05, 0.3)
# What no profile is better than: keeps the brightest star from deciding alone.
_MODEL_ERROR = 0.03
_LARGEST_STEP_PX = 0.3
_FARTHEST_PX = 0.5
_LOUD = 4.0
_FEWEST_TO_COMPARE, _UNLIKE_SIGMA = 7, 3.5
# What widths of single stars differ by for other reasons: pixels, colours, noise.
_SAME_SHAPE = 0.01


@dataclass(frozen=True, slots=True)
class PsfStars:
    """Stamps of bright stars: data and weight have shape (n, side, side).

    `data` is the image without its background and neighbours [ADU]; `weight` the
    inverse variance a pixel, zero on unusable ones; `inside` the pixels within the
    fitted radius; `flux`, `sky` the fit so far; x, y positions on the frame [px].
    """

    index: IndexArray  # among the sources
    x: FloatArray
    y: FloatArray
    at: Places
    data: FloatArray
    weight: FloatArray
    flux: FloatArray
    sky: FloatArray
    chi2: FloatArray

    def __len__(self) -> int:
        """Count the stars."""
        return len(self.x)

    @property
    def offset(self) -> tuple[FloatArray, FloatArray]:
        """Centres relative to the stamps' middle pixels [px]."""
        return self.x - self.at.column, self.y - self.at.row

    @property
    def at_rest(self) -> BoolArray:
        """Say whose fitted centre stays within the stamp's middle pixel."""
        across, along = self.offset
        found: BoolArray = np.maximum(np.abs(across), np.abs(along)) < _FARTHEST_PX
        return found

    def of(self, chosen: BoolArray) -> "PsfStars":
        """Return some of the stars."""
        return PsfStars(
            self.index[chosen],
            self.x[chosen],
            self.y[chosen],
            self.at.of(chosen),
            self.data[chosen],
            self.weight[chosen],
            self.flux[chosen],
            self.sky[chosen],
            self.chi2[chosen],
        )


def choose(
    sources: Sources,
    usable: BoolArray,
    shape: tuple[int, ...],
    profile: Shape,
    half: int,
    rms: float,
    contamination: tuple[float, ...] = CONTAMINATION,
) -> IndexArray:
    """Return bright stars that stand alone, the brightest first.

    Where nearly all stars have neighbours, those with the least contamination.
    """
    height, width = shape
    area = 2.5 * profile.fwhm_px**2
    inside = (sources.x >= half) & (sources.x < width - 1 - half)
    inside &= (sources.y >= half) & (sources.y < height - 1 - half)
    bright = sources.flux > _SIGNAL_TO_NOISE * rms * np.sqrt(area)
    candidate = np.flatnonzero(usable & inside & bright)
    most = int(
        np.clip(_MOST_VALUES // (2 * half + 1) ** 2, 2 * FEWEST_STARS, _MOST_STARS)
    )
    candidate = candidate[: 10 * most]
    share = _contamination(sources, candidate, profile)
    for limit in contamination:
        alone = candidate[share < limit]
        if len(alone) >= 2 * FEWEST_STARS:
            break
    return alone[:most]


def _contamination(
    sources: Sources, candidate: IndexArray, profile: Shape
) -> FloatArray:
    """Neighbours' light in a star's core, as a share of the star's own."""
    share = np.zeros(len(candidate))
    if not len(candidate):
        return share
    tree = cKDTree(np.stack([sources.x, sources.y], axis=1))
    reach = 6 * profile.fwhm_px
    near = tree.query_ball_point(
        np.stack([sources.x[candidate], sources.y[candidate]], axis=1),
        reach,
        return_sorted=True,
    )
    for number, others in enumerate(near):
        star = candidate[number]
        other = np.array([o for o in others if o != star], dtype=np.intp)
        if len(other):
            # what a neighbour puts within two widths, seen from that distance
            distance = np.hypot(
                sources.x[other] - sources.x[star], sources.y[other] - sources.y[star]
            )
            edge = np.maximum(distance - 2 * profile.fwhm_px, 0.0)
            light = profile.brightness(edge, np.zeros_like(edge))
            share[number] = np.sum(sources.flux[other] * light) / sources.flux[star]
    return share


def cut_stars(
    pixels: Image,
    mask: Mask | None,
    index: IndexArray,
    position: tuple[FloatArray, FloatArray],
    half: int,
    radius: float,
    noise: PixelNoise,
) -> PsfStars:
    """Cut out the stars, weighed by the sky's noise for a start."""
    x, y = position
    at = places(x, y, half)
    good = usable_pixels(at, pixels, mask)
    offset = np.arange(-half, half + 1)
    distance = np.hypot(
        (offset - (y - at.row)[:, None])[:, :, None],
        (offset - (x - at.column)[:, None])[:, None, :],
    )
    nothing = np.zeros(len(x))
    weight = (good & (distance <= radius)) / noise.sky_rms_adu**2
    return PsfStars(
        index, x, y, at, cut_out(at, pixels), weight, nothing, nothing, nothing
    )


def fit_each(stars: PsfStars, psf: EffectivePsf, noise: PixelNoise) -> PsfStars:
    """Fit flux, position and sky of each star by a step of Gauss and Newton."""
    basis = _basis(stars, psf)
    solution = project(stars.weight, basis, stars.data)
    flux = np.maximum(solution[:, 0], 1e-6)
    step_x = np.clip(solution[:, 1] / flux, -_LARGEST_STEP_PX, _LARGEST_STEP_PX)
    step_y = np.clip(solution[:, 2] / flux, -_LARGEST_STEP_PX, _LARGEST_STEP_PX)
    model = flux[:, None, None] * np.maximum(basis[0], 0.0)
    variance = noise.variance(model) + (_MODEL_ERROR * model) ** 2
    weight = np.where(stars.weight > 0, 1 / variance, 0.0)
    left = stars.data - combine(solution, basis)
    count = np.maximum(np.sum(weight > 0, axis=(1, 2)) - 4, 1)
    # the tables hold no more
    column, row = stars.at.column, stars.at.row
    x = np.clip(stars.x + step_x, column - _FARTHEST_PX, column + _FARTHEST_PX)
    y = np.clip(stars.y + step_y, row - _FARTHEST_PX, row + _FARTHEST_PX)
    return replace(
        stars,
        x=x,
        y=y,
        weight=weight,
        flux=flux,
        sky=solution[:, 3],
        chi2=dot(weight, left, left) / count,
    )


def quiet(stars: PsfStars) -> PsfStars:
    """Leave out stars that look unlike the others: blends, galaxies, hits."""
    keep = stars.chi2 <= _LOUD * max(float(np.median(stars.chi2)), 1.0)
    return stars.of(keep) if keep.sum() >= FEWEST_STARS else stars


def alike(factors: FloatArray, errors: FloatArray) -> BoolArray:
    """Say which stars have the shape that most have: the others are blends.

    A pair that nothing tells apart is wider than the stars or drawn out, and as it is
    brighter than they are it would decide their shape. So the middle is that of the
    densest half of the values (the shorth: Andrews et al. 1972, Robust Estimates of
    Location), which blends, all on one side of it, do not move as they move a median.

    Parameters
    ----------
    factors, errors : ln width and ellipticities by each star alone, shape (n, k)

    Returns
    -------
    ndarray of bool, shape (n,)
        All true of fewer than 7 stars, and where fewer than 5 would remain.
    """
    everyone = np.ones(len(factors), dtype=bool)
    if len(factors) < _FEWEST_TO_COMPARE:
        return everyone
    like = everyone.copy()
    for values, error in zip(factors.T, errors.T, strict=True):
        middle, spread = _densest_half(values)
        limit = _UNLIKE_SIGMA * np.sqrt(spread**2 + error**2 + _SAME_SHAPE**2)
        like &= np.abs(values - middle) <= limit
    return like if like.sum() >= FEWEST_STARS else everyone


def _densest_half(values: FloatArray) -> tuple[float, float]:
    """Median of the shortest half of the values, and the sigma by its length."""
    ordered = np.sort(values)
    half = len(ordered) // 2 + 1
    lengths = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
    first = int(np.argmin(lengths))
    middle = float(np.median(ordered[first : first + half]))
    # a Gaussian's densest half is 2 x 0.6745 sigma long
    return middle, float(lengths[first]) / 1.349


def _basis(stars: PsfStars, psf: EffectivePsf) -> tuple[FloatArray, ...]:
    """Stamps that a star's flux, shift in x and y, and sky multiply."""
    half = stars.at.half
    light = psf.stamps(*stars.offset, half)
    by_x, by_y = psf.gradients(*stars.offset, half)
    return light, by_x, by_y, np.ones_like(light)


def project(
    weight: FloatArray, basis: tuple[FloatArray, ...], data: FloatArray
) -> FloatArray:
    """Weighted least-squares factors of the basis stamps, shape (n, n_basis)."""
    size = len(basis)
    matrix = np.empty((len(data), size, size))
    right = np.empty((len(data), size, 1))
    for a in range(size):
        weighed = weight * basis[a]
        right[:, a, 0] = dot(weighed, data)
        for b in range(a, size):
            matrix[:, a, b] = dot(weighed, basis[b])
            matrix[:, b, a] = matrix[:, a, b]
    each = np.arange(size)
    diagonal = matrix[:, each, each]
    matrix[:, each, each] = np.where(diagonal > 0, diagonal * (1 + 1e-10), 1.0)
    solved = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    factors: FloatArray = solved[:, :, 0]
    return factors


def combine(factors: FloatArray, basis: tuple[FloatArray, ...]) -> FloatArray:
    """Sum of the basis stamps times their factors."""
    total: FloatArray = np.zeros(basis[0].shape)
    for number, stamp in enumerate(basis):
        total += factors[:, number, None, None] * stamp
    return total


def without_star(stars: PsfStars, psf: EffectivePsf, other: FloatArray) -> FloatArray:
    """Remove from stamps what a star's flux, position or sky could explain of them."""
    basis = _basis(stars, psf)
    explained = combine(project(stars.weight, basis, other), basis)
    left: FloatArray = other - explained
    return left
