"""A light curve as columns with only what a plot needs: a tenth of the full rows.

Texts that repeat are sent once, and named in the columns by their place in a list.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from bhtom_contracts.flags import PointFlag, describe
from bhtom_contracts.passbands import displayed
from bhtom_core.rows import Record

_PIECE: Final = 20_000
# 0.01 s and a tenth of a millimagnitude are finer than any screen.
_TIME_DIGITS: Final = 7
_MAGNITUDE_DIGITS: Final = 4

_displayed = lru_cache(maxsize=1000)(displayed)


async def light_curve_columns(head: dict[str, Any], rows: Sequence[Record]) -> bytes:
    """`{..., "columns": {"point_id": [...], ...}}`, all columns of one length."""
    drawn: list[Record] = []
    for piece in _pieces(rows):
        drawn += [row for row in piece if row.quantity == "magnitude" and _has(row)]
        await asyncio.sleep(0)
    passbands = _Texts(sorted({_displayed(row.passband) for row in drawn}))
    facilities, flags = _Texts(), _Texts()
    columns: dict[str, Callable[[Record], Any]] = {
        "point_id": lambda row: row.point_id,
        "mjd": lambda row: round(row.mjd, _TIME_DIGITS),
        "magnitude": lambda row: round(_magnitude(row), _MAGNITUDE_DIGITS),
        "error": _error,
        "is_limit": lambda row: int(row.is_limit),
        "hidden": lambda row: int(row.hidden),
        "passband": lambda row: passbands.place(_displayed(row.passband)),
        "facility": lambda row: facilities.place(row.facility or row.source),
        "flags": lambda row: flags.place(row.flags),
    }
    written = []
    for name, value in columns.items():
        parts = []
        for piece in _pieces(drawn):
            parts.append(orjson.dumps([value(row) for row in piece])[1:-1])
            await asyncio.sleep(0)
        written.append(b'"' + name.encode() + b'":[' + b",".join(parts) + b"]")
    head = {
        **head,
        "point_count": len(drawn),
        "not_magnitudes": len(rows) - len(drawn),
        "passbands": passbands.texts,
        "facilities": facilities.texts,
        "flags": [_flag_entry(word) for word in flags.texts],
    }
    return orjson.dumps(head)[:-1] + b',"columns":{' + b",".join(written) + b"}}"


class _Texts:
    """A list of different things, and the place of each in it."""

    def __init__(self, texts: Iterable[Any] = ()) -> None:
        self.texts = list(texts)
        self._places = {text: place for place, text in enumerate(self.texts)}

    def place(self, text: Any) -> int:
        """Where a thing is in the list; a new one is added."""
        found = self._places.get(text)
        if found is None:
            found = self._places[text] = len(self.texts)
            self.texts.append(text)
        return found


def _pieces(rows: Sequence[Record]) -> Iterable[Sequence[Record]]:
    return (rows[start : start + _PIECE] for start in range(0, len(rows), _PIECE))


def _magnitude(row: Record) -> float:
    """Where a point is drawn: a limit at 3 sigma, else where its archive says."""
    limit = row.limit_3_sigma if row.is_limit else None
    return float(row.value if limit is None else limit)


def _has(row: Record) -> bool:
    return row.value is not None or (row.is_limit and row.limit_3_sigma is not None)


def _error(row: Record) -> float | None:
    if row.is_limit or row.error is None:
        return None
    return round(float(row.error), _MAGNITUDE_DIGITS)


def _flag_entry(word: int) -> dict[str, Any]:
    """What a quality word says, and how a plot tells its points from the others."""
    return {
        "word": word,
        "texts": describe(word),
        "poor": bool(word & PointFlag.POOR_ZERO_POINT),
        "provisional": bool(word & PointFlag.PASSBAND_PROVISIONAL),
    }
