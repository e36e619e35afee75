"""Cursors: what we gave comes back, anything else is refused."""

import base64
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_runtime.errors import Invalid
from bhtom_runtime.pagination import decode_cursor, encode_cursor

BIGINT = 1 << 63


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.one_of(
            st.integers(-BIGINT, BIGINT - 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=20),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_a_cursor_comes_back_as_it_went(position: dict[str, Any]) -> None:
    assert decode_cursor(encode_cursor(position)) == position


@given(st.text())
def test_nonsense_is_invalid_and_never_worse(text: str) -> None:
    with suppress(Invalid):
        assert isinstance(decode_cursor(text), dict)


def test_fields_come_back_in_their_types() -> None:
    at = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    cursor = encode_cursor({"at": at, "id": 7, "name": "Gaia24abc", "mjd": 60000})
    fields = {"at": datetime, "id": int, "name": str, "mjd": float}

    assert decode_cursor(cursor, fields) == {
        "at": at,
        "id": 7,
        "name": "Gaia24abc",
        "mjd": 60000.0,
    }


@pytest.mark.parametrize(
    ("position", "kind"),
    [
        ({"id": "7"}, int),
        ({"id": True}, int),
        ({"id": None}, int),
        ({"id": 2**64 - 1}, int),
        ({"id": 7, "more": 1}, int),
        ({}, int),
        ({"id": "yesterday"}, datetime),
        ({"id": "2026-03-01T00:00:00"}, datetime),
        ({"id": "a\0b"}, str),
        ({"id": [1]}, float),
    ],
)
def test_other_fields_or_types_are_refused(
    position: dict[str, Any], kind: type
) -> None:
    cursor = base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")
    with pytest.raises(Invalid):
        decode_cursor(cursor, {"id": kind})
