"""A light curve as columns with only what a plot needs: a tenth of the full rows.

Texts that repeat are sent once, and named in the columns by their place in a list.
"""

import asyncio
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from bhtom_contracts.flags import PointFlag, describe
from bhtom_contracts.passbands import displayed

_PIECE: Final = 20_000
# 0.01 s and a tenth of a millimagnitude are finer than any screen.
_TIME_DIGITS: Final = 7
_MAGNITUDE_DIGITS: Final = 4

_displayed = lru_cache(maxsize=1000)(displayed)


_NAMES: Final = (
    "point_id", "mjd", "magnitude", "error", "is_limit", "hidden", "passband",
    "facility", "flags",
)  # fmt: skip


async def light_curve_columns(
    head: dict[str, Any], rows: Sequence[Sequence[Any]]
) -> bytes:
    """`{..., "columns": {"point_id": [...], ...}}`, all columns of one length.

    `rows` are of PLOT_FIELDS, in the order of time.
    """
    passbands, facilities, flags = _Texts(), _Texts(), _Texts()
    count = 0
    written: list[list[bytes]] = [[] for _ in _NAMES]
    for start in range(0, len(rows), _PIECE):
        piece = list(_drawn(rows[start : start + _PIECE], passbands, facilities, flags))
        count += len(piece)
        for parts, column in zip(written, zip(*piece, strict=True), strict=False):
            parts.append(orjson.dumps(column)[1:-1])
        await asyncio.sleep(0)
    head = {
        **head,
        "point_count": count,
        "not_magnitudes": len(rows) - count,
        "passbands": passbands.texts,
        "facilities": facilities.texts,
        "flags": [_flag_entry(word) for word in flags.texts],
    }
    columns = b",".join(
        b'"%s":[%s]' % (name.encode(), b",".join(parts))
        for name, parts in zip(_NAMES, written, strict=True)
    )
    return orjson.dumps(head)[:-1] + b',"columns":{' + columns + b"}}"


def _drawn(
    rows: Sequence[Sequence[Any]],
    passbands: "_Texts",
    facilities: "_Texts",
    flags: "_Texts",
) -> Iterator[tuple[Any, ...]]:
    """The magnitudes and limits among the rows, as elements of the columns."""
    for row in rows:
        point_id, source, facility, mjd, quantity, value, error, passband = row[:8]
        is_limit, limit_3_sigma, word, hidden = row[8:]
        if is_limit:
            # Archives say where their limits are, frames at 3 sigma.
            value = value if limit_3_sigma is None else limit_3_sigma
            error = None
        if quantity != "magnitude" or value is None:
            continue
        yield (
            point_id,
            round(mjd, _TIME_DIGITS),
            round(value, _MAGNITUDE_DIGITS),
            None if error is None else round(error, _MAGNITUDE_DIGITS),
            int(is_limit),
            int(hidden),
            passbands.place(_displayed(passband)),
            facilities.place(facility or source),
            flags.place(word),
        )


class _Texts:
    """A list of different things, and the place of each in it."""

    def __init__(self) -> None:
        self.texts: list[Any] = []
        self._places: dict[Any, int] = {}

    def place(self, text: Any) -> int:
        """Where a thing is in the list; a new one is added."""
        found = self._places.get(text)
        if found is None:
            found = self._places[text] = len(self.texts)
            self.texts.append(text)
        return found


def _flag_entry(word: int) -> dict[str, Any]:
    """What a quality word says, and how a plot tells its points from the others."""
    return {
        "word": word,
        "texts": describe(word),
        "poor": bool(word & PointFlag.POOR_ZERO_POINT),
        "provisional": bool(word & PointFlag.PASSBAND_PROVISIONAL),
    }
