"""Finds cosmic rays on a star: light that is sharper than the stars of the frame."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image
from bhtom_cpcs.science.stars.psf_model import PsfModel

_SIGMA = 8.0
# What a round model of a real star may be wrong by: well sampled, undersampled.
_SHARE_OF_STAR, _SHARE_OF_SHARP_STAR, _SHARP_FWHM_PX = 0.15, 0.4, 3.0
# A star's sharpest pixel stands above its neighbours by so much; less than this part
# of that is no star, nor several.
_SHARPER_THAN_A_STAR = 0.75
_SMALLEST_FWHM_PX = 1.8  # below it a star is as sharp as a cosmic ray
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, slots=True)
class Repair:
    """A star's surroundings, struck pixels replaced by the star's model.

    Pixel (0, 0) of the piece is (left, bottom) of the image.

    `replaced_adu` is the model's light in them, `n_struck` their number.
    """

    pixels: Image
    left: int
    bottom: int
    replaced_adu: float
    n_struck: int


def repair_star(
    pixels: Image,
    position: tuple[float, float],
    radius: float,
    reach: float,
    psf: PsfModel,
    noise: tuple[float, float],
) -> Repair:
    """Cut out a star and replace cosmic-ray hits in its aperture.

    A pixel is struck when it stands above a model of the star scaled to the image
    and, in some direction, above both its neighbours by more than any sum of stars'
    images can: a neighbouring star or a galaxy under the target stays as it is.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    position : of the star (x, y) [px]
    radius : only pixels this near are looked at [px]
    reach : half width of the returned piece of the image [px]
    psf : the frame's point-spread function
    noise : rms of a sky pixel [ADU] and gain [e-/ADU]
    """
    x, y = position
    half = int(np.ceil(reach)) + 2
    left, bottom = max(round(x) - half, 0), max(round(y) - half, 0)
    piece = np.array(pixels[bottom : round(y) + half + 1, left : round(x) + half + 1])
    untouched = Repair(piece, left, bottom, 0.0, 0)
    if psf.fwhm_px < _SMALLEST_FWHM_PX:
        return untouched
    row, column = np.indices(piece.shape)
    distance = np.hypot(column + left - x, row + bottom - y)
    stamp = psf.stamps(np.array([x]), np.array([y]), half)[0]
    first_row, first_column = round(y) - half, round(x) - half
    profile = stamp[
        bottom - first_row : bottom - first_row + piece.shape[0],
        left - first_column : left - first_column + piece.shape[1],
    ]
    core = (profile > 0.2 * profile.max()) & (distance < radius)
    scale = max(float(np.median(piece[core] / profile[core])), 0.0)
    model = scale * profile
    residual = piece - model
    share = _SHARE_OF_STAR
    if psf.fwhm_px < _SHARP_FWHM_PX:
        share = _SHARE_OF_SHARP_STAR
    rms, gain = noise
    sigma = np.sqrt(rms**2 + np.maximum(model, 0) / gain)
    high = residual > np.maximum(_SIGMA * sigma, share * model)
    sharpest = _SHARPER_THAN_A_STAR * _sharpness(psf)
    struck = high & (distance < radius + 1) & (_flattest(piece) < sharpest)
    if not struck.any():
        return untouched
    # the flanks of a track are hit too, though less
    grown = struck.copy()
    for shift_y, shift_x in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        grown |= np.roll(struck, (shift_y, shift_x), (0, 1))
    struck |= grown & (residual > 4 * sigma) & (residual > share * model)
    piece[struck] = model[struck]
    inside = struck & (distance < radius)
    return Repair(piece, left, bottom, float(model[inside].sum()), int(inside.sum()))


def _sharpness(psf: PsfModel) -> float:
    """Brightness of a star's diagonal neighbours when its peak is 1."""
    middle = np.zeros(1)
    stamp = psf.stamps(middle, middle, 1)[0]
    return float(0.25 * (stamp[::2, ::2].sum()) / stamp[1, 1])


def _flattest(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Least ratio, over four directions, of both neighbours' mean to the pixel."""
    padded = np.pad(image, 1, mode="edge")
    height, width = image.shape
    least = np.full(image.shape, np.inf)
    for dy, dx in _DIRECTIONS:
        ahead = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        behind = padded[1 - dy : 1 - dy + height, 1 - dx : 1 - dx + width]
        least = np.minimum(least, 0.5 * (ahead + behind))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: npt.NDArray[np.float32] = np.where(image > 0, least / image, np.inf)
    return ratio
