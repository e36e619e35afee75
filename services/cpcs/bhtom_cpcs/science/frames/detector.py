"""What the pixels and the header tell of the detector: saturation and gain."""

from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.frames.fits_input import Image
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.stars.detection import Sky

_SATURATION_CARDS = ("SATURATE", "SATURAT", "SATLEVEL", "SATURLVL", "MAXLIN", "DATAMAX")
_GAIN_CARDS = ("EGAIN", "GAIN")
_READ_NOISE_CARDS = ("RDNOISE", "READNOIS", "RON", "RDNOISEA")
# Pile-up: this many pixels within 0.1 % of the maximum is a ceiling, not a star.
_PILE_UP_PX = 6
# Where the sky's variance is this far below what the gain allows, frames were averaged.
_AVERAGED = 0.6


@dataclass(frozen=True, slots=True)
class Detector:
    """Figures that the errors rest on.

    `saturation_adu` is None where nothing limits the frame. `gain_e_per_adu` is the
    effective one for these pixels; `noise_empirical` says that it was measured from
    the sky's own variance.
    """

    saturation_adu: float | None
    saturated_fraction: float
    gain_e_per_adu: float
    read_noise_e: float | None
    noise_empirical: bool


def saturation(
    pixels: Image, header: fits.Header, camera: CameraSettings
) -> tuple[float | None, float]:
    """Saturation level [ADU] and the share of pixels at or above it.

    From the camera row, else the header, else from the pixels that pile up below the
    maximum. Call before the background is subtracted.
    """
    top = float(pixels.max())
    level = camera.saturation_adu or _card(header, _SATURATION_CARDS)
    if level is None and top > 0:
        ceiling = 0.999 * top
        count = int(np.count_nonzero(pixels >= ceiling))
        is_full_scale = _is_full_scale(top)
        if count >= _PILE_UP_PX or is_full_scale:
            level = ceiling
    if level is None:
        return None, 0.0
    if top < level:
        return level, 0.0
    return level, float(np.count_nonzero(pixels >= level)) / pixels.size


def detector_figures(
    header: fits.Header,
    camera: CameraSettings,
    sky: Sky,
    level: float | None,
    saturated_fraction: float,
) -> Detector:
    """Choose the gain: camera row, header, or the sky's own variance.

    A stated gain that the sky's variance contradicts (averaged or normalised frames)
    gives way to the measured one; so does a GAIN card that reads like a setting.
    """
    read_noise = camera.read_noise_e
    if read_noise is None:
        read_noise = _card(header, _READ_NOISE_CARDS)
    stated = camera.gain_e_per_adu
    if stated is None:
        stated = _card(header, _GAIN_CARDS[:1]) or _card(header, _GAIN_CARDS[1:])
        if stated is not None and not 0.02 <= stated <= 50:
            stated = None  # a camera setting in units of 0.1 dB, not e-/ADU
    variance = max(sky.rms**2, 1e-12)
    measured = sky.level / variance if sky.level > 0 else None
    if stated is not None and (
        measured is None or stated * variance > _AVERAGED * sky.level
    ):
        return Detector(level, saturated_fraction, stated, read_noise, False)
    if measured is not None:
        return Detector(level, saturated_fraction, measured, read_noise, True)
    return Detector(level, saturated_fraction, stated or 1.0, read_noise, True)


def _is_full_scale(top: float) -> bool:
    """Say whether a maximum is the top of a 12, 14, 15 or 16 bit converter."""
    return any(abs(top - (2**bits - 1)) < 1.5 for bits in (12, 14, 15, 16))


def _card(header: fits.Header, cards: tuple[str, ...]) -> float | None:
    for card in cards:
        try:
            value = float(header[card])
        except (KeyError, TypeError, ValueError, fits.VerifyError):
            continue
        if np.isfinite(value) and value > 0:
            return value
    return None
