"""Reads ephemeris tables as people have them: CSV, spaced columns, JPL Horizons."""

import csv
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bhtom_core.targets.coordinates import declination, right_ascension
from bhtom_runtime.errors import Invalid

# Every request carries the whole table in its event, beside all that is known of the
# camera; it has 256 KiB.
MOST_ROWS: Final = 1000
MOST_CHARACTERS: Final = 1_000_000
_MJD_ZERO: Final = datetime(1858, 11, 17, tzinfo=UTC)
_MJD_OF_JD_ZERO: Final = 2400000.5
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun",
    "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
# Horizons prints observer tables between these marks, its column names above them
# (JPL Horizons manual, https://ssd.jpl.nasa.gov/horizons/manual.html).
_BEGIN, _END = "$$SOE", "$$EOE"
_CALENDAR: Final = re.compile(
    r"(?P<year>\d{4})-(?P<month>[a-z]{3})-(?P<day>\d{2}) (?P<clock>[\d:.]+)", re.ASCII
)


def rows_of_text(text: str) -> list[dict[str, Any]]:
    """Rows of a table whose first line names the columns; raises ValueError.

    Times are `mjd`, `jd` or `time` (ISO 8601), all UTC; `ra` and `dec` decimal degrees
    or sexagesimal (hours); `distance` in au may be missing.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"The table is longer than {MOST_CHARACTERS} characters.")
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise ValueError("The table is empty.")
    lines = _of_horizons(lines)
    separator = _separator(lines[0][1])
    columns = _columns(_cells(lines[0][1], separator))
    rows = lines[1:]
    if len(rows) > MOST_ROWS:
        raise ValueError(f"The table has {len(rows)} rows; give at most {MOST_ROWS}.")
    return [_row(number, _cells(line, separator), columns) for number, line in rows]


def _of_horizons(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The column names and rows of a Horizons listing; other tables as they are."""
    marks = [line.strip() for _, line in lines]
    if _BEGIN not in marks:
        return lines
    begin = marks.index(_BEGIN)
    end = marks.index(_END) if _END in marks[begin:] else len(lines)
    names = [line for line in lines[:begin] if "R.A." in line[1] and "," in line[1]]
    if not names:
        raise ValueError(
            "Ask Horizons for an observer table with astrometric RA and DEC in CSV "
            "format: the columns of this listing cannot be told apart."
        )
    return [names[-1], *lines[begin + 1 : end]]


def _separator(names: str) -> str | None:
    return next((mark for mark in (",", ";", "\t") if mark in names), None)


def _cells(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split()
    try:
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise ValueError(f"The table is no CSV: {error}.") from error
    return [cell.strip() for cell in cells]


def _columns(names: list[str]) -> Mapping[str, tuple[int, Callable[[str], float]]]:
    """Where which column is, and how it is read."""
    found: dict[str, tuple[int, Callable[[str], float]]] = {}
    for place, name in enumerate(names):
        kind = _NAMES.get(re.sub(r"[^a-z]", "", name.lower()))
        if kind is None:
            continue
        if kind[0] in found:
            raise ValueError(f"The table has more than one column for its {kind[0]}.")
        found[kind[0]] = (place, kind[1])
    missing = [name for name in ("mjd", "ra", "dec") if name not in found]
    if missing:
        wanted = {"mjd": "the time (mjd, jd or time, in UTC)", "ra": "ra", "dec": "dec"}
        raise ValueError(
            "The first line must name the columns; there is none for "
            f"{', '.join(wanted[name] for name in missing)}."
        )
    return found


def _row(
    line: int,
    cells: list[str],
    columns: Mapping[str, tuple[int, Callable[[str], float]]],
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, (place, read) in columns.items():
        if place >= len(cells):
            raise ValueError(f"Line {line} has no {name}.")
        try:
            row[name] = read(cells[place]) if cells[place] else None
        except Invalid as error:
            raise ValueError(f"Line {line}: {error.sentence}") from error
        except ValueError as error:
            shown = cells[place][:40]
            raise ValueError(
                f"Line {line}: '{shown}' cannot be read as {name}."
            ) from error
        if row[name] is None and name != "distance":
            raise ValueError(f"Line {line} has no {name}.")
    return row


def _mjd_of_jd(text: str) -> float:
    return float(text) - _MJD_OF_JD_ZERO


def _mjd_of_time(text: str) -> float:
    """MJD of ISO 8601 or of Horizons' `2026-Nov-22 00:00`; without a zone it is UTC."""
    named = _CALENDAR.fullmatch(text.lower())
    if named is not None:
        month = _MONTHS.index(named["month"]) + 1
        text = f"{named['year']}-{month:02d}-{named['day']} {named['clock']}"
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _MJD_ZERO).total_seconds() / 86400


# Names of columns without all that is no letter; Horizons' apparent places are none.
_NAMES: Final[Mapping[str, tuple[str, Callable[[str], float]]]] = {
    **dict.fromkeys(("mjd", "mjdutc"), ("mjd", float)),
    **dict.fromkeys(("jd", "jdutc", "datejdut"), ("mjd", _mjd_of_jd)),
    **dict.fromkeys(
        ("time", "date", "datetime", "utc", "timeutc", "dateuthrmn", "dateuthrmnss",
         "dateuthrmnsc", "dateuthrmnscfff"),
        ("mjd", _mjd_of_time),
    ),
    **dict.fromkeys(("ra", "radeg", "raicrf", "rajdeg"), ("ra", right_ascension)),
    **dict.fromkeys(("dec", "decdeg", "decicrf", "dejdeg"), ("dec", declination)),
    **dict.fromkeys(("distance", "distanceau", "delta"), ("distance", float)),
}  # fmt: skip
