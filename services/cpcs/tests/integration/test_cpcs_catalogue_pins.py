"""Each passband of a light curve stays with the release that it began with."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from bhtom_contracts.events.frames import CalibrationParameters
from bhtom_cpcs.cli import main
from bhtom_cpcs.decisions.tables import CATALOGUE_PINS
from bhtom_cpcs.testing import (
    BEGIN,
    CENTRE,
    Cpcs,
    answer,
    calibrated_result,
    collected,
    request_for,
    request_of,
    rows_of,
    target_snapshot,
)
from bhtom_runtime.migrations.commands import downgrade, upgrade
from bhtom_sky import Camera, Sky, make_sky, render_frame, write_catalogue

CAMERA = Camera(width_px=256, height_px=256, pixel_scale_arcsec=1.2)
NEWEST = CalibrationParameters(requested_filter="GaiaSP/any", newest_catalogue=True)
SHIFT_MAG = 0.2


@pytest.fixture(scope="module")
def sky() -> Sky:
    return make_sky(11, CENTRE, 0.08, 260, faintest=18.0)


def import_release(cpcs: Cpcs, sky: Sky, folder: Path, shift_mag: float) -> None:
    """Import the stars as a newer version, all of them this much fainter."""
    path = folder / "stars.csv"
    write_catalogue(sky, path)
    head, *rows = path.read_text().splitlines()
    names = head.split(",")

    def moved(row: str) -> Iterator[str]:
        for name, value in zip(names, row.split(","), strict=True):
            is_one = name.startswith("mag_") and value
            yield f"{float(value) + shift_mag:.5f}" if is_one else value

    path.write_text("\n".join([head, *(",".join(moved(row)) for row in rows), ""]))
    command = ["catalogue", "import", str(path), "--name", "GaiaSP", "--release", "sim"]
    done = CliRunner().invoke(
        main,
        [*command, "--footprint", f"{CENTRE[0]},{CENTRE[1]},{sky.radius_deg}"],
        env={
            "BHTOM_CATALOGUES": str(cpcs.settings.catalogue_folder),
            "DATABASE_URL": None,
        },
    )
    assert done.exit_code == 0, done.output


class Curve:
    """Frames of one target and camera, calibrated one after the other."""

    def __init__(self, cpcs: Cpcs, sky: Sky) -> None:
        self.cpcs, self.sky, self.requests = cpcs, sky, 0

    async def calibrate(
        self, product: int, band: str, **changes: Any
    ) -> dict[str, Any]:
        """Calibrate the product's frame; its event."""
        frame = render_frame(
            self.sky, CAMERA, BEGIN, 20.0, CENTRE, f"GaiaSP/{band}", seed=product
        )
        self.requests += 1
        request = request_for(
            await self.cpcs.store_frame(frame.fits_bytes),
            product,
            calibration_request_id=self.requests,
            request_order=self.requests,
            **changes,
        )
        before = len(await self.cpcs.events(product))
        await self.cpcs.deliver(request)
        event = (await self.cpcs.answered(product, before + 1))[-1]
        assert event["outcome"] == "calibrated", event["message"]
        assert event["zero_point"]["passband"] == f"GaiaSP/{band}"
        return event

    async def pins(self) -> dict[str, str]:
        """The release of each passband."""
        rows = await rows_of(
            self.cpcs, CATALOGUE_PINS, CATALOGUE_PINS.c.target_id == 11
        )
        return {row.passband: row.release for row in rows}


def numbers(event: dict[str, Any]) -> dict[str, Any]:
    """What an event says, without ids, clock times and what decided it."""
    without = {"calibration_id", "calibration_request_id", "request_order", "purpose"}
    without |= {"finished_at", "reduction_time", "decisions_version", "traceparent"}
    return {name: value for name, value in event.items() if name not in without}


async def test_a_campaign_in_one_band_moves_that_band_alone(
    working: Cpcs, sky: Sky, tmp_path: Path
) -> None:
    cpcs, curve = working, Curve(working, sky)
    await cpcs.deliver(target_snapshot())
    import_release(cpcs, sky, tmp_path, 0.0)
    first = {band: await curve.calibrate(n, band) for n, band in ((1, "r"), (2, "i"))}
    assert await curve.pins() == {"GaiaSP/r": "sim+1", "GaiaSP/i": "sim+1"}

    import_release(cpcs, sky, tmp_path, SHIFT_MAG)
    assert numbers(await curve.calibrate(1, "r")) == numbers(first["r"])
    preview = await curve.calibrate(1, "r", parameters=NEWEST, purpose="preview")
    assert preview["zero_point"]["release"] == "sim+2"
    moved = preview["zero_point"]["value"] - first["r"]["zero_point"]["value"]
    assert moved == pytest.approx(SHIFT_MAG, abs=0.01)
    # A preview decides nothing.
    assert set((await curve.pins()).values()) == {"sim+1"}
    accepted = await curve.calibrate(
        1, "r", parameters=NEWEST, repeats_request_id=curve.requests
    )
    assert numbers(accepted) == numbers(preview)
    assert await curve.pins() == {"GaiaSP/r": "sim+2", "GaiaSP/i": "sim+1"}

    # The other band stays, to the last bit, and so do its new frames.
    assert numbers(await curve.calibrate(2, "i")) == numbers(first["i"])
    new = await curve.calibrate(3, "i")
    assert new["zero_point"]["release"] == "sim+1"
    change = new["zero_point"]["value"] - first["i"]["zero_point"]["value"]
    assert abs(change) < 0.05
    again = await curve.calibrate(4, "r")
    assert again["zero_point"]["release"] == "sim+2"
    only_r = CalibrationParameters(requested_filter="GaiaSP/i")
    asked = await curve.calibrate(3, "i", parameters=only_r)
    assert asked["zero_point"]["release"] == "sim+1"
    assert await curve.pins() == {"GaiaSP/r": "sim+2", "GaiaSP/i": "sim+1"}
    url = "/api/v1/calibrations/decisions/targets/11"
    shown = (await cpcs.client.get(url, headers=cpcs.headers("owner"))).json()
    assert [(pin["passband"], pin["release"]) for pin in shown["catalogue_pins"]] == [
        ("GaiaSP/i", "sim+1"),
        ("GaiaSP/r", "sim+2"),
    ]


async def test_what_is_tried_first_is_what_the_frame_showed(cpcs: Cpcs) -> None:
    for number, band in ((810, "r"), (811, "i"), (812, "g")):
        asked = request_of(number, 81, 8101)
        release = {"catalogue_release": f"sim+{number}"}
        passband = {"passband": f"GaiaSP/{band}"}
        await answer(cpcs, asked, provenance=release, zero_point=passband)

    async def order(number: int, wanted: str = "GaiaSP/any") -> list[str | None]:
        parameters = CalibrationParameters(requested_filter=wanted)
        asked = request_of(number, 81, 8101, parameters=parameters)
        return [pin.passband for pin in (await collected(cpcs, asked)).pinned_releases]

    assert await order(819) == ["GaiaSP/g", "GaiaSP/i", "GaiaSP/r"]
    assert (await order(811))[0] == "GaiaSP/i"
    assert (await order(811, "gaiasp/r"))[0] == "GaiaSP/r"


async def test_a_passband_of_hidden_frames_is_told_nobody(cpcs: Cpcs) -> None:
    await cpcs.deliver(target_snapshot(target_id=8201, name="T8201"))
    for number, band, hidden in ((820, "r", {}), (821, "i", {"visibility": "private"})):
        asked = request_of(number, 82, 8201, **hidden)
        await answer(cpcs, asked, zero_point={"passband": f"GaiaSP/{band}"})
    url = "/api/v1/calibrations/decisions/targets/8201"
    for who, seen in (("owner", 2), ("other", 1)):
        shown = (await cpcs.client.get(url, headers=cpcs.headers(who))).json()
        assert len(shown["catalogue_pins"]) == seen


async def _add_calibrated(
    connection: asyncpg.Connection, number: int, catalogue: str, passband: str
) -> None:
    """A recorded calibration as it was kept before, and the tie of its catalogue."""
    asked = request_for("e" * 64, number)
    result = calibrated_result()
    result["zero_point"]["passband"] = passband
    result["provenance"]["catalogue_name"] = catalogue
    await connection.execute(
        "INSERT INTO cpcs.calibration_requests (id, data_product_id, request_order, "
        "purpose, owner_id, visibility, target_id, request) "
        "VALUES ($1, $1, 1, 'record', $2, 'public', 11, $3)",
        number,
        asked.owner_id,
        asked.model_dump_json(),
    )
    await connection.execute(
        "INSERT INTO cpcs.calibrations (id, calibration_request_id, plane, "
        "plane_count, outcome, message, started_at, finished_at, reduction_time_s, "
        "software_version, settings_version, result, answer_topic, answer) "
        "VALUES ($1, $1, 0, 1, 'calibrated', '', now(), now(), 1, '1', '1', $2, "
        "'photometry.calibrated', '{}')",
        number,
        json.dumps(result),
    )
    await connection.execute(
        "INSERT INTO cpcs.catalogue_pins (target_id, camera_id, catalogue, release, "
        "calibration_id) VALUES (11, 5, $1, $1 || '+1', $2) ON CONFLICT DO NOTHING",
        catalogue,
        number,
    )


async def test_what_was_tied_before_stays_tied_in_its_passbands(
    fresh_database: Callable[[str], str],
) -> None:
    url = fresh_database("cpcs")
    upgrade("bhtom_cpcs", url, "0007")
    connection = await asyncpg.connect(url)
    kept = "SELECT catalogue, passband, release FROM cpcs.catalogue_pins ORDER BY 1, 2"
    try:
        for number, catalogue, passband in (
            (1, "GaiaSP", "GaiaSP/r"),
            (2, "GaiaSP", "GaiaSP/r"),
            (3, "GaiaSP", "GaiaDR3/G"),
            (4, "PS1", "PS1/g"),
        ):
            await _add_calibrated(connection, number, catalogue, passband)
        upgrade("bhtom_cpcs", url)
        after = [tuple(row) for row in await connection.fetch(kept)]
        downgrade("bhtom_cpcs", url, "0007")
        before = await connection.fetch("SELECT catalogue FROM cpcs.catalogue_pins")
        upgrade("bhtom_cpcs", url)
        again = [tuple(row) for row in await connection.fetch(kept)]
    finally:
        await connection.close()
    assert after == [
        ("GaiaSP", "GaiaDR3/G", "GaiaSP+1"),
        ("GaiaSP", "GaiaSP/r", "GaiaSP+1"),
        ("PS1", "PS1/g", "PS1+1"),
    ]
    assert sorted(row["catalogue"] for row in before) == ["GaiaSP", "PS1"]
    assert again == after
