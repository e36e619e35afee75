"""Messages and failures as rows: nothing is lost, nothing cannot be stored."""

from dataclasses import replace

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from bhtom_runtime.errors import Invalid, Unavailable
from bhtom_runtime.failures import (
    Permanent,
    account_of,
    is_permanent,
    is_transient,
    sentence_of,
)
from bhtom_runtime.kafka.messages import Incoming, Partition
from bhtom_runtime.letters import header_rows, headers_of, key_text, stand_in_id

MESSAGE = Incoming(
    partition=Partition("noted", 3),
    offset=17,
    timestamp_ms=1_700_000_000_000,
    key=b"a",
    headers=[],
    body=b"",
)


@given(st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=30)), max_size=6))
def test_headers_survive_and_hold_no_nul(headers: list[tuple[str, bytes]]) -> None:
    rows = header_rows(headers)
    assert [value for _, value in headers_of(rows)] == [value for _, value in headers]
    assert all("\0" not in text for row in rows for text in row)


@given(st.binary(max_size=30))
def test_any_key_is_text(key: bytes) -> None:
    assert "\0" not in key_text(key)


def test_the_stand_in_id_is_one_messages_own() -> None:
    others = [
        replace(MESSAGE, offset=18),
        replace(MESSAGE, partition=Partition("noted", 4)),
        replace(MESSAGE, timestamp_ms=MESSAGE.timestamp_ms + 1),
    ]
    ids = {stand_in_id(one) for one in (MESSAGE, *others)}
    assert len(ids) == 4
    assert stand_in_id(replace(MESSAGE, body=b"x")) == stand_in_id(MESSAGE)


class _Thing(BaseModel):
    number: int


def invalid() -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        _Thing.model_validate({"number": "a secret"})
    return raised.value


def from_database(state: str | None, kind: type[DBAPIError] = DBAPIError) -> DBAPIError:
    class Refused(Exception):
        sqlstate = state

    return kind("INSERT 'a secret'", {"password": "a secret"}, Refused("refused"))


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("later"),
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        from_database("40001"),
        from_database("40P01"),
        from_database("57P01"),
        from_database("53300"),
        from_database("55P03"),
        from_database(None, OperationalError),
    ],
)
def test_these_pass_by_themselves(error: Exception) -> None:
    assert is_transient(error)
    assert not is_permanent(error)


@pytest.mark.parametrize("error", [Invalid("no"), Permanent("no"), invalid()])
def test_these_never_pass(error: Exception) -> None:
    assert is_permanent(error)
    assert not is_transient(error)


@pytest.mark.parametrize(
    "error", [KeyError("x"), from_database("23505", IntegrityError)]
)
def test_these_are_tried_some_times(error: Exception) -> None:
    assert not is_permanent(error)
    assert not is_transient(error)


@pytest.mark.parametrize("error", [invalid(), from_database("23505")])
def test_a_failure_is_told_without_what_was_sent(error: Exception) -> None:
    assert "secret" not in sentence_of(error)


def test_a_failure_can_be_stored() -> None:
    assert "\0" not in account_of(ValueError("a\0b"))
    assert len(account_of(ValueError("x" * 10**6))) < 10_000
