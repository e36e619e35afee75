"""What people may say of how a target moves, and the rules it must keep."""

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bhtom_contracts.events import targets as contract
from bhtom_core.targets.ephemeris_text import MOST_ROWS, rows_of_text
from bhtom_core.targets.mpc_line import elements_of_line
from bhtom_core.targets.sky import separation_deg

FEWEST_ROWS: Final = 4
# No orbit is carried over centuries, and a Julian date is told from a modified one.
_FIRST_MJD, _LAST_MJD = 15020.0, 88069.0
_FARTHEST_PERIHELION_MJD: Final = 2e6
_SHORTEST_STEP_D: Final = 1e-6
# Between two rows; what a table leaves out cannot be interpolated.
_LONGEST_STEP_DEG: Final = 15.0
_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Elements(contract.OrbitalElements):
    """Orbital elements, or the line of MPCORB that holds them."""

    model_config = _STRICT

    semi_major_axis: float | None = Field(
        default=None, description="au; negative of a hyperbola"
    )
    perihelion_distance: float | None = Field(default=None, ge=1e-3, le=1e5)
    eccentricity: float = Field(ge=0, le=50)
    ascending_node: float = Field(ge=-360, le=360, description="degrees")
    perihelion_argument: float = Field(ge=-360, le=360, description="degrees")
    mean_anomaly: float | None = Field(
        default=None, ge=-360, le=360, description="degrees"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_line(cls, given: Any) -> Any:
        return elements_of_line(given) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _is_plausible(self) -> Self:
        _check_mjd("epoch_mjd", self.epoch_mjd)
        far = _FARTHEST_PERIHELION_MJD
        if self.perihelion_mjd is not None and abs(self.perihelion_mjd) > far:
            raise ValueError(
                f"perihelion_mjd: {self.perihelion_mjd:g} is no MJD; a Julian date "
                "less 2400000.5 is one."
            )
        size = self.semi_major_axis
        if size is not None and not 1e-3 <= size * (1 - self.eccentricity) <= 1e5:
            raise ValueError(
                "The semi-major axis and the eccentricity put the perihelion beyond "
                "0.001 to 100000 au."
            )
        return self


class Row(contract.EphemerisRow):
    """A place of the table."""

    model_config = _STRICT

    distance: float | None = Field(default=None, gt=0, le=1e6, description="au")


def _rows(given: Any) -> Any:
    return rows_of_text(given) if isinstance(given, str) else given


class Ephemeris(BaseModel):
    """A table of places: rows, or the text of a table with named columns.

    `observer` says from where they are seen: the Earth's centre, or the very site of
    the camera whose frames are calibrated with it.
    """

    model_config = _STRICT

    observer: Literal["geocentre", "site"]
    rows: Annotated[
        tuple[Row, ...],
        BeforeValidator(_rows, json_schema_input_type=list[Row] | str),
        Field(min_length=FEWEST_ROWS, max_length=MOST_ROWS),
    ]

    @model_validator(mode="after")
    def _is_a_path(self) -> Self:
        if len({row.distance is None for row in self.rows}) > 1:
            raise ValueError("Give the distance in every row or in none.")
        _check_mjd("mjd of the first row", self.rows[0].mjd)
        _check_mjd("mjd of the last row", self.rows[-1].mjd)
        for number, (row, following) in enumerate(pairwise(self.rows), 1):
            if following.mjd <= row.mjd + _SHORTEST_STEP_D:
                raise ValueError(
                    f"Row {number + 1} (MJD {following.mjd:.5f}) is not later than the "
                    f"row before (MJD {row.mjd:.5f}); sort the table and give each "
                    "time once."
                )
            step = separation_deg(row.ra, row.dec, following.ra, following.dec)
            if step > _LONGEST_STEP_DEG:
                raise ValueError(
                    f"Rows {number} and {number + 1} are {step:.0f} degrees apart; "
                    f"give rows closer than {_LONGEST_STEP_DEG:.0f} degrees."
                )
        return self


def compact_rows(ephemeris: dict[str, Any]) -> list[list[float | None]]:
    """The rows as they are stored: MJD, RA, Dec, distance; to 0.1 ms, 4 uas."""
    return [
        [
            round(row["mjd"], 9),
            round(row["ra"], 9) % 360.0,
            round(row["dec"], 9),
            None if row["distance"] is None else round(row["distance"], 12),
        ]
        for row in ephemeris["rows"]
    ]


def summary_of(observer: str, rows: Sequence[Sequence[float | None]]) -> dict[str, Any]:
    """What is told of a table without its rows; the hash tells tables apart."""
    times = [row[0] or 0.0 for row in rows]
    steps = (after - mjd for mjd, after in pairwise(times))
    return {
        "observer": observer,
        "row_count": len(rows),
        "first_mjd": times[0],
        "last_mjd": times[-1],
        "longest_gap_days": round(max(steps), 9),
        "has_distance": rows[0][3] is not None,
        "sha256": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
    }


def table_of(observer: str, rows: Sequence[Sequence[Any]]) -> contract.Ephemeris:
    """The table of stored rows, as it is published."""
    return contract.Ephemeris(
        observer="site" if observer == "site" else "geocentre",
        rows=tuple(
            contract.EphemerisRow(mjd=mjd, ra=ra, dec=dec, distance=distance)
            for mjd, ra, dec, distance in rows
        ),
    )


def _check_mjd(name: str, mjd: float) -> None:
    if _FIRST_MJD <= mjd <= _LAST_MJD:
        return
    hint = ""
    if _FIRST_MJD <= mjd - 2400000.5 <= _LAST_MJD:
        hint = f" It looks like a Julian date: MJD {mjd - 2400000.5:.5f}."
    raise ValueError(
        f"{name}: {mjd:.10g} is not between {_FIRST_MJD:.0f} and {_LAST_MJD:.0f} "
        f"(1900 to 2100).{hint}"
    )
