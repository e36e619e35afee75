"""Reads a target's place off an ephemeris table."""

from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.sun_and_air import unit_vector
from bhtom_cpcs.science.request import Ephemeris, EphemerisRow

Vector = npt.NDArray[np.float64]

FEWEST_ROWS: Final = 4
_MOST_USED: Final = 6
_ARCSEC: Final = np.degrees(1) * 3600


class OutsideEphemeris(ValueError):
    """The table does not tell where the target is at this time."""


def interpolate(table: Ephemeris, mjd_utc: float) -> tuple[Vector, float | None, float]:
    """Direction, distance [au] or None, and the interpolation's own error [arcsec].

    Lagrange's polynomial through the six rows about the time (four where there are no
    more) of the unit vectors, so that neither RA 0 nor the poles matter. The error is
    the difference to the polynomial through the inner four (three of four rows).

    Raises
    ------
    OutsideEphemeris
        Fewer than four rows, rows not in order of time, or a time before the first
        row or after the last: a table is never extrapolated.
    """
    rows = table.rows
    times = np.array([row.mjd_utc for row in rows])
    if len(rows) < FEWEST_ROWS:
        raise OutsideEphemeris(f"its ephemeris has fewer than {FEWEST_ROWS} rows")
    if not np.isfinite(times).all() or not (np.diff(times) > 0).all():
        raise OutsideEphemeris("its ephemeris is not in order of time")
    if not times[0] <= mjd_utc <= times[-1]:
        raise OutsideEphemeris(
            f"its ephemeris covers MJD {times[0]:.4f} to {times[-1]:.4f}"
        )
    places = np.array([_place(row) for row in rows])
    most = _through(places, times, mjd_utc, _MOST_USED)
    fewer = min(FEWEST_ROWS, len(rows) - 1)
    least = _through(places, times, mjd_utc, fewer)
    direction = most[:3] / np.linalg.norm(most[:3])
    error = float(np.linalg.norm(most[:3] - least[:3])) * _ARCSEC
    distance = float(most[3])
    return direction, distance if np.isfinite(distance) else None, error


def _place(row: EphemerisRow) -> Vector:
    distance = np.nan if row.distance_au is None else row.distance_au
    return np.append(unit_vector(row.ra_deg, row.dec_deg), distance)


def _through(places: Vector, times: Vector, mjd: float, count: int) -> Vector:
    """Value at a time of the polynomial through the rows nearest to it."""
    count = min(count, len(times))
    after = int(np.searchsorted(times, mjd))
    first = int(np.clip(after - count // 2, 0, len(times) - count))
    nodes = times[first : first + count]
    weights = np.ones(count)
    for number, node in enumerate(nodes):
        others = np.delete(nodes, number)
        weights[number] = np.prod((mjd - others) / (node - others))
    value: Vector = (weights[:, None] * places[first : first + count]).sum(axis=0)
    return value
