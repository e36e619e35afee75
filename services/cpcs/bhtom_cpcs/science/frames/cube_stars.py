"""Whether the images of one array are colours of one scene, as their stars show it."""

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Floats = npt.NDArray[np.float64]
Shown = Literal["colours", "exposures"]

_SIDE_PX: Final = 2048  # the middle of larger images tells as much
_APERTURE_PX, _INNER_PX, _OUTER_PX = 7, 11, 15
_SEARCH_PX: Final = 4
_REGISTERED_PX: Final = 1.5
_BRIGHT: Final = 40.0  # signal to noise in every image
_FEWEST, _MOST = 8, 400
_OUTLIER: Final = 4.0
_TRUNCATED: Final = 0.8  # of an image's highest value
# Field stars spread by 0.2 mag and more in any two colours, stretched ones by less;
# exposures repeat to the noise, which is below that of two fluxes at 40 sigma.
_COLOURFUL_MAG, _ALIKE_MAG = 0.06, 0.05
_SURE: Final = 3.0
_MAG: Final = 2.5 / np.log(10.0)


def shown_by_stars(images: tuple[npt.NDArray[Any], ...]) -> Shown | None:
    """What the stars tell of three images; None where they tell nothing.

    In colours of one scene, long to short waves, a star that is bluer from the first to
    the second is bluer from the second to the third: over the stars the two magnitude
    differences grow together. In exposures through one filter they do not differ but by
    noise, and that of the second, which both share, drives them apart. A trend over the
    field (clouds, vignetting) is taken out.
    """
    first, second, third, at = _magnitudes(images)
    if len(first) < _FEWEST:
        return None
    before, after = _levelled(first - second, at), _levelled(second - third, at)
    limit = _OUTLIER * np.maximum(_spread(before), 1e-6)
    other = _OUTLIER * np.maximum(_spread(after), 1e-6)
    good = (np.abs(before) < limit) & (np.abs(after) < other)
    before, after = before[good], after[good]
    if len(before) < _FEWEST:
        return None
    spread = _spread(before + after)
    size = np.sqrt(float(np.sum(before**2)) * float(np.sum(after**2)))
    together = float(np.sum(before * after)) / size if size > 0 else 0.0
    # Student's t of a correlation
    t = together * np.sqrt((len(before) - 2) / max(1 - together**2, 1e-12))
    if spread > _COLOURFUL_MAG and t > _SURE:
        return "colours"
    return "exposures" if spread < _ALIKE_MAG or t < -_SURE else None


def _magnitudes(
    images: tuple[npt.NDArray[Any], ...],
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.intp]]:
    """Magnitudes of the bright stars in each image, and their rows and columns."""
    cut = [_middle(image) for image in images]
    fluxes = [_fluxes(image) for image in cut]
    errors = [_spread(flux[::5, ::5].ravel()) for flux in fluxes]
    nowhere = np.empty((0, 2), dtype=np.intp)
    nothing = np.empty(0)
    if min(errors) <= 0:
        return nothing, nothing, nothing, nowhere
    ratio = np.min([f / e for f, e in zip(fluxes, errors, strict=True)], axis=0)
    peaks = (ratio == ndimage.maximum_filter(ratio, _OUTER_PX)) & (ratio > _BRIGHT)
    for image in cut:
        top = ndimage.maximum_filter(image, _APERTURE_PX)
        low, high = float(np.median(image)), float(image.max())
        peaks &= top - low < _TRUNCATED * (high - low)
    edge = _OUTER_PX // 2 + 1
    peaks[:edge] = peaks[-edge:] = False
    peaks[:, :edge] = peaks[:, -edge:] = False
    at = np.argwhere(peaks)
    order = np.argsort(-ratio[at[:, 0], at[:, 1]], kind="stable")[:_MOST]
    at = at[order]
    tops = [_tops(flux, at) for flux in fluxes]
    shifts = np.hypot(*(tops[0][1] - tops[2][1]).T)  # within their windows
    if len(at) and float(np.median(shifts)) > _REGISTERED_PX:
        return nothing, nothing, nothing, nowhere
    first, second, third = (-_MAG * np.log(top) for top, _ in tops)
    return first, second, third, at


def _tops(flux: Floats, at: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """The highest flux around each star, and where it is: images may be shifted.

    Where an aperture stays behind a star that moves, its loss would look like a colour.
    """
    values, places = np.empty(len(at)), np.empty((len(at), 2))
    for number, (row, column) in enumerate(at):
        rows = slice(row - _SEARCH_PX, row + _SEARCH_PX + 1)
        columns = slice(column - _SEARCH_PX, column + _SEARCH_PX + 1)
        near = flux[rows, columns]
        highest = np.unravel_index(int(np.argmax(near)), near.shape)
        values[number] = near[highest]
        places[number] = highest
    return values, places


def _middle(image: npt.NDArray[Any]) -> Floats:
    """The middle of an image as finite numbers."""
    rows, columns = (max((side - _SIDE_PX) // 2, 0) for side in image.shape)
    cut = image[rows : rows + _SIDE_PX, columns : columns + _SIDE_PX]
    values = np.asarray(cut, dtype=np.float64)
    good = np.isfinite(values)
    if good.all():
        return values
    filling = float(np.median(values[good])) if good.any() else 0.0
    return np.where(good, values, filling)


def _fluxes(image: Floats) -> Floats:
    """Flux in a small square around each pixel, above the ring around it."""
    level = image - float(np.median(image))
    sums = {
        side: ndimage.uniform_filter(level, side) * side**2
        for side in (_APERTURE_PX, _INNER_PX, _OUTER_PX)
    }
    ring = (sums[_OUTER_PX] - sums[_INNER_PX]) / (_OUTER_PX**2 - _INNER_PX**2)
    found: Floats = sums[_APERTURE_PX] - ring * _APERTURE_PX**2
    return found


def _levelled(values: Floats, at: npt.NDArray[np.intp]) -> Floats:
    """Values without their median and the linear trend over the field."""
    terms = [np.ones(len(values))]
    for axis in (0, 1):
        place = at[:, axis].astype(np.float64)
        terms.append((place - place.mean()) / max(float(np.ptp(place)), 1.0))
    left = values - float(np.median(values))
    good = np.abs(left) < _OUTLIER * max(_spread(left), 1e-6)
    matrix = np.array([[float(np.sum((a * b)[good])) for b in terms] for a in terms])
    matrix += 1e-9 * np.eye(len(terms))
    right = np.array([float(np.sum((a * left)[good])) for a in terms])
    slopes = np.linalg.solve(matrix, right)
    for term, slope in zip(terms, slopes, strict=True):
        left = left - slope * term
    return left


def _spread(values: Floats) -> float:
    """Robust standard deviation: 1.4826 times the median distance to the median."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
