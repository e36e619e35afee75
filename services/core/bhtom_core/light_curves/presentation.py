"""Light curves as JSON and CSV, in pieces so that nobody else has to wait long."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from bhtom_contracts.flags import describe
from bhtom_contracts.passbands import displayed
from bhtom_core.light_curves.reading import POINT_FIELDS
from bhtom_core.rows import Record

_PIECE: Final = 2000
_PASSBAND: Final = POINT_FIELDS.index("passband")
_FLAGS: Final = POINT_FIELDS.index("flags")
_HIDDEN: Final = POINT_FIELDS.index("hidden")

CSV_COLUMNS: Final = (
    "point_id", "mjd", "bjd_tdb", "magnitude", "error", "limit", "passband",
    "facility", "observers", "source", "flags", "flux", "flux_error", "revision",
    "quantity", "value", "unit", "system", "limit_sigma", "signal_to_noise",
    "exposure_time", "data_product_id", "hidden",
)  # fmt: skip

_displayed = lru_cache(maxsize=1000)(displayed)
_describe = lru_cache(maxsize=1000)(describe)


def point_json(row: Sequence[Any]) -> dict[str, Any]:
    """A point as the API shows it."""
    point = dict(zip(POINT_FIELDS, row, strict=False))
    point["passband_displayed"] = _displayed(row[_PASSBAND])
    point["flag_texts"] = _describe(row[_FLAGS])
    if not row[_HIDDEN]:
        point["hidden_reason"] = None
    return point


async def light_curve_json(head: dict[str, Any], rows: Sequence[Record]) -> bytes:
    """`{..., "points": [...]}`."""
    pieces = []
    for start in range(0, len(rows), _PIECE):
        piece = [point_json(row) for row in rows[start : start + _PIECE]]
        pieces.append(orjson.dumps(piece)[1:-1])
        await asyncio.sleep(0)
    opening = orjson.dumps(head)[:-1]
    return opening + b',"points":[' + b",".join(pieces) + b"]}"


async def light_curve_lines(rows: Sequence[Record]) -> AsyncIterator[bytes]:
    """A point a line, piece by piece: for scripts that read very long ones."""
    for start in range(0, len(rows), _PIECE):
        piece = rows[start : start + _PIECE]
        yield b"".join(
            orjson.dumps(point_json(row), option=orjson.OPT_APPEND_NEWLINE)
            for row in piece
        )


async def light_curve_csv(rows: Sequence[Record]) -> bytes:
    """A table with one head line; missing values are empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for start in range(0, len(rows), _PIECE):
        for row in rows[start : start + _PIECE]:
            cells = _csv_cells(dict(zip(POINT_FIELDS, row, strict=True)))
            writer.writerow([cells[name] for name in CSV_COLUMNS])
        await asyncio.sleep(0)
    return text.getvalue().encode()


def _csv_cells(point: dict[str, Any]) -> dict[str, Any]:
    is_magnitude = point["quantity"] == "magnitude"
    measured = point["value"] if is_magnitude and not point["is_limit"] else None
    return {
        **point,
        "magnitude": measured,
        "limit": point["value"] if point["is_limit"] else None,
        "passband": _harmless(_displayed(point["passband"])),
        "facility": _harmless(point["facility"]),
        "source": _harmless(point["source"]),
        "observers": _harmless("; ".join(point["observers"])),
        "hidden": int(point["hidden"]),
    }


def _harmless(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
