"""Counts what the databases hold after a run: nothing lost, nothing doubled."""

from dataclasses import dataclass
from typing import Any

import asyncpg


@dataclass(frozen=True)
class Ledger:
    """Counts for a set of data products."""

    products_done: int
    calibrations: int
    points: int
    revisions: int
    dead_letters: int
    unpublished: int

    @classmethod
    async def of(cls, admin_url: str, data_product_ids: list[int]) -> "Ledger":
        """Read all services' tables, as no service may."""
        connection = await asyncpg.connect(admin_url)
        try:

            async def count(query: str) -> int:
                return int(await connection.fetchval(query, data_product_ids))

            async def total(query: str) -> int:
                return int(await connection.fetchval(query))

            return cls(
                products_done=await count(
                    "SELECT count(*) FROM upload.data_products "
                    "WHERE data_product_id = ANY($1::bigint[]) AND state = 'done'"
                ),
                calibrations=await count(
                    "SELECT count(*) FROM cpcs.calibrations c "
                    "JOIN cpcs.calibration_requests r "
                    "ON r.id = c.calibration_request_id "
                    "WHERE r.data_product_id = ANY($1::bigint[])"
                ),
                points=await count(
                    "SELECT count(*) FROM core.points p WHERE EXISTS (SELECT FROM "
                    "core.point_revisions r WHERE r.point_id = p.point_id "
                    "AND r.data_product_id = ANY($1::bigint[]))"
                ),
                revisions=await count(
                    "SELECT count(*) FROM core.point_revisions "
                    "WHERE data_product_id = ANY($1::bigint[])"
                ),
                dead_letters=sum(
                    [
                        await total(
                            f"SELECT count(*) FROM {schema}.dead_letters "
                            "WHERE state IN ('dead', 'parked')"
                        )
                        for schema in ("core", "upload", "cpcs", "harvester")
                    ]
                ),
                unpublished=sum(
                    [
                        await total(
                            f"SELECT count(*) FROM {schema}.outbox "
                            "WHERE published_at IS NULL"
                        )
                        for schema in ("core", "upload", "cpcs", "harvester")
                    ]
                ),
            )
        finally:
            await connection.close()


def values_by_frame(
    points: list[dict[str, Any]], names: dict[int, str]
) -> dict[str, tuple[float, float, float]]:
    """What a light curve says about each frame, by the frame's name."""
    return {
        names[point["data_product_id"]]: (
            point["mjd"],
            point["value"],
            point["error"],
        )
        for point in points
        if point["data_product_id"] in names
    }
