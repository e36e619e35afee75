"""Reads the orbit of one line of the Minor Planet Center's orbit files."""

from datetime import UTC, datetime
from typing import Final

# Columns of the Minor Planet Center's "Export Format For Minor-Planet Orbits"
# (https://www.minorplanetcenter.net/iau/info/MPOrbitFormat.html), counted from 1 there.
_COLUMNS: Final = {
    "mean_anomaly": slice(26, 35),
    "perihelion_argument": slice(37, 46),
    "ascending_node": slice(48, 57),
    "inclination": slice(59, 68),
    "eccentricity": slice(70, 79),
    "semi_major_axis": slice(92, 103),
}
_EPOCH: Final = slice(20, 25)
_CENTURIES: Final = {"I": 1800, "J": 1900, "K": 2000}
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_MJD_ZERO: Final = datetime(1858, 11, 17, tzinfo=UTC)


def elements_of_line(line: str) -> dict[str, float]:
    """Orbital elements by the names of the contract; raises ValueError."""
    line = line.strip("\r\n")
    if "\n" in line or "\r" in line:
        raise ValueError("Paste one line of MPCORB, not several.")
    if len(line) < _COLUMNS["semi_major_axis"].stop:
        raise ValueError(
            "This is not a line of MPCORB: it is shorter than 103 characters. Paste "
            "the whole line with its spaces, or give the elements one by one."
        )
    found = {"epoch_mjd": _epoch(line[_EPOCH])}
    for name, columns in _COLUMNS.items():
        try:
            found[name] = float(line[columns])
        except ValueError as error:
            raise ValueError(
                f"This is not a line of MPCORB: '{line[columns].strip()}' in columns "
                f"{columns.start + 1}-{columns.stop} is no {name.replace('_', ' ')}."
            ) from error
    return found


def _epoch(packed: str) -> float:
    """MJD of a packed date (0 h TT), `K24AH` for 17 October 2024."""
    try:
        year = _CENTURIES[packed[0]] + int(packed[1:3])
        month, day = _DIGITS.index(packed[3]), _DIGITS.index(packed[4])
        moment = datetime(year, month, day, tzinfo=UTC)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"This is not a line of MPCORB: '{packed}' in columns 21-25 is no epoch."
        ) from error
    return float((moment - _MJD_ZERO).days)
