"""What the pixels and the header tell of the detector: saturation and gain."""

import re
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

from astropy.io import fits

from bhtom_cpcs.science.frames.exposure_length import n_exposures, stated_exposure_s
from bhtom_cpcs.science.frames.header_cards import (
    comment_of,
    first_number,
    number_of,
    text_of,
)
from bhtom_cpcs.science.frames.photon_transfer import SkyTransfer, sky_transfer
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.frames.saturation import saturation_level
from bhtom_cpcs.science.frames.stated_limits import (
    PER_SECOND,
    UNIT_ELECTRONS,
    SeenScale,
    row_limit,
)
from bhtom_cpcs.science.request import CameraSettings

GainSource = Literal["camera", "header", "photon_transfer", "sky", "none"]

_GAIN_CARDS = ("EGAIN", "GAIN", "GAIN_E", "ATODGAIN", "CCDGAIN", "GAINA", "ARAWGAIN")
_READ_NOISE_CARDS = ("RDNOISE", "READNOIS", "RON", "RDNOISEA", "READNOISE", "ENOISE")
_ELECTRONS = re.compile(r"\be-?\s*/|\belectrons?\b|\be-", re.IGNORECASE)
_SETTING = re.compile(
    r"\bdB\b|\bISO\b|setting|camera gain|internal|index", re.IGNORECASE
)
_SMALLEST_GAIN, _LARGEST_GAIN = 0.02, 50.0
# Settings of cameras are whole numbers, mostly of 10 and more (0.1 dB, ISO).
_SMALLEST_SETTING = 10.0
_MUCH_READ_NOISE_E, _SETTING_OVER_GAIN, _SKY_SIGMA = 15.0, 2.0, 5.0
# Where the sky's variance is below this part of what the gain allows, frames were
# averaged, divided or resampled.
_TOO_QUIET = 0.6


@dataclass(frozen=True, slots=True)
class Detector:
    """Figures that the errors rest on.

    `saturation_adu` is None where nothing limits the frame. `gain_e_per_adu` is the
    effective one for these pixels; `noise_empirical` says that it was measured from
    the sky's own noise, and `gain_source` by what. `sky_level_adu` and
    `sky_variance_adu2` are of a pixel of the sky as it was measured for that.
    `saturation_seen` says that the level shows in the pixels: piled up below it, or as
    flat tops of the stars.
    """

    saturation_adu: float | None
    saturated_fraction: float
    gain_e_per_adu: float
    read_noise_e: float | None
    noise_empirical: bool
    gain_source: GainSource = "camera"
    sky_level_adu: float | None = None
    sky_variance_adu2: float | None = None
    saturation_seen: bool = False


@dataclass(frozen=True, slots=True)
class StatedGain:
    """A gain that somebody states [e-/ADU]; `sure` unless it may be a setting."""

    value: float
    source: GainSource
    sure: bool = True


def read_detector(plane: Plane, camera: CameraSettings) -> Detector:
    """Find out saturation and gain; before the background is subtracted.

    The gain is EGAIN's, the camera row's or the header's, unless the sky's own noise
    rules it out: averaged, median, normalised and per-second frames have another,
    effective one. That comes from the slope of variance against level over the frame,
    else from the level over the variance. Whole numbers of one exposure are not
    averaged: there a level too high for its noise has a pedestal (a bias left in, a
    sky put back).
    """
    sky = sky_transfer(plane.pixels, plane.mask)
    read_noise = camera.read_noise_e
    if read_noise is None:
        read_noise = first_number(plane.header, _READ_NOISE_CARDS)
    if read_noise is not None and not 0 < read_noise < 1000:
        read_noise = None
    if read_noise is not None:
        read_noise *= sqrt(plane.pixels_averaged)
    factor = plane.pixels_averaged * _seconds_per_value(plane.header, camera)
    stated = [
        replace(gain, value=gain.value * factor)
        for gain in stated_gains(plane.header, camera)
    ]
    believed = _believed(plane, sky, stated, read_noise)
    gain, source = _effective_gain(plane, sky, believed, read_noise)
    empirical = source not in ("camera", "header")
    seen = SeenScale(None if believed is None else believed.value, gain, not empirical)
    level, fraction, is_seen = saturation_level(plane, row_limit(plane, camera, seen))
    return Detector(
        saturation_adu=level,
        saturated_fraction=fraction,
        gain_e_per_adu=gain,
        read_noise_e=read_noise,
        noise_empirical=empirical,
        gain_source=source,
        sky_level_adu=None if sky is None else sky.level + plane.offset_adu,
        sky_variance_adu2=None if sky is None else sky.variance,
        saturation_seen=is_seen,
    )


def stated_gains(header: fits.Header, camera: CameraSettings) -> list[StatedGain]:
    """Gains that header and camera row state [e-/ADU], the nearest to the frame first.

    Pixels that count electrons, by BUNIT, have 1. EGAIN is the frame's own and comes
    before the camera row, whose camera may have been read with another setting. A GAIN
    card that is a camera setting (0.1 dB, ISO), by its comment or because it is a
    whole number of 10 and more, is no gain; one without electrons in its comment may
    be a setting.
    """
    if UNIT_ELECTRONS.match(text_of(header, "BUNIT") or ""):
        return [StatedGain(1.0, "header")]
    found = [_gain_on(header, card) for card in _GAIN_CARDS]
    own = [gain for gain in found if gain is not None]
    row = camera.gain_e_per_adu
    if row is None:
        return own
    first = 1 if found[0] is not None else 0
    return [*own[:first], StatedGain(row, "camera"), *own[first:]]


def _gain_on(header: fits.Header, card: str) -> StatedGain | None:
    """The gain on a card, None where there is none or only a setting."""
    value = number_of(header, card)
    if value is None or not _SMALLEST_GAIN <= value <= _LARGEST_GAIN:
        return None
    comment = comment_of(header, card)
    if card == "EGAIN" or _ELECTRONS.search(comment):
        return StatedGain(value, "header")
    is_setting = value == int(value) and value >= _SMALLEST_SETTING
    if is_setting or _SETTING.search(comment):
        return None
    return StatedGain(value, "header", sure=False)


def _believed(
    plane: Plane,
    sky: SkyTransfer | None,
    stated: list[StatedGain],
    read_noise_e: float | None,
) -> StatedGain | None:
    """The first gain that the noise of the sky does not call a setting, or another's.

    The slope of variance against level, where there is one, decides between those
    that differ. A card that may be a setting must not exceed twice what the sky's
    noise leaves, even with much read noise; a sky that was subtracted leaves nothing.
    """
    seen = None if sky is None else sky.gain_e_per_adu
    if seen is not None:
        alike = [gain for gain in stated if _alike(seen, gain.value)]
        stated = alike or [gain for gain in stated if gain.sure]
    elif sky is not None and sky.level + plane.offset_adu > _SKY_SIGMA * sqrt(
        sky.variance
    ):
        noise = max(read_noise_e or 0.0, _MUCH_READ_NOISE_E)
        most = _gain_of_level(sky.level + plane.offset_adu, sky.variance, noise)
        stated = [
            gain
            for gain in stated
            if gain.sure or most is None or gain.value < _SETTING_OVER_GAIN * most
        ]
    return stated[0] if stated else None


def _effective_gain(
    plane: Plane,
    sky: SkyTransfer | None,
    believed: StatedGain | None,
    read_noise_e: float | None,
) -> tuple[float, GainSource]:
    """Weigh what is stated against the sky's noise."""
    stated = None if believed is None else believed.value
    source: GainSource = "none" if believed is None else believed.source
    if sky is None:
        return (stated, source) if stated is not None else (1.0, "none")
    pedestal = number_of(plane.header, "PEDESTAL") or 0.0
    level = sky.level + plane.offset_adu - abs(pedestal)
    from_level = _gain_of_level(level, sky.variance, read_noise_e)
    if stated is not None:
        quiet = stated * sky.variance < _TOO_QUIET * level
        if not quiet or from_level is None:
            return stated, source
        if sky.gain_e_per_adu is not None and _alike(sky.gain_e_per_adu, stated):
            return stated, source  # the level has a pedestal, the slope knows none
        if sky.gain_e_per_adu is None and _is_one_exposure_as_read(plane):
            return stated, source  # whole numbers of one exposure: a pedestal again
    if sky.gain_e_per_adu is not None:
        return sky.gain_e_per_adu, "photon_transfer"
    if from_level is not None:
        return from_level, "sky"
    return (stated, source) if stated is not None else (1.0, "none")


def _gain_of_level(
    level: float, variance: float, read_noise_e: float | None
) -> float | None:
    """Gain that makes level and read noise give the variance: v = L/g + (r/g)^2."""
    if level <= 0:
        return None
    noise = read_noise_e or 0.0
    return (level + sqrt(level**2 + 4 * variance * noise**2)) / (2 * variance)


def _is_one_exposure_as_read(plane: Plane) -> bool:
    """Whether the values are whole numbers, and no card tells of several exposures."""
    return plane.bits is not None and n_exposures(plane.header) == 1


def _alike(one: float, other: float) -> bool:
    return _TOO_QUIET < one / other < 1 / _TOO_QUIET


def _seconds_per_value(header: fits.Header, camera: CameraSettings) -> float:
    """Exposure time where BUNIT says that the values are per second, else 1."""
    if PER_SECOND.search(text_of(header, "BUNIT") or ""):
        return stated_exposure_s(header, camera) or 1.0
    return 1.0
