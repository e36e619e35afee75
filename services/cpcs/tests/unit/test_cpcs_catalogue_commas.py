"""Lists of sources from spreadsheets of countries that write decimals with a comma."""

from pathlib import Path

import numpy as np
import pytest

from bhtom_cpcs.science.catalogue_files.instrumental_catalogue import (
    InstrumentalCatalogue,
)
from bhtom_cpcs.science.catalogue_files.reading import read_catalogue
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

NAMES = ("ra", "dec", "x", "y", "mag", "mag_err")
ROWS = (
    (150.001, -24.01, 101.5, 50.0, -12.25, 0.002),
    (150.012, -24.0, 60.0, 85.25, -10.5, 0.01),
    (149.998, -23.99, 110.2, 121.0, -8.125, 0.05),
)


def text(
    mark: str, written: str = "{:.4f}", *, comma: bool = True, quote: str = ""
) -> str:
    def number(value: float) -> str:
        plain = written.format(value)
        return quote + (plain.replace(".", ",") if comma else plain) + quote

    lines = [mark.join(NAMES), *(mark.join(map(number, row)) for row in ROWS)]
    return "\n".join(lines) + "\n"


def read(tmp_path: Path, content: str) -> InstrumentalCatalogue:
    path = tmp_path / "list.csv"
    path.write_text(content)
    return read_catalogue(path)


@pytest.mark.parametrize(
    "content",
    [
        *(text(mark) for mark in (";", "\t", "|", " ", "; ", "   ")),
        text(";", "{:g}"),
        text(";", quote='"'),
        text(",", quote='"'),
        "\ufeff" + text(";"),
        "sep=;\n" + text(";"),
        "# " + text(";"),
        "# " + text(" "),
        "# a comment, with a comma\n" + text(";"),
    ],
)
def test_decimal_commas_are_read(tmp_path: Path, content: str) -> None:
    found = read(tmp_path, content)
    assert found.ra_deg is not None
    assert found.dec_deg is not None
    assert found.ra_deg.tolist() == [row[0] for row in ROWS]
    assert found.dec_deg.tolist() == [row[1] for row in ROWS]
    (estimator,) = found.estimators
    assert np.allclose(estimator.magnitude, [row[4] for row in ROWS])
    assert np.allclose(estimator.error, [row[5] for row in ROWS])
    assert found.notes == ("Its decimal commas were read as points.",)


@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
def test_points_stay_points(tmp_path: Path, mark: str) -> None:
    rows = text(mark, comma=False).splitlines()
    # a list of flags beside is no number of ours
    rows = [rows[0] + mark + "notes", *(row + mark + '"1,2"' for row in rows[1:])]
    found = read(tmp_path, "\n".join(rows))
    assert found.ra_deg is not None
    assert found.ra_deg.tolist() == [row[0] for row in ROWS]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text(";").replace("150,0010", "150.0010"), "points (150.0010)"),
        (text(";").replace("101,5000", "1.101,5000"), "several marks"),
        (text(";").replace("0,0020", "0,0020,3"), "several marks"),
        (
            "ra;dec;mag;mag_err\n150,001;-24,009;-12,249;1,002\n",
            "decimals or of thousands",
        ),
        (text(","), "semicolons between columns"),
    ],
)
def test_commas_that_may_mean_something_else(
    tmp_path: Path, content: str, said: str
) -> None:
    with pytest.raises(Stop) as stop:
        read(tmp_path, content)
    assert stop.value.outcome is Outcome.UNREADABLE_CATALOGUE
    assert said in stop.value.message


def test_sexagesimal_positions_with_commas(tmp_path: Path) -> None:
    rows = "".join(f"10:00:0{i},25;-24:00:1{i},5;-12,{i};0,01\n" for i in range(4))
    found = read(tmp_path, "ra;dec;mag;mag_err\n" + rows)
    assert found.ra_deg is not None
    assert found.ra_deg[0] == pytest.approx(150 + 0.25 * 15 / 3600)
