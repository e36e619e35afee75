"""Raw frames of colour cameras: the pixels of each colour, never interpolated."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import number_of, text_of
from bhtom_cpcs.science.frames.planes import Colour, Image, Mask, Plane
from bhtom_cpcs.science.order_statistics import percentile_of

_PATTERN_CARDS = ("BAYERPAT", "BAYRPAT", "COLORTYP", "BAYER", "CFAPAT", "FILTER")
_PATTERN = re.compile(r"^(RGGB|BGGR|GRBG|GBRG)$", re.IGNORECASE)
_SIP = re.compile(r"^(A|B|AP|BP)_(\d)_(\d)$")
_PIXEL_CARDS = re.compile(
    r"^(CDELT[12]|CD[12]_[12]|X?PIXSZ|[XY]PIXSZ|[XY]PIXSIZE|PIXSCALE|SCALE|SECPIX[12]?|"
    r"PIXSIZE[12]?)$"
)
_COLOURS: tuple[Colour, ...] = ("R", "G", "B")
_SURE = 6.0  # medians of a quarter of the pixels differ by so many of their errors

# Offsets (row, column) in a cell of 2 x 2 pixels.
_CELL = ((0, 0), (0, 1), (1, 0), (1, 1))


def bayer_pattern(header: fits.Header) -> str | None:
    """The pattern of the cell at the array's first pixel, as the header says.

    `XBAYROFF` and `YBAYROFF` move it; with `ROWORDER` BOTTOM-UP it was written for
    the last row of the file, which is the top of the picture.
    """
    text = next(
        (
            found
            for card in _PATTERN_CARDS
            if (found := text_of(header, card)) and _PATTERN.match(found)
        ),
        None,
    )
    if text is None:
        return None
    right = int(number_of(header, "XBAYROFF") or 0)
    down = int(number_of(header, "YBAYROFF") or 0)
    if (text_of(header, "ROWORDER") or "").upper().startswith("BOTTOM"):
        # the array's first row is the picture's last; parity alone counts
        down += int(number_of(header, "NAXIS2") or 0) - 1
    shifted = [
        text[2 * ((row + down) % 2) + (column + right) % 2] for row, column in _CELL
    ]
    return "".join(shifted).upper()


def is_mosaic(pixels: npt.NDArray[Any]) -> bool:
    """Whether the pixels can be a raw mosaic: a bright sky differs between colours."""
    medians, errors, level_sigma = _of_quarters(pixels)
    differ = np.ptp(medians) > _SURE * float(np.mean(errors))
    return bool(differ or level_sigma < _SURE)


def looks_like_mosaic(pixels: npt.NDArray[Any]) -> bool:
    """Whether quarters of the pixels show two like greens and another red and blue.

    For frames whose header says nothing: the test wants differences of 3 % and more.
    """
    medians, errors, _ = _of_quarters(pixels)
    sigma = float(np.mean(errors))
    span = float(np.ptp(medians))
    if not span > max(10 * _SURE * sigma, 0.03 * abs(float(np.mean(medians)))):
        return False
    main, other = abs(medians[0] - medians[3]), abs(medians[1] - medians[2])
    return bool(min(main, other) < 0.15 * span)


def colour_planes(plane: Plane, pattern: str) -> tuple[Plane, Plane, Plane]:
    """The three planes of a raw colour frame, half as many pixels a side.

    Red and blue are the sampled pixels themselves; green is the mean of the two green
    pixels of a cell, whose middle is the cell's. The coordinates in the header are
    changed to the new pixels. Nothing is interpolated, so that noise stays
    independent from pixel to pixel. Which greens are saturated is told later, when
    the limit is known: see `Plane.raise_saturated`.
    """
    pattern, notes = _checked(plane.pixels, pattern)
    height, width = (side - side % 2 for side in plane.pixels.shape)
    pixels = plane.pixels[:height, :width]
    mask = None if plane.mask is None else plane.mask[:height, :width]
    made = []
    for colour in _COLOURS:
        places = [_CELL[index] for index in range(4) if pattern[index] == colour]
        values, excess = _sampled(pixels, places)
        row = sum(place[0] for place in places) / len(places)
        column = sum(place[1] for place in places) / len(places)
        made.append(
            replace(
                plane,
                name=f"{plane.name}, {colour}",
                header=_halved(plane.header, column, row),
                pixels=values,
                mask=None if mask is None else _unusable(mask, places),
                excess=excess,
                colour=colour,
                pixels_averaged=len(places),
                pixel_pitch=2,
                notes=(*plane.notes, *notes),
            )
        )
    return made[0], made[1], made[2]


def _sampled(
    pixels: Image, places: list[tuple[int, int]]
) -> tuple[Image, Image | None]:
    """Pixels at the places of a colour; the mean where a cell has two of them.

    Then also by how much the higher of the two exceeds it: where one of two is
    saturated the mean looks unsaturated.
    """
    parts = [pixels[row::2, column::2] for row, column in places]
    if len(parts) == 1:
        return np.ascontiguousarray(parts[0]), None
    half = np.float32(0.5)
    return (parts[0] + parts[1]) * half, np.abs(parts[0] - parts[1]) * half


def _unusable(mask: Mask, places: list[tuple[int, int]]) -> Mask:
    """Which cells have an unusable pixel at the places of a colour."""
    masks = [mask[row::2, column::2] for row, column in places]
    unusable: Mask = np.logical_or.reduce(masks)
    return unusable


def _checked(pixels: Image, pattern: str) -> tuple[str, tuple[str, ...]]:
    """Turn the pattern over when its two greens differ and the other pair does not.

    Rows are counted from either end, and programs disagree which; the greens tell.
    """
    medians, errors, _ = _of_quarters(pixels)
    greens = [index for index in range(4) if pattern[index] == "G"]
    others = [index for index in range(4) if pattern[index] != "G"]
    sigma = float(np.mean(errors))
    apart = abs(medians[greens[0]] - medians[greens[1]])
    other_apart = abs(medians[others[0]] - medians[others[1]])
    if apart > _SURE * sigma and other_apart < apart / 3:
        note = f"The colour pattern {pattern} was read from the other end of the rows."
        return pattern[2:] + pattern[:2], (note,)
    return pattern, ()


def _of_quarters(
    pixels: npt.NDArray[Any],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Medians and their errors of the cell's four places, and the sky's level/rms."""
    medians, errors, ratio = np.zeros(4), np.zeros(4), 0.0
    for index, (row, column) in enumerate(_CELL):
        quarter = pixels[row::2, column::2]
        step = max(int(np.sqrt(quarter.size / 250_000)), 1)
        sample = quarter[::step, ::step].astype(np.float64).ravel()
        sample = np.sort(sample[np.isfinite(sample)])
        if not len(sample):
            return np.zeros(4), np.ones(4), 0.0
        low, medians[index], high = (
            percentile_of(sample, part) for part in (16, 50, 84)
        )
        spread = max((high - low) / 2, 0.5)  # integers: a step is the least
        errors[index] = 1.2533 * spread / np.sqrt(len(sample))
        ratio = max(ratio, abs(medians[index]) / spread)
    return medians, errors, ratio


def _halved(header: fits.Header, column: float, row: float) -> fits.Header:
    """The header for every second pixel, the first of them at (column, row).

    An old pixel is twice the new one plus the offset: CRPIX moves, steps double, SIP
    coefficients of order n scale by 2^(n-1); TPV, TNX and ZPN count angles and stay.
    """
    new = header.copy()
    for card, offset in (("CRPIX1", column), ("CRPIX2", row)):
        value = number_of(new, card)
        if value is not None:
            new[card] = (value - 1 - offset) / 2 + 1
    for card in dict.fromkeys(new):  # a card may come twice
        value = number_of(new, card) if card else None
        if value is None:
            continue
        if _PIXEL_CARDS.match(card):
            new[card] = 2 * value
        elif match := _SIP.match(card):
            new[card] = value * 2.0 ** (int(match[2]) + int(match[3]) - 1)
    return new
