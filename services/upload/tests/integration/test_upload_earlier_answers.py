"""Answers from before measurements were kept: noted by a migration, asked for again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import delete, insert, select, update

from bhtom_contracts.events.calibrations import (
    FrameQuality,
    FrameTime,
    Measurement,
    PhotometryCalibrated,
    ZeroPoint,
)
from bhtom_contracts.events.frames import FitsUploaded
from bhtom_contracts.outcomes import Outcome
from bhtom_runtime.migrations.commands import upgrade
from bhtom_upload.recalibrations.earlier_answers import BATCH, KIND
from bhtom_upload.recalibrations.tables import missing_measurements, plane_measurements
from bhtom_upload.testing import UploadApp, frame, new_id

SHA = "a" * 64


def answer_to(asked: FitsUploaded, *targets: int) -> PhotometryCalibrated:
    """What cpcs has stored, and sends whenever the request comes again."""
    return PhotometryCalibrated(
        data_product_id=asked.data_product_id,
        calibration_id=asked.calibration_request_id,
        calibration_request_id=asked.calibration_request_id,
        request_order=asked.request_order,
        purpose=asked.purpose,
        outcome=Outcome.CALIBRATED,
        message="Calibrated.",
        finished_at=datetime(2026, 11, 1, tzinfo=UTC),
        kind="fits_file",
        owner_id=asked.owner_id,
        camera_id=asked.camera.camera_id,
        camera_version=1,
        facility=asked.camera.oname,
        fingerprint=SHA,
        time=FrameTime(
            mid_exposure_mjd=61000.5,
            bjd_tdb=61000.5,
            exposure_time=60.0,
            time_as_reported="",
        ),
        quality=FrameQuality(),
        zero_point=ZeroPoint(
            passband="GaiaSP/r",
            value=25.0,
            error=0.01,
            scatter=0.02,
            matched_stars=100,
            used_stars=90,
            outlier_fraction=0.1,
            matching_radius=2.0,
            catalogue="GaiaSP",
            release="sim+1",
        ),
        method="aperture-1",
        software_version="0.1",
        settings_version="1",
        measurements=tuple(
            Measurement(
                target_id=number,
                ra=65.0,
                dec=-54.9,
                x=10.0,
                y=10.0,
                flux=1000.0,
                flux_error=10.0,
                signal_to_noise=100.0,
                aperture_radius=5.0,
                magnitude=15.0,
                magnitude_error=0.02,
                is_limit=False,
            )
            for number in targets
        ),
    )


async def calibrated(app: UploadApp) -> FitsUploaded:
    """A product that was calibrated, with what it measured forgotten and noted."""
    owner = await app.add_user()
    target, camera = await app.add_target(), await app.add_camera()
    put = await app.put(
        owner, frame(seed=new_id()), target=target.name, camera=camera.camera.oname
    )
    number = put.json()["data_product_id"]
    (asked,) = await app.events(number, "fits.uploaded")
    await app.handle(answer_to(asked, target.target_id))
    async with app.context.database.unit_of_work() as unit:
        await unit.execute(
            delete(plane_measurements).where(
                plane_measurements.c.data_product_id == number
            )
        )
        await unit.execute(
            insert(missing_measurements).values(data_product_id=number, request_order=1)
        )
    assert isinstance(asked, FitsUploaded)
    return asked


async def listed(app: UploadApp) -> dict[int, int]:
    """What is still missing, and how often it was asked for."""
    async with app.context.database.read() as connection:
        rows = await connection.execute(select(missing_measurements))
        return {row.data_product_id: row.times_asked for row in rows}


async def hours_pass(app: UploadApp) -> None:
    listed_at = missing_measurements.c.asked_at
    async with app.context.database.unit_of_work() as unit:
        await unit.execute(
            update(missing_measurements).values(asked_at=listed_at - timedelta(hours=2))
        )


async def test_what_is_missing_is_asked_for_until_it_comes(app: UploadApp) -> None:
    asked = await calibrated(app)
    number = asked.data_product_id
    await app.run_job(KIND)
    await app.run_job(KIND)  # in the same hour nothing more is asked
    first, again = await app.events(number, "fits.uploaded")
    assert again == first
    assert await listed(app) == {number: 1}
    changed = len(await app.events(number, "data_product.changed"))
    await app.handle(answer_to(again, asked.target.target_id))
    await app.run_job(KIND)
    assert await listed(app) == {}
    async with app.context.database.read() as connection:
        rows = await connection.execute(
            select(plane_measurements).where(
                plane_measurements.c.data_product_id == number
            )
        )
        (line,) = rows.all()
    assert (line.magnitude, line.passband, line.request_order) == (15.0, "GaiaSP/r", 1)
    # The product itself, whose answer was known, has not moved.
    assert len(await app.events(number, "data_product.changed")) == changed


async def test_nobody_is_asked_for_ever(app: UploadApp) -> None:
    asked = await calibrated(app)
    for times in (1, 2, 3):
        await app.run_job(KIND)
        assert await listed(app) == {asked.data_product_id: times}
        await hours_pass(app)
    await app.run_job(KIND)
    assert await listed(app) == {}
    assert len(await app.events(asked.data_product_id, "fits.uploaded")) == 4


async def test_the_list_is_worked_off_in_batches(app: UploadApp) -> None:
    many = [(await calibrated(app)).data_product_id for _ in range(BATCH + 3)]
    await app.run_job(KIND)
    assert sum((await listed(app)).values()) == BATCH
    await app.run_job(KIND)
    assert set((await listed(app)).items()) == {(number, 1) for number in many}
    async with app.context.database.unit_of_work() as unit:
        await unit.execute(delete(missing_measurements))


async def add_old(
    connection: asyncpg.Connection,
    number: int,
    *orders: tuple[int, str],
    state: str = "done",
) -> None:
    """A product as revision 0003 found it, with the answers to its requests."""
    await connection.execute(
        "INSERT INTO upload.data_products (data_product_id, owner_id, owner, sha256, "
        "target_id, target_name, camera_id, dry_run, state, message, file_name, "
        "requested_filter) OVERRIDING SYSTEM VALUE "
        "VALUES ($1, 1, 'ada', $2, $1, 'T', 1, false, $3, '', 'a.fits', '')",
        number,
        SHA,
        state,
    )
    for order, answer in orders:
        await connection.execute(
            "INSERT INTO upload.calibration_requests (data_product_id, request_order, "
            "purpose, parameters, observers, target, camera) "
            "VALUES ($1, $2, 'record', '{}', '{}', '{}', '{}')",
            number,
            order,
        )
        await connection.execute(
            "INSERT INTO upload.planes (data_product_id, request_order, plane, "
            "plane_count, state, answer, finished_at) "
            "VALUES ($1, $2, 0, 1, $3, $3, now())",
            number,
            order,
            answer,
        )


async def test_the_migration_notes_what_is_missing(
    fresh_database: Callable[[str], str],
) -> None:
    url = fresh_database("upload")
    upgrade("bhtom_upload", url, "0003")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO upload.files (sha256, size_bytes, object_key, packing) "
            "VALUES ($1, 1, 'k', 'plain')",
            SHA,
        )
        await add_old(connection, 1, (1, "calibrated"), (2, "calibrated"))
        await add_old(connection, 2, (1, "calibrated"), (2, "failed"))
        await add_old(connection, 3, (1, "failed"))
        await add_old(connection, 4, (1, "calibrated"), state="deleted")
        await add_old(connection, 5, (1, "calibrated"))
        await connection.execute(
            "INSERT INTO upload.plane_measurements (data_product_id, request_order, "
            "plane, target_id, purpose, mid_exposure_mjd, passband, catalogue, "
            "release, method, software_version, settings_version, is_limit, flags, "
            "finished_at) VALUES (5, 1, 0, 5, 'record', 1, '', '', '', '', '', '', "
            "false, 0, now())"
        )
        upgrade("bhtom_upload", url)
        rows: list[Any] = await connection.fetch(
            "SELECT data_product_id, request_order FROM upload.missing_measurements "
            "ORDER BY 1"
        )
    finally:
        await connection.close()
    assert [tuple(row) for row in rows] == [(1, 2), (2, 1)]
