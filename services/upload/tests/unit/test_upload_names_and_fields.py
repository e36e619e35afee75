"""Hostile file names, and the many spellings of a form's fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_contracts.events.frames import CalibrationParameters
from bhtom_upload.intake import fields
from bhtom_upload.intake.fields import BadField
from bhtom_upload.intake.file_names import MAX_LENGTH, check_extension, display_name
from bhtom_upload.intake.refusals import FrameRefused


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("x.fits", "x.fits"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\night 1\\x.fits", "x.fits"),
        ("/abs/ngc 1566 (r).fit.gz", "ngc 1566 (r).fit.gz"),
        ("..", "frame.fits"),
        ("", "frame.fits"),
        (None, "frame.fits"),
        ("a\0b\r\nX-Evil: 1.fits", "a_b__X-Evil_ 1.fits"),
        ("<script>alert(1)</script>.fits", "script_.fits"),
        ("\u202efits.exe", "_fits.exe"),
        (".hidden.fits", "hidden.fits"),
        ("gwiazda_ż.fits", "gwiazda_ż.fits"),
    ],
)
def test_only_a_harmless_base_name_is_kept(given: str | None, shown: str) -> None:
    assert display_name(given) == shown


@given(st.text(max_size=1000))
def test_no_name_is_dangerous(name: str) -> None:
    shown = display_name(name)
    assert 0 < len(shown) <= MAX_LENGTH
    assert not set(shown) & set("/\\\0\r\n\"'<>&:;|*?`$")
    assert shown.isprintable()
    assert not shown.startswith(".")
    assert display_name(shown) == shown


def test_a_long_name_keeps_its_extension() -> None:
    shown = display_name("n" * 500 + ".fits")
    assert len(shown) == MAX_LENGTH
    assert shown.endswith(".fits")


@pytest.mark.parametrize("extension", ["fits", "fit", "fts", "ftt", "ftsc", "FITS"])
@pytest.mark.parametrize("packing", ["", ".gz", ".fz", ".bz2", ".xz", ".ZIP"])
def test_the_names_of_bhtom_are_taken(extension: str, packing: str) -> None:
    check_extension(f"x.{extension}{packing}")


@pytest.mark.parametrize("name", ["file_0", "frame", "ngc.1566", "x.fz", "x.zip"])
def test_a_name_without_a_telling_extension_is_taken(name: str) -> None:
    check_extension(name)


@pytest.mark.parametrize(
    "name", ["x.jpg", "x.dat", "x.csv.gz", "x.csv.zip", "x.rar", "passwd.txt"]
)
def test_other_names_are_refused_before_the_body_is_read(name: str) -> None:
    with pytest.raises(FrameRefused, match=name):
        check_extension(name)


@pytest.mark.parametrize(
    "text",
    ["", "no", "No", "any", "GaiaSP/any", " GaiaSP/any ", "any/any", "gaiasp/Any"],
)
def test_no_filter_means_any(text: str) -> None:
    assert fields.requested_filter("filter", text) == "GaiaSP/any"
    assert CalibrationParameters(requested_filter=text) == CalibrationParameters()


def test_a_filter_is_a_catalogue_and_a_band() -> None:
    assert fields.requested_filter("filter", "GaiaSP/ugriz") == "GaiaSP/ugriz"
    assert fields.requested_filter("filter", "panstarrs/g'") == "PS1/g"
    for nonsense in ("r", "a/b/c", "GaiaSP/", "x" * 200 + "/r", "GaiaSP/r\n"):
        if nonsense.strip() == "GaiaSP/r":
            continue
        with pytest.raises(BadField):
            fields.requested_filter("filter", nonsense)


@pytest.mark.parametrize("value", [None, "", "-2", "-1", "0", -1.0])
def test_a_negative_radius_is_automatic(value: str | float | None) -> None:
    assert fields.match_radius("match_dist", value) is None


def test_a_radius_is_bounded() -> None:
    assert fields.match_radius("match_dist", "2.5") == 2.5
    for nonsense in ("61", "nan", "inf", "two"):
        with pytest.raises(BadField):
            fields.match_radius("match_dist", nonsense)


@pytest.mark.parametrize("text", ["True", "true", "TRUE", "1", "yes"])
def test_true_in_any_case(text: str) -> None:
    assert fields.boolean("dry_run", text)


@pytest.mark.parametrize("text", ["False", "false", "0", "", "None"])
def test_false_in_any_case(text: str) -> None:
    assert not fields.boolean("dry_run", text)


def test_neither_true_nor_false() -> None:
    with pytest.raises(BadField):
        fields.boolean("dry_run", "perhaps")


@pytest.mark.parametrize(
    "values",
    [
        ["ada", "ben"],
        ["ada,ben"],
        ["ada, ben", ""],
        ['["ada", "ben"]'],
        ["['ada','ben']", "ada"],
    ],
)
def test_observers_come_repeated_or_as_a_list(values: list[str]) -> None:
    assert fields.observer_names("observers", values) == ("ada", "ben")


def test_names_with_control_characters_are_refused() -> None:
    for name in ("a\0b", "a\nb", "", "   ", "x" * 301):
        with pytest.raises(BadField):
            fields.reference("target", name)


def test_the_word_none_is_no_comment() -> None:
    assert fields.comment("comment", "None") == ""
    assert fields.comment("comment", "thin\0 cloud") == "thin cloud"
    with pytest.raises(BadField):
        fields.comment("comment", "x" * 2001)
