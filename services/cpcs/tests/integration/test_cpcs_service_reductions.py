"""Frames from the event to the answer, with the worker and its processes."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner
from sqlalchemy import select

from bhtom_contracts.events.frames import CalibrationParameters
from bhtom_cpcs.calibrations.tables import CALIBRATIONS, REQUESTS
from bhtom_cpcs.cli import main
from bhtom_cpcs.testing import CENTRE, Cpcs, request_for, target_snapshot
from bhtom_runtime.tracing import new_traceparent, trace_id_of
from bhtom_sky import Frame, Sky, make_sky, write_catalogue


def import_stars(
    cpcs: Cpcs, sky: Sky, folder: Path, name: str = "GaiaSP", disc: str | None = None
) -> str:
    """Import the sky's stars with the program; what it said."""
    path = folder / f"{name}.csv"
    write_catalogue(sky, path)
    footprint = disc or f"{CENTRE[0]},{CENTRE[1]},{sky.radius_deg}"
    command = ["catalogue", "import", str(path), "--name", name]
    done = CliRunner().invoke(
        main,
        [*command, "--release", "sim", "--footprint", footprint],
        env={
            "BHTOM_CATALOGUES": str(cpcs.settings.catalogue_folder),
            "DATABASE_URL": None,
        },
    )
    assert done.exit_code == 0, done.output
    return done.output


async def test_a_frame_is_calibrated_and_told_of_once(
    working: Cpcs, sky: Sky, frame: Frame, tmp_path: Path
) -> None:
    cpcs = working
    import_stars(cpcs, sky, tmp_path)
    await cpcs.deliver(target_snapshot())
    request = request_for(await cpcs.store_frame(frame.fits_bytes), 1)
    traceparent = new_traceparent()
    await cpcs.deliver(request, traceparent=traceparent)
    (event,) = await cpcs.answered(1)
    assert event["topic"] == "photometry.calibrated"
    assert event["outcome"] == "calibrated", event["message"]
    assert trace_id_of(event["traceparent"]) == trace_id_of(traceparent)
    (measured,) = event["measurements"]
    truth = frame.truth["variables"][0]["magnitude"]
    assert abs(measured["magnitude"] - truth) < 5 * measured["magnitude_error"]
    assert event["zero_point"]["passband"] == "GaiaSP/r"
    assert event["zero_point"]["release"] == "sim+1"
    assert len(event["zero_point"]["tiles"]) >= 1
    assert event["camera_version"] == 2
    await _plot_and_figures_are_served(cpcs, event)
    await cpcs.deliver(request)
    assert await cpcs.answered(1, 2) == [event, event]


def star_list(sky: Sky) -> bytes:
    """An instrumental catalogue of the field's middle, as CSV."""
    near = np.hypot(
        (sky.ra_deg - CENTRE[0]) * np.cos(np.radians(CENTRE[1])),
        sky.dec_deg - CENTRE[1],
    )
    rows = [
        f"{ra:.7f},{dec:.7f},{magnitude - 24.0:.4f},0.01"
        for ra, dec, magnitude, distance in zip(
            sky.ra_deg, sky.dec_deg, sky.magnitude["r"], near, strict=True
        )
        if distance < 0.04
    ]
    head = "ALPHA_J2000,DELTA_J2000,MAG_AUTO,MAGERR_AUTO"
    return "\n".join([head, *rows, ""]).encode()


async def test_an_instrumental_catalogue_is_calibrated(
    working: Cpcs, sky: Sky, tmp_path: Path
) -> None:
    cpcs = working
    import_stars(cpcs, sky, tmp_path)
    await cpcs.deliver(target_snapshot())
    request = request_for(
        await cpcs.store_frame(star_list(sky)),
        70,
        kind="photometry",
        file_name="field.csv",
        parameters=CalibrationParameters(mid_exposure_mjd=61100.25),
    )
    await cpcs.deliver(request)
    (event,) = await cpcs.answered(70)
    assert event["topic"] == "photometry.calibrated", event["message"]
    assert event["kind"] == "photometry"
    assert event["time"]["mid_exposure_mjd"] == 61100.25
    assert event["method"] == "catalogue-1"
    (measured,) = event["measurements"]
    truth = float(sky.magnitude["r"][0])
    assert abs(measured["magnitude"] - truth) < 5 * measured["magnitude_error"]
    assert measured["aperture_radius"] is None
    assert measured["error_budget"]["instrumental"] == 0.01
    listed = await cpcs.client.get(
        f"/api/v1/calibrations/{event['calibration_id']}", headers=cpcs.headers("owner")
    )
    assert listed.status_code == 200, listed.text


async def _plot_and_figures_are_served(cpcs: Cpcs, event: dict[str, Any]) -> None:
    path = f"/api/v1/calibrations/{event['calibration_id']}"
    answer = (await cpcs.client.get(path)).json()
    assert answer["fingerprint"] == event["fingerprint"]
    assert answer["result"]["zero_point"]["value"] == event["zero_point"]["value"]
    assert answer["result"]["quality"]["n_sources"] > 20
    plot = await cpcs.client.get(answer["links"]["plot"])
    assert plot.content.startswith(b"\x89PNG")
    told = await cpcs.client.get(answer["links"]["explanation"])
    assert told.json()["stars"]["passband"] == "r(GaiaSP)"
    assert len(told.json()["stars"]["residual"]) >= 20
    drawn = await cpcs.client.get(answer["links"]["details"])
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in drawn.headers["content-security-policy"]
    assert b"</svg>" in drawn.content
    as_png = await cpcs.client.get(answer["links"]["details"].replace(".svg", ".png"))
    assert as_png.content.startswith(b"\x89PNG")
    listed = (await cpcs.client.get("/api/v1/reference-catalogues")).json()["items"]
    assert [(i["name"], i["release"], i["stars"]) for i in listed] == [
        ("GaiaSP", "sim+1", 260)
    ]


async def test_it_waits_for_stars_and_goes_on_by_itself(
    working: Cpcs, sky: Sky, frame: Frame, tmp_path: Path
) -> None:
    cpcs = working
    named = CalibrationParameters(requested_filter="Later/any")
    sha256 = await cpcs.store_frame(frame.fits_bytes)
    traceparent = new_traceparent()
    await cpcs.deliver(
        request_for(sha256, 2, parameters=named), traceparent=traceparent
    )
    (waits,) = await cpcs.answered(2)
    assert waits["topic"] == "calibration.waiting"
    # Stars of another field are looked at once, and do not wake it.
    elsewhere = make_sky(3, (10.0, 10.0), 0.05, 40)
    import_stars(cpcs, elsewhere, tmp_path, "Later", "10,10,0.05")
    await cpcs.until(lambda: _was_checked(cpcs, 20, "sim+1"), "the check of sim+1")
    assert len(await cpcs.events(2)) == 1
    import_stars(cpcs, sky, tmp_path, "Later")
    events = await cpcs.answered(2, 2)
    assert [event["topic"] for event in events] == [
        "calibration.waiting",
        "photometry.calibrated",
    ]
    assert events[1]["calibration_id"] == waits["calibration_id"]
    assert events[1]["calibration_request_id"] == 20
    assert trace_id_of(events[1]["traceparent"]) == trace_id_of(traceparent)


async def _was_checked(cpcs: Cpcs, request: int, release: str) -> bool:
    statement = select(REQUESTS.c.state, REQUESTS.c.missing_tiles).where(
        REQUESTS.c.id == request
    )
    async with cpcs.context.database.read() as connection:
        row = (await connection.execute(statement)).one()
    checked: bool = row.missing_tiles["checked_release"] == release
    return checked and row.state == "waiting"


async def test_a_repeat_of_a_request_stores_the_same_rows(
    working: Cpcs, sky: Sky, frame: Frame, tmp_path: Path
) -> None:
    """All but ids and clock times, to the last bit; plots are named by their bytes."""
    cpcs = working
    import_stars(cpcs, sky, tmp_path)
    sha256 = await cpcs.store_frame(frame.fits_bytes)
    await cpcs.deliver(request_for(sha256, 60))
    await cpcs.answered(60)
    again = {"calibration_request_id": 601, "request_order": 2}
    await cpcs.deliver(request_for(sha256, 60, repeats_request_id=600, **again))
    await cpcs.answered(60, 2)
    of_a_run = {"id", "calibration_request_id"}
    of_a_run |= {"started_at", "finished_at", "reduction_time_s"}
    of_an_event = {"calibration_id", "calibration_request_id", "request_order"}
    # The repeat names the release that the first one used, as one more decision.
    of_an_event |= {"finished_at", "reduction_time", "decisions_version"}
    rows = []
    async with cpcs.context.database.read() as connection:
        for request in (600, 601):
            statement = select(CALIBRATIONS).where(
                CALIBRATIONS.c.calibration_request_id == request
            )
            row = (await connection.execute(statement)).mappings().one()
            kept = {name: row[name] for name in row.keys() - of_a_run}
            kept["answer"] = {
                name: value
                for name, value in row["answer"].items()
                if name not in of_an_event
            }
            rows.append(kept)
    assert rows[0]["outcome"] == "calibrated"
    assert rows[0]["plot_key"] is not None
    assert rows[0] == rows[1]


async def test_a_missing_file_is_a_stated_outcome(working: Cpcs) -> None:
    await working.deliver(request_for("c" * 64, 3))
    (event,) = await working.answered(3)
    assert event["topic"] == "calibration.failed"
    assert event["outcome"] == "unreadable"
    assert "upload it again" in event["message"]


async def test_what_cannot_be_reduced_is_said_at_once(
    working: Cpcs, frame: Frame
) -> None:
    nowhere = CalibrationParameters(requested_filter="../any")
    await working.deliver(request_for("d" * 64, 6, parameters=nowhere))
    (event,) = await working.answered(6)
    assert event["outcome"] == "no_reference_in_band"
    pinned = request_for(await working.store_frame(frame.fits_bytes), 7)
    position = pinned.target.position.model_copy(update={"ra": None, "dec": None})
    target = pinned.target.model_copy(update={"position": position})
    await working.deliver(pinned.model_copy(update={"target": target}))
    (event,) = await working.answered(7)
    assert event["outcome"] == "target_position_unknown"
    assert "neither coordinates nor an orbit" in event["message"]


async def test_a_frame_that_kills_its_process_ends_once_as_worker_crashed(
    working: Cpcs, frame: Frame
) -> None:
    cpcs = working
    sha256 = await cpcs.store_frame(frame.fits_bytes)
    killed = 0

    async def kill_every_child() -> None:
        nonlocal killed
        while True:
            for pid in cpcs.context.pool.pids:
                os.kill(pid, signal.SIGKILL)
                killed += 1
            await asyncio.sleep(0.01)

    killer = asyncio.create_task(kill_every_child())
    try:
        await cpcs.deliver(request_for(sha256, 4))
        (event,) = await cpcs.answered(4)
    finally:
        killer.cancel()
    assert event["topic"] == "calibration.failed"
    assert event["outcome"] == "worker_crashed"
    assert killed >= 3
    # The worker lives: the next frame is reduced.
    await cpcs.deliver(request_for(sha256, 5))
    (after,) = await cpcs.answered(5)
    assert after["outcome"] in ("calibrated", "waiting_for_catalogue")
    assert len(await cpcs.events(4)) == 1
    async with cpcs.context.database.read() as connection:
        stored = await connection.execute(
            select(CALIBRATIONS.c.outcome).where(
                CALIBRATIONS.c.calibration_request_id == 40
            )
        )
    assert stored.scalars().all() == ["worker_crashed"]
