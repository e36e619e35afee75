"""Keyset pages: an opaque cursor says where the last page ended."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from bhtom_runtime.errors import Invalid

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_LONGEST: Final = 1000
_BIGINT: Final = 1 << 63


def encode_cursor(position: Mapping[str, Any]) -> str:
    """The cursor of a position: the sort values of a page's last row."""
    return base64.urlsafe_b64encode(orjson.dumps(dict(position))).decode().rstrip("=")


def decode_cursor(
    cursor: str, fields: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """The position of a cursor; raises Invalid on anything we did not make.

    With `fields` it must hold exactly these names, of these types; a `datetime` is
    read back from its text.
    """
    if len(cursor) > _LONGEST:
        raise _nonsense()
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError) as error:
        raise _nonsense() from error
    if not isinstance(position, dict):
        raise _nonsense()
    if fields is None:
        return position
    if set(position) != set(fields):
        raise _nonsense()
    return {name: _value(position[name], kind) for name, kind in fields.items()}


def _value(value: object, kind: type) -> object:
    if kind is datetime and isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise _nonsense() from error
        if value.tzinfo is None:
            raise _nonsense()
    if kind is float and type(value) is int:
        value = float(value)
    # A bool is an int to isinstance, and a larger int is none to the database.
    if type(value) is not kind or (
        isinstance(value, int) and not -_BIGINT <= value < _BIGINT
    ):
        raise _nonsense()
    if isinstance(value, str) and "\0" in value:
        raise _nonsense()
    return value


def _nonsense() -> Invalid:
    return Invalid(
        "The cursor is not one that this service gave: ask for the first page again.",
        code="cursor",
    )
