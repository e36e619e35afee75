"""What targets may be called, and what they may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_core.targets.domain import (
    checked_aliases,
    checked_classification,
    checked_description,
    checked_name,
    name_key,
)
from bhtom_runtime.errors import Invalid


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Gaia21abc", "Gaia21abc"),
        ("  SN   2023ixf ", "SN 2023ixf"),
        ("V404 Cyg", "V404 Cyg"),
        ("2MASS J19+30", "2MASS J19+30"),
        ("AT2021.5", "AT2021.5"),
        ("e\u0301toile", "\u00e9toile"),
        ("β Lyr", "β Lyr"),
        ("O'Connell's star", "O'Connell's star"),
    ],
)
def test_good_names(name: str, kept: str) -> None:
    assert checked_name(name) == kept


@pytest.mark.parametrize(
    "name",
    [
        "", "   ", "a(b", "a)b", "a/b", "a\\b", "a:b", "a,b",
        "https://example.org/x", "www.example.org", "x?y=1", "example.com",
        "<b>x</b>", "x<script>", "a&lt;b", "a\x00b", "a\x07b", "a\u200bb",
        "a\u202eb", "\ud800", "12345", "---", "x" * 101,
    ],
)  # fmt: skip
def test_refused_names(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_name(name)
    assert caught.value.code == "invalid_name"
    assert caught.value.sentence.startswith("name: ")
    caught.value.sentence.encode()  # can be written in an answer


@given(st.text(max_size=120))
def test_a_kept_name_is_kept_again_and_is_harmless(name: str) -> None:
    try:
        kept = checked_name(name)
    except Invalid:
        return
    assert checked_name(kept) == kept
    assert not set(kept) & set("()/\\:,<>\0\n\r\t")
    assert 0 < len(kept) <= 100


@pytest.mark.parametrize(
    ("one", "other"),
    [("Gaia21abc", "GAIA21ABC"), ("SN 2023ixf", " sn  2023IXF "), ("ﬁeld", "field")],
)
def test_names_that_are_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_aliases_are_kept_once_and_without_the_name() -> None:
    found = checked_aliases(["AT 2023x", "at 2023X", "", "M31", "a:b (c)"], "m31")
    assert found == ["AT 2023x", "a:b (c)"]


@pytest.mark.parametrize("alias", ["<i>x</i>", "a\x00b", "x" * 201])
def test_refused_aliases(alias: str) -> None:
    with pytest.raises(Invalid, match="aliases"):
        checked_aliases([alias], "name")


def test_too_many_aliases() -> None:
    with pytest.raises(Invalid, match="at most 50"):
        checked_aliases([f"alias {number}" for number in range(51)], "name")


def test_classifications() -> None:
    assert checked_classification("sn") == "SN"
    assert checked_classification(" Supernova  Impostor ") == "Supernova impostor"
    with pytest.raises(Invalid, match="is not one of Unknown"):
        checked_classification("Planet X")


def test_descriptions() -> None:
    assert checked_description(" two\nlines ") == "two\nlines"
    with pytest.raises(Invalid, match="control characters"):
        checked_description("bell\x07")
    with pytest.raises(Invalid, match="at most"):
        checked_description("x" * 2001)
