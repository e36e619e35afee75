"""Whether the images of the stars are those of stars: trailed, or out of focus."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc

from bhtom_cpcs.science.frames.planes import Image

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_MOST_STARS = 40
_LARGEST_HALF_PX = 60
# Fewer images tell nothing: particle hits and noise have any form.
_FEWEST = 5
LONG, _FEWEST_LONG = 4.0, 3  # streaks of any direction
_TRAILED = 2.0  # and with one direction in common
_DRAWN_OUT = 1.35
# Half the angle that directions in common lie within, doubled as for all axes, and the
# share of the circle which that is.
_SECTOR = math.radians(30.0)
_SECTOR_SHARE = 1 / 6
# That directions which have nothing in common look as if they had: one frame of 200,
# were all its images long.
_LARGEST_CHANCE = 0.005
# Light above this share of the centre's tells the form of the core without wings ...
_CORE_SHARE = 0.25
# ... and it must tell it better than this; the form is 0 for round and 1 for a line.
_LARGEST_FORM_ERROR = 0.2
# A particle's track is narrower than any star [px^2].
_SMALLEST_VARIANCE_PX2 = 0.15
_DISC_PX, _DISC_TO_STAR = 20.0, 5.0
_DISC_ROUND, _DISC_SHARE, _DISC_PEAKS = 0.75, 0.8, 0.1
_WIDEST_STAR_PX = 40.0


@dataclass(frozen=True, slots=True)
class Elongation:
    """How the stars' images are drawn out in a direction that they have in common.

    `ratio` is that of the long to the short axis of the median image along it,
    `angle_deg` the direction from x towards y. `chance` is the probability that so many
    of the `n_stars` images would point alike if they pointed anywhere. `length` is the
    median ratio of the axes whatever their direction.
    """

    ratio: float
    angle_deg: float
    chance: float
    length: float
    n_stars: int

    @property
    def is_trailed(self) -> bool:
        """Whether these are trails and no stars."""
        if self.n_stars >= _FEWEST and self.length > LONG:
            return True
        return self._is_common and self.ratio > _TRAILED

    @property
    def is_drawn_out(self) -> bool:
        """Whether tracking shows, though the stars can still be measured."""
        return self._is_common and self.ratio > _DRAWN_OUT

    @property
    def seen(self) -> float:
        """The ratio to speak of."""
        return max(self.ratio, self.length if self.length > LONG else 1.0)

    @property
    def _is_common(self) -> bool:
        return self.n_stars >= _FEWEST and self.chance < _LARGEST_CHANCE


ROUND = Elongation(1.0, 0.0, 1.0, 1.0, 0)


def elongation(
    pixels: Image, x: FloatArray, y: FloatArray, size: FloatArray, rms: float
) -> Elongation:
    """Measure how the brightest images are drawn out, from their second moments.

    An image's form is (q + iu) = (xx - yy + 2i xy) / (xx + yy) of the moments of its
    core's light: its length grows from 0 to 1 with the ratio of the axes, its angle is
    twice the direction's. Forms that the noise leaves uncertain by more than 0.2, and
    tracks of particles, do not count. Of independent directions k or more of n lie
    within a sixth of the circle about any one of them with a probability of at most
    n P(k - 1 of n - 1), binomially.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    x, y, size : positions and rms along the long axis [px], brightest first
    rms : of a pixel of the sky [ADU]; only pixels above three of it count
    """
    found = []
    for index in range(min(len(x), _MOST_STARS)):
        half = int(np.clip(2.5 * size[index] + 2, 4, _LARGEST_HALF_PX))
        column, row = round(float(x[index])), round(float(y[index]))
        if not (
            half <= column < pixels.shape[1] - half
            and half <= row < pixels.shape[0] - half
        ):
            continue
        stamp = pixels[row - half : row + half + 1, column - half : column + half + 1]
        form = _form(stamp.astype(np.float64), rms)
        if form is not None:
            found.append(form)
    if not found:
        return ROUND
    return in_common(np.array(found))


def in_common(forms: npt.NDArray[np.complex128]) -> Elongation:
    """The direction that most forms have in common, and how long they are along it."""
    size = np.abs(forms)
    unit = forms / np.maximum(size, np.finfo(float).tiny)
    alike = (np.conj(unit)[:, None] * unit[None, :]).real > math.cos(_SECTOR)
    n_alike = np.count_nonzero(alike, axis=1)
    best = int(np.argmax(n_alike))
    count, n_stars = int(n_alike[best]), len(forms)
    chance = n_stars * float(bdtrc(count - 2, n_stars - 1, _SECTOR_SHARE))
    direction = complex(np.sum(forms[alike[best]]))
    direction /= max(abs(direction), float(np.finfo(float).tiny))
    along = float(np.median((np.conj(direction) * forms).real))
    if count < n_stars / 2:
        chance = 1.0
    angle = math.degrees(math.atan2(direction.imag, direction.real)) / 2 % 180
    length = float(np.median(size))
    return Elongation(_axes(along), angle, min(chance, 1.0), _axes(length), n_stars)


def _axes(form: float) -> float:
    """Ratio of the axes of an image whose form has a length; 1 for none."""
    form = min(max(form, 0.0), 0.9998)
    return math.sqrt((1 + form) / (1 - form))


def _form(stamp: FloatArray, rms: float) -> complex | None:
    """Form of an image's core; None where it is too faint or too narrow to tell."""
    middle = stamp.shape[0] // 2
    centre = float(stamp[middle - 1 : middle + 2, middle - 1 : middle + 2].max())
    weight = np.where(stamp > max(3 * rms, _CORE_SHARE * centre), stamp, 0.0)
    total = float(weight.sum())
    if np.count_nonzero(weight) < 6:
        return None
    row, column = np.indices(stamp.shape)
    dx = column - float((weight * column).sum()) / total
    dy = row - float((weight * row).sum()) / total
    xx = float((weight * dx**2).sum()) / total
    yy = float((weight * dy**2).sum()) / total
    xy = float((weight * dx * dy).sum()) / total
    if (xx + yy) / 2 - math.hypot((xx - yy) / 2, xy) < _SMALLEST_VARIANCE_PX2:
        return None
    both = xx + yy + 1 / 6  # 1/12 is the variance of a pixel's own width
    noise = rms * math.sqrt(float(((weight > 0) * (dx**2 + dy**2) ** 2).sum()) / 2)
    if noise > _LARGEST_FORM_ERROR * total * both:
        return None
    return complex(xx - yy, 2 * xy) / both


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
