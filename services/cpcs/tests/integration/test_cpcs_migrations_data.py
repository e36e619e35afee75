"""What a migration makes of rows that were kept under earlier rules."""

import json
from collections.abc import Callable
from typing import Any

import asyncpg

from bhtom_cpcs.testing import calibrated_result, request_for
from bhtom_runtime.migrations.commands import downgrade, upgrade

SHA = "e" * 64


async def add_old(
    connection: asyncpg.Connection, number: int, declared: str, **fitted: Any
) -> None:
    """A calibrated frame with its evidence, as revision 0003 kept it."""
    asked = request_for(SHA, number, visibility="private")
    result = calibrated_result()
    result["zero_point"] |= fitted
    text = f"It used {fitted.get('source_note', 'its own stars')}."
    await connection.execute(
        "INSERT INTO cpcs.calibration_requests (id, data_product_id, request_order, "
        "purpose, owner_id, visibility, target_id, request) "
        "VALUES ($1, $2, 1, 'record', $3, 'private', 11, $4)",
        10 * number,
        number,
        asked.owner_id,
        asked.model_dump_json(),
    )
    await connection.execute(
        "INSERT INTO cpcs.calibrations (id, calibration_request_id, plane, "
        "plane_count, outcome, message, started_at, finished_at, reduction_time_s, "
        "software_version, settings_version, result, answer_topic, answer) "
        "VALUES ($1, $2, 0, 1, 'calibrated', $4, now(), now(), 1, '1', '1', $3, "
        "'photometry.calibrated', $5)",
        100 * number,
        10 * number,
        json.dumps(result),
        text,
        json.dumps({"message": text}),
    )
    await add_evidence(connection, number, declared)


async def add_evidence(
    connection: asyncpg.Connection, number: int, declared: str
) -> None:
    await connection.execute(
        "INSERT INTO cpcs.frame_evidence (data_product_id, plane, request_order, "
        "calibration_id, camera_id, filter_card, declared_filter, mid_exposure_mjd, "
        "night, shown_bands, passband, zero_point, zero_point_error, exposure_time_s, "
        "lends_zero_point, considered) VALUES ($1, 0, 1, $2, 5, 'R', $3, 61100.2, "
        "61099, '{GaiaSP/r}', 'GaiaSP/r', 25, 0.01, 60, true, true)",
        number,
        100 * number,
        declared,
    )
    await connection.execute(
        "INSERT INTO cpcs.target_evidence (data_product_id, plane, target_id, "
        "request_order, calibration_id, camera_id, mid_exposure_mjd, passband, "
        "owner_id, visibility, magnitude, magnitude_error) VALUES ($1, 0, 11, 1, $2, "
        "5, 61100.2, 'GaiaSP/r', 3, 'private', 16.4, 0.02)",
        number,
        100 * number,
    )


async def test_kept_evidence_comes_under_the_rules_of_0004(
    fresh_database: Callable[[str], str],
) -> None:
    url = fresh_database("cpcs")
    upgrade("bhtom_cpcs", url, "0003")
    connection = await asyncpg.connect(url)
    try:
        lent = {"source": "borrowed", "source_note": "calibration 77 of the same night"}
        await add_old(connection, 1, "GaiaSP/any")
        await add_old(connection, 2, "GaiaSP/V")
        await add_old(connection, 3, "no", flags=["colour_assumed"])
        await add_old(connection, 4, "", flags=["poor_zero_point"], **lent)
        # Its calibration was replaced by one of fewer planes.
        await add_evidence(connection, 9, "GaiaSP/any")
        upgrade("bhtom_cpcs", url, "0004")
        rows = {
            row["data_product_id"]: row
            for row in await connection.fetch("SELECT * FROM cpcs.frame_evidence")
        }
        bright = dict(
            await connection.fetch(
                "SELECT data_product_id, magnitude IS NOT NULL "
                "FROM cpcs.target_evidence"
            )
        )
        told = await connection.fetchval(
            "SELECT message || result::text || answer::text FROM cpcs.calibrations "
            "WHERE id = 400"
        )
        downgrade("bhtom_cpcs", url, "0003")
        upgrade("bhtom_cpcs", url)
        again = await connection.fetch("SELECT * FROM cpcs.frame_evidence")
    finally:
        await connection.close()
    assert sorted(rows) == [1, 2, 3, 4]
    assert {row["visibility"] for row in rows.values()} == {"private"}
    assert {(row["owner_id"], row["target_id"]) for row in rows.values()} == {(3, 11)}
    assert [len(rows[number]["shown_bands"]) for number in range(1, 5)] == [1, 0, 1, 1]
    assert [rows[number]["considered"] for number in range(1, 5)] == [
        *(True, False, True, True)
    ]
    assert bright == {1: True, 2: True, 3: True, 4: False, 9: True}
    assert "77" not in told
    assert told.count("another frame of the same night") == 3
    assert len(again) == 4
