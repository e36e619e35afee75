"""What earlier calibrations tell a new one beside what was decided from many."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.outcomes import Outcome
from bhtom_cpcs.calibrations.tables import CALIBRATIONS, CAMERA_ID, REQUESTS
from bhtom_cpcs.science.zero_point_terms import ColourTerm


async def colour_terms_of(
    connection: AsyncConnection, calibration_ids: Sequence[int]
) -> dict[int, ColourTerm]:
    """The colour terms of calibrations that lend their zero points."""
    if not calibration_ids:
        return {}
    term = CALIBRATIONS.c.result["zero_point"]["colour_term"]
    statement = select(CALIBRATIONS.c.id, term.label("term")).where(
        CALIBRATIONS.c.id.in_(calibration_ids), func.jsonb_typeof(term) == "object"
    )
    names = ColourTerm.__dataclass_fields__
    return {
        row.id: ColourTerm(**{n: row.term[n] for n in names if n in row.term})
        for row in await connection.execute(statement)
    }


async def brightness_column_of(
    connection: AsyncConnection, target_id: int, camera_id: int
) -> str | None:
    """The column that a target's first list of sources from a camera was read in.

    The first product's newest calibration counts: the others follow it.
    """
    columns = CALIBRATIONS.c.result["catalogue_file"]["estimators"]
    statement = (
        select(columns.label("columns"))
        .join(REQUESTS, REQUESTS.c.id == CALIBRATIONS.c.calibration_request_id)
        .where(
            text(f"{CAMERA_ID} = :camera_id").bindparams(camera_id=camera_id),
            REQUESTS.c.target_id == target_id,
            REQUESTS.c.purpose == "record",
            CALIBRATIONS.c.outcome.in_((Outcome.CALIBRATED, Outcome.LIMIT)),
            func.jsonb_typeof(columns) == "array",
        )
        .order_by(REQUESTS.c.data_product_id, REQUESTS.c.request_order.desc())
        .limit(1)
    )
    found: list[dict[str, Any]] = await connection.scalar(statement) or []
    return next((one["column"] for one in found if one["chosen"]), None)
