"""Limits that a header or a camera row states, in the unit of the frame's values."""

import re
from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.frames.exposure_length import n_exposures, stated_exposure_s
from bhtom_cpcs.science.frames.header_cards import comment_of, number_of, text_of
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.order_statistics import percentile_of
from bhtom_cpcs.science.request import CameraSettings

_CARDS = (
    "SATURATE",
    "SATURAT",
    "SATLEVEL",
    "SATURLVL",
    "SATURVAL",
    "SATVALUE",
    "SATURATA",
    "SATURATB",
    "MAXLIN",
    "NONLIN",
    "LINLIMIT",
)
# DATAMAX is a limit in some headers and the brightest pixel in others.
_LIMIT_WORD = re.compile(r"good|valid|satur|linear", re.IGNORECASE)
# Below the sky so low a card holds a switch, bits or a fraction. A real detector's
# limit is higher, and a sky above it has spoiled the frame.
_SMALLEST_LIMIT_ADU = 1000.0
_SKY_SIGMA, _SAMPLES = 5.0, 100_000
UNIT_ELECTRONS = re.compile(r"^e(-|lectrons?)?\s*($|/|s|per)", re.IGNORECASE)
PER_SECOND = re.compile(r"(/\s*s\b|/\s*sec|per\s+sec|s-1|s\^-1)", re.IGNORECASE)
# Effective gains that differ by less are one gain; by more than the other, the values
# were divided by something that no card tells.
_ALIKE, _RESCALED = 0.6, 10.0
_SHORTEST_S = 3.0
_TOP_PX, _HIGHEST = 5, 1.35  # a flat field lifts the limit so much in a dim corner


@dataclass(frozen=True, slots=True)
class SeenScale:
    """What the noise of the sky tells of the values.

    `stated_gain` is what the pixels should have, `gain` what they have [e-/ADU];
    `is_stated` where the noise does not contradict.
    """

    stated_gain: float | None
    gain: float
    is_stated: bool


def header_limit(plane: Plane) -> float | None:
    """The lowest of the header's limits of saturation and linearity [ADU].

    In the frame's values, before the plane's offset is taken off. A low one within
    the sky or its noise is no limit.
    """
    header = plane.header
    limits = [number_of(header, card) for card in _CARDS]
    if _LIMIT_WORD.search(comment_of(header, "DATAMAX")):
        limits.append(number_of(header, "DATAMAX"))
    found = [limit for limit in limits if limit is not None and limit > 0]
    if found and min(found) < _SMALLEST_LIMIT_ADU:
        least = _above_sky(plane)
        found = [
            limit for limit in found if limit >= _SMALLEST_LIMIT_ADU or limit > least
        ]
    return min(found) if found else None


def _above_sky(plane: Plane) -> float:
    """Level that the sky's noise does not reach [ADU of the frame]."""
    pixels = plane.pixels if plane.mask is None else plane.pixels[~plane.mask]
    sample = pixels.ravel()[:: max(pixels.size // _SAMPLES, 1)]
    sample = np.sort(sample.astype(np.float64))
    if not len(sample):
        return 0.0
    low, middle = percentile_of(sample, 16), percentile_of(sample, 50)
    return middle + _SKY_SIGMA * (middle - low) + plane.offset_adu


def row_limit(plane: Plane, camera: CameraSettings, seen: SeenScale) -> float | None:
    """The camera row's limit, which is of raw ADU, in the frame's values.

    Electrons are the gain times as many, rates are divided by the exposure time, a
    sum of exposures ends at the sum of their limits. None where the row has none or
    the values' unit is uncertain.
    """
    limit = camera.saturation_adu
    if limit is None or limit <= 0:
        return None
    unit = text_of(plane.header, "BUNIT") or ""
    count = n_exposures(plane.header)
    if UNIT_ELECTRONS.match(unit):
        if camera.gain_e_per_adu is None:
            return None
        limit *= camera.gain_e_per_adu
    if PER_SECOND.search(unit):
        seconds = stated_exposure_s(plane.header, camera)
        return limit / seconds if seconds is not None and count == 1 else None
    top = _top(plane)
    if count > 1:
        return count * limit if _is_sum(top / limit, seen) else limit
    if unit or plane.bits is not None:
        return limit
    return _of_unknown_unit(plane.header, camera, seen, limit, top)


def _is_sum(top: float, seen: SeenScale) -> bool:
    """Whether values above one exposure's limit, and as noisy as a sum, were added."""
    if seen.stated_gain is None:
        return top > _HIGHEST
    return top > 1 and seen.is_stated


def _of_unknown_unit(
    header: fits.Header,
    camera: CameraSettings,
    seen: SeenScale,
    limit: float,
    top: float,
) -> float | None:
    """The limit where no card names a unit: the noise tells rates and quotients."""
    if seen.is_stated or seen.stated_gain is None:
        return limit
    ratio = seen.gain / seen.stated_gain
    seconds = stated_exposure_s(header, camera)
    if seconds is not None and seconds > _SHORTEST_S:
        alike = _ALIKE < ratio / seconds < 1 / _ALIKE
        if alike and top < _HIGHEST * limit / seconds:
            return limit / seconds
    return None if ratio > _RESCALED else limit


def _top(plane: Plane) -> float:
    """The fifth highest value [ADU of the frame]: cosmic rays may stand above."""
    pixels = plane.pixels if plane.mask is None else plane.pixels[~plane.mask]
    if pixels.size < _TOP_PX:
        return 0.0
    place = pixels.size - _TOP_PX
    return float(np.partition(pixels, place, axis=None)[place]) + plane.offset_adu
