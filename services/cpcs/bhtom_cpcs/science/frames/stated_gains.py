"""The gains that a frame's header and its camera's row state."""

import re
from dataclasses import dataclass
from typing import Literal

from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import (
    comment_of,
    number_of,
    text_of,
)
from bhtom_cpcs.science.frames.stated_limits import UNIT_ELECTRONS
from bhtom_cpcs.science.request import CameraSettings

GainSource = Literal["camera", "header", "photon_transfer", "sky", "stars", "none"]

_GAIN_CARDS = ("EGAIN", "GAIN", "GAIN_E", "ATODGAIN", "CCDGAIN", "GAINA", "ARAWGAIN")
_ELECTRONS = re.compile(r"\be-?\s*/|\belectrons?\b|\be-", re.IGNORECASE)
_SETTING = re.compile(
    r"\bdB\b|\bISO\b|setting|camera gain|internal|index", re.IGNORECASE
)
_SMALLEST_GAIN, _LARGEST_GAIN = 0.02, 50.0
# Settings of cameras are whole numbers, mostly of 10 and more (0.1 dB, ISO).
_SMALLEST_SETTING = 10.0


@dataclass(frozen=True, slots=True)
class StatedGain:
    """A gain that somebody states [e-/ADU]; `sure` unless it may be a setting."""

    value: float
    source: GainSource
    sure: bool = True


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
