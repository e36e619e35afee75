"""Whether the images of the stars are those of stars: trailed, or out of focus."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_MOST_STARS = 40
_LARGEST_HALF_PX = 60
LONG, _FEWEST_LONG = 4.0, 3  # streaks of any direction
_TRAILED, _FEWEST_TRAILED = 2.0, 5  # and with one direction in common
_DRAWN_OUT = 1.35
_USUAL = 0.3
_ALIKE = 0.75  # mean length of the directions' unit vectors
_DISC_PX, _DISC_TO_STAR = 20.0, 5.0
_DISC_ROUND, _DISC_SHARE, _DISC_PEAKS = 0.75, 0.8, 0.1
_WIDEST_STAR_PX = 40.0


@dataclass(frozen=True, slots=True)
class Elongation:
    """How the stars' images are drawn out.

    `ratio` is the median of long to short axis by second moments, `angle_deg` the
    long axis from x towards y, `alike` 1 when all point there and 0 when they point
    anywhere.
    """

    ratio: float
    angle_deg: float
    alike: float
    n_stars: int

    @property
    def is_trailed(self) -> bool:
        """Whether these are trails and no stars."""
        if self.n_stars >= _FEWEST_LONG and self.ratio > LONG:
            return True
        return (
            self.n_stars >= _FEWEST_TRAILED
            and self.ratio > _TRAILED
            and self.alike > _ALIKE
        )

    @property
    def is_drawn_out(self) -> bool:
        """Whether tracking shows, though the stars can still be measured."""
        return (
            self.n_stars >= _FEWEST_TRAILED
            and self.ratio > _DRAWN_OUT
            and self.alike > _ALIKE
        )


def elongation(
    pixels: Image, x: FloatArray, y: FloatArray, size: FloatArray, rms: float
) -> Elongation:
    """Measure how the brightest images are drawn out, from their second moments.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    x, y, size : positions and rms along the long axis [px], brightest first
    rms : of a pixel of the sky [ADU]; only pixels above three of it count
    """
    ratios: list[float] = []
    doubled: list[complex] = []
    for index in range(min(len(x), _MOST_STARS)):
        half = int(np.clip(2.5 * size[index] + 2, 4, _LARGEST_HALF_PX))
        column, row = round(float(x[index])), round(float(y[index]))
        if not (
            half <= column < pixels.shape[1] - half
            and half <= row < pixels.shape[0] - half
        ):
            continue
        stamp = pixels[row - half : row + half + 1, column - half : column + half + 1]
        found = _moments(stamp.astype(np.float64), 3 * rms)
        if found is not None:
            ratios.append(found[0])
            doubled.append(complex(np.exp(2j * found[1])))
    if not ratios:
        return Elongation(1.0, 0.0, 0.0, 0)
    ratio = float(np.median(ratios))
    # blends are longer or shorter than most, and point anywhere
    usual = np.abs(np.log(np.array(ratios) / ratio)) < _USUAL
    mean = complex(np.mean(np.array(doubled)[usual]))
    angle = float(np.degrees(np.angle(mean)) / 2) % 180
    return Elongation(ratio, angle, abs(mean), len(ratios))


def _moments(stamp: FloatArray, threshold: float) -> tuple[float, float] | None:
    """Ratio of the axes and the angle of the long one; None without enough light."""
    weight = np.where(stamp > threshold, stamp, 0.0)
    total = float(weight.sum())
    if np.count_nonzero(weight) < 6:
        return None
    row, column = np.indices(stamp.shape)
    dx = column - float((weight * column).sum()) / total
    dy = row - float((weight * row).sum()) / total
    # 1/12 is the variance of a pixel's own width
    xx = float((weight * dx**2).sum()) / total + 1 / 12
    yy = float((weight * dy**2).sum()) / total + 1 / 12
    xy = float((weight * dx * dy).sum()) / total
    middle, half = (xx + yy) / 2, float(np.hypot((xx - yy) / 2, xy))
    ratio = float(np.sqrt((middle + half) / max(middle - half, 1 / 12)))
    return ratio, float(np.arctan2(2 * xy, xx - yy)) / 2


def streak_ratio(a: FloatArray, b: FloatArray) -> float:
    """Median ratio of the axes of the brightest sources; 1 for fewer than three."""
    if len(a) < _FEWEST_LONG:
        return 1.0
    brightest = np.s_[:_MOST_STARS]
    return float(np.median(a[brightest] / np.maximum(b[brightest], 0.5)))


def defocus(
    light: tuple[FloatArray, FloatArray],
    axes: tuple[FloatArray, FloatArray],
    fwhm_px: float,
    n_stars: int,
) -> str | None:
    """Say how the stars are out of focus, None where they are not.

    Either the stars are wider than any seeing makes them, or nearly all the light is
    in one round disc beside which nothing else stands out.

    Parameters
    ----------
    light : flux and peak of the sources, brightest first [ADU]
    axes : their rms along the long and the short axis [px]
    fwhm_px, n_stars : width of the stars and how many it was measured from
    """
    if n_stars > 0 and fwhm_px > _WIDEST_STAR_PX:
        return f"they are {fwhm_px:.0f} pixels wide"
    (flux, peak), (a, b) = light, axes
    if n_stars >= 3 or not len(flux):
        return None
    width = 2.3548 * float(np.sqrt(a[0] * b[0]))
    is_round = b[0] > _DISC_ROUND * a[0]
    alone = flux[0] > _DISC_SHARE * float(np.sum(np.maximum(flux, 0.0)))
    alone &= not np.any(peak[1:] > _DISC_PEAKS * peak[0])
    wide = width > max(_DISC_PX, _DISC_TO_STAR * fwhm_px)
    if is_round and alone and wide:
        return f"the only bright one is a disc {width:.0f} pixels wide"
    return None
