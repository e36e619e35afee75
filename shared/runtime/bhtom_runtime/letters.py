"""A received message as a row: headers and key in a form that can be stored."""

import base64
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from bhtom_runtime.kafka.messages import Incoming


def header_rows(headers: Sequence[tuple[str, bytes]]) -> list[list[str]]:
    """Headers as JSON: name, encoding, value; what is no text goes as base64."""
    return [_header_row(name, value) for name, value in headers]


def _header_row(name: str, value: bytes) -> list[str]:
    clean = name.replace("\0", "�")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return [clean, "base64", base64.b64encode(value).decode()]
    return [clean, "text", text]


def headers_of(rows: Sequence[Any]) -> list[tuple[str, bytes]]:
    """The headers again."""
    return [
        (name, base64.b64decode(value) if encoding == "base64" else value.encode())
        for name, encoding, value in rows
    ]


def key_text(key: bytes) -> str:
    """The key as text; one that is no text keeps a readable stand-in."""
    return key.decode(errors="replace").replace("\0", "�")


def stand_in_id(message: Incoming) -> UUID:
    """The id of a message that has none: always the same for the same message.

    The time is in it because offsets begin again when a broker is lost.
    """
    place = message.partition
    return uuid5(
        NAMESPACE_URL,
        f"bhtom:{place.topic}/{place.number}/{message.offset}/{message.timestamp_ms}",
    )
