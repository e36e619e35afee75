"""Reading light curves and points as a reader may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.flags import PointFlag
from bhtom_core.light_curves.rules import on_light_curve, visible
from bhtom_core.light_curves.summaries import CURRENT
from bhtom_core.light_curves.tables import point_revisions, points
from bhtom_core.people.tables import users
from bhtom_core.rows import Query, Record
from bhtom_core.targets.tables import targets
from bhtom_core.visibility import Reader

_hiders = users.alias("hiders")

# The names under which points are shown, in the order of the light curve's JSON.
POINT_FIELDS: Final = (
    "point_id", "revision", "source", "facility", "mjd", "bjd_tdb", "exposure_time",
    "quantity", "value", "error", "unit", "system", "passband", "is_limit",
    "limit_3_sigma", "limit_5_sigma", "limit_sigma", "signal_to_noise", "flux",
    "flux_error", "flags", "difference", "hidden", "hidden_reason", "hidden_by",
    "data_product_id", "calibration_id", "plane", "camera_id", "observers",
    "owner_id", "trace_id",
)  # fmt: skip

_FROM_POINTS: Final = frozenset(
    {"point_id", "source", "mjd", "data_product_id", "plane", "owner_id"}
)


def _columns(fields: Sequence[str]) -> list[Any]:
    special = {
        "hidden": points.c.hidden_at.is_not(None),
        # An empty text, or the reason of the last unhiding, is not shown.
        "hidden_reason": points.c.hidden_reason,
        "hidden_by": _hiders.c.username,
    }
    chosen: list[Any] = []
    for name in fields:
        if name in special:
            chosen.append(special[name].label(name))
        else:
            table = points if name in _FROM_POINTS else point_revisions
            chosen.append(table.c[name])
    return chosen


def _points(fields: Sequence[str] = POINT_FIELDS) -> Query:
    return (
        select(*_columns(fields))
        .select_from(points)
        .join(targets, targets.c.target_id == points.c.target_id)
        .join(point_revisions, CURRENT)
        .outerjoin(_hiders, _hiders.c.user_id == points.c.hidden_by)
        .where(targets.c.deleted_at.is_(None))
    )


# What a plot needs of a point.
PLOT_FIELDS: Final = (
    "point_id", "source", "facility", "mjd", "quantity", "value", "error", "passband",
    "is_limit", "limit_3_sigma", "flags", "hidden",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many points a light curve leaves out unless they are asked for."""

    hidden: int = 0
    poor: int = 0


async def light_curve(
    connection: AsyncConnection,
    target_id: int,
    reader: Reader,
    *,
    hidden: bool,
    fields: Sequence[str] = POINT_FIELDS,
) -> tuple[list[Record], LeftOut]:
    """The points of a target in the order of time, and what is left out of them.

    Hidden ones and those of a poor zero point come if `hidden` ones are wanted.
    """
    people_hid = points.c.hidden_at.is_not(None) & visible(reader)
    statement = (
        _points(fields)
        .where(points.c.target_id == target_id, on_light_curve(reader) | people_hid)
        .order_by(points.c.mjd, points.c.point_id)
    )
    rows = (await connection.execute(statement)).all()
    if hidden:
        return list(rows), LeftOut()
    # They are few: reading them along is cheaper than asking twice.
    shown = [row for row in rows if not row.hidden]
    good = [row for row in shown if not row.flags & PointFlag.POOR_ZERO_POINT]
    return good, LeftOut(len(rows) - len(shown), len(shown) - len(good))


async def point(
    connection: AsyncConnection, point_id: int, reader: Reader
) -> Record | None:
    """A point that the reader may see, hidden ones and copies too."""
    extra = (
        points.c.target_id,
        points.c.record,
        points.c.component,
        points.c.current_revision,
        point_revisions.c.error_budget,
        point_revisions.c.other_fluxes,
        point_revisions.c.zero_point,
        point_revisions.c.quality,
        point_revisions.c.passband_as_reported,
        point_revisions.c.time_as_reported,
        point_revisions.c.time_scale_as_reported,
        point_revisions.c.limit_definition,
        point_revisions.c.citation,
        point_revisions.c.source_url,
    )
    statement = (
        _points()
        .add_columns(*extra)
        .where(points.c.point_id == point_id, visible(reader))
    )
    return (await connection.execute(statement)).one_or_none()
