"""Rules of the jobs that need no database."""

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from bhtom_runtime.errors import Unavailable
from bhtom_runtime.jobs import PermanentFailure, Retry
from bhtom_runtime.jobs.claim import bucket_size
from bhtom_runtime.jobs.errors import is_passing, sentence_of
from bhtom_runtime.jobs.fence import LONGEST_PAUSE_S, back_off_s
from bhtom_runtime.service import RateLimit


@given(st.integers(1, 10_000))
def test_pauses_grow_and_have_an_end(attempt: int) -> None:
    pause = back_off_s(attempt)
    assert 0.75 * min(LONGEST_PAUSE_S, 2.0 * 3.0 ** min(attempt - 1, 10)) <= pause
    assert pause <= 1.25 * LONGEST_PAUSE_S


@pytest.mark.parametrize(
    ("concurrent", "per_second", "size"),
    [(1, 100.0, 1), (4, 0.2, 1), (4, 2.0, 2), (4, 100.0, 4)],
)
def test_a_bucket_holds_no_more_than_a_seconds_worth(
    concurrent: int, per_second: float, size: int
) -> None:
    assert bucket_size(RateLimit("archive", concurrent, per_second)) == size


def test_sentences_of_errors() -> None:
    assert sentence_of(Retry("The archive rests.")) == "The archive rests."
    assert sentence_of(PermanentFailure("No such star.")) == "No such star."
    assert sentence_of(Unavailable("Core is away.")) == "Core is away."
    try:
        raise RuntimeError("first line\nsecond line \0")
    except RuntimeError as error:
        told = sentence_of(error)
    assert told.startswith("RuntimeError: first line (in test_sentences_of_errors")


def test_a_statements_values_are_not_told() -> None:
    error = DBAPIError("INSERT", {"token": "deadbeef"}, Exception("it is full"))
    assert "deadbeef" in str(error)
    assert sentence_of(error) == "DBAPIError: it is full"


def test_what_may_pass() -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    class NoSuchTable(Exception):
        sqlstate = "42P01"

    assert is_passing(DBAPIError("", {}, Deadlock()))
    assert is_passing(ConnectionRefusedError())
    assert is_passing(asyncpg.CannotConnectNowError("starting up"))
    assert not is_passing(DBAPIError("", {}, NoSuchTable()))
    assert not is_passing(FileNotFoundError())
    assert not is_passing(KeyError())
