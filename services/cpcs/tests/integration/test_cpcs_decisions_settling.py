"""When a filter card's meaning settles, changes, and is overruled."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bhtom_contracts.events.cameras import CameraChanged
from bhtom_contracts.events.frames import FitsUploaded
from bhtom_contracts.flags import PointFlag
from bhtom_cpcs.cli import main
from bhtom_cpcs.decisions.tables import BAND_SETTLEMENTS
from bhtom_cpcs.science.decisions import SettledBand
from bhtom_cpcs.testing import (
    BEGIN,
    CENTRE,
    Cpcs,
    answer,
    collected,
    decide,
    request_for,
    request_of,
    rows_of,
    target_snapshot,
)
from bhtom_runtime.testing import USERS
from bhtom_sky import Frame, Sky, write_catalogue

START = 61100.2
DECISIONS = "/api/v1/calibrations/decisions"


async def show(
    cpcs: Cpcs, camera: int, bands: Sequence[str], card: str = "R", **spacing: float
) -> None:
    """Frames of a camera one after the other, each showing a band (or `a+b`)."""
    step = spacing.get("step", 1.0)
    for number, band in enumerate(bands):
        asked = request_of(100 * camera + number, camera, camera)
        shown = [f"GaiaSP/{one}" for one in band.split("+")]
        await answer(
            cpcs,
            asked,
            timing={"mid_exposure_mjd_utc": START + step * number},
            filter={"card": card, "shown": shown},
        )
    await decide(cpcs)


async def settled(cpcs: Cpcs, camera: int) -> list[tuple[str, bool, float | None]]:
    """The bands of the camera's card: which, whether provisional, and since when."""
    found = await collected(cpcs, request_of(100 * camera + 99, camera, camera))
    return [
        (band.passband.rpartition("/")[2], band.provisional, band.valid_from_mjd)
        for band in found.settled_bands
    ]


def holding(bands: Sequence[SettledBand], mjd: float) -> SettledBand:
    (band,) = [
        one
        for one in bands
        if (one.valid_from_mjd is None or one.valid_from_mjd <= mjd)
        and (one.valid_until_mjd is None or mjd < one.valid_until_mjd)
    ]
    return band


@pytest.mark.parametrize(
    ("camera", "bands", "step", "is_settled"),
    [
        (501, ["r"] * 4, 1.0, False),  # too few
        (502, ["r"] * 9, 0.001, False),  # of one night
        (503, ["r"] * 5, 0.3, True),
        (504, ["r", "r", "i", "r", "r", "r", "r"], 1.0, False),  # never five in a row
        (505, ["r", "i", "r", "r", "r", "r", "r"], 1.0, True),
        (506, ["r+R", "R+r", "r", "r+i", "r"], 1.0, True),  # concordant in r
        (507, ["r+R", "R", "r", "R+r", "r+R"], 1.0, False),
    ],
)
async def test_five_concordant_frames_of_two_nights_settle(
    cpcs: Cpcs, camera: int, bands: list[str], step: float, is_settled: bool
) -> None:
    await show(cpcs, camera, bands, step=step)
    found = await settled(cpcs, camera)
    assert [one for one in found if not one[1]] == (
        [("r", False, START + step * (2 if camera == 505 else 0))] if is_settled else []
    )


@pytest.mark.parametrize(
    ("camera", "card"),
    [
        *((511, ""), (512, "  "), (513, "3"), (514, "Filter 2"), (515, "none")),
        *((517, "Open"), (518, "RGGB"), (519, "12.0")),
    ],
)
async def test_a_card_that_names_no_filter_never_settles(
    cpcs: Cpcs, camera: int, card: str
) -> None:
    await show(cpcs, camera, ["r"] * 12, card=card)
    assert all(provisional for _, provisional, _ in await settled(cpcs, camera))


async def test_ten_contradictions_in_a_row_open_a_new_interval(cpcs: Cpcs) -> None:
    before = ["r"] * 5
    await show(cpcs, 521, before + ["i"] * 9 + ["r"] + ["i"] * 9)
    (only,) = await settled(cpcs, 521)
    assert only == ("r", False, START)
    await show(cpcs, 522, before + ["i"] * 10)
    found = await collected(cpcs, request_of(52299, 522, 522))
    first, second = found.settled_bands
    # The first interval ends where the second begins, at the first contradiction.
    assert (first.valid_from_mjd, first.valid_until_mjd) == (START, START + 5)
    assert (second.valid_from_mjd, second.valid_until_mjd) == (START + 5, None)
    assert holding(found.settled_bands, START + 4.9).passband == "GaiaSP/r"
    assert holding(found.settled_bands, START + 5).passband == "GaiaSP/i"
    assert (second.n_frames, second.n_nights, second.provisional) == (10, 10, False)


async def test_a_new_interval_is_a_proposal_until_it_settles(cpcs: Cpcs) -> None:
    """Ten contradictions that do not agree among themselves settle nothing."""
    await show(cpcs, 531, ["r"] * 5 + ["i", "z"] * 5)
    (first, *rest) = await settled(cpcs, 531)
    assert first == ("r", False, START)
    assert all(provisional for _, provisional, _ in rest)
    versions = await rows_of(
        cpcs, BAND_SETTLEMENTS, BAND_SETTLEMENTS.c.camera_id == 531
    )
    assert versions[-1].intervals[0]["valid_until_mjd"] == START + 5


async def test_what_came_before_it_settled_is_provisional(cpcs: Cpcs) -> None:
    await show(cpcs, 541, ["i", "i"] + ["r"] * 5)
    assert await settled(cpcs, 541) == [("i", True, None), ("r", False, START + 2)]


async def add_camera(cpcs: Cpcs, asked: FitsUploaded) -> None:
    await cpcs.deliver(
        CameraChanged(
            aggregate_version=1,
            camera=asked.camera,
            observatory_id=1,
            camera_name="CCD",
            owner_id=USERS["owner"],
            approval="approved",
            active=True,
            created_at=BEGIN,
            modified_at=BEGIN,
        )
    )


async def test_a_forced_band_is_honoured_and_flagged_when_the_stars_disagree(
    working: Cpcs, sky: Sky, frame: Frame, tmp_path: Path
) -> None:
    cpcs = working
    stars = tmp_path / "stars.csv"
    write_catalogue(sky, stars)
    command = ["catalogue", "import", str(stars), "--name", "GaiaSP", "--release", "s"]
    place = f"{CENTRE[0]},{CENTRE[1]},{sky.radius_deg}"
    folder = {"BHTOM_CATALOGUES": str(cpcs.settings.catalogue_folder)}
    done = CliRunner().invoke(
        main, [*command, "--footprint", place], env={**folder, "DATABASE_URL": None}
    )
    assert done.exit_code == 0, done.output
    sha256 = await cpcs.store_frame(frame.fits_bytes)
    await cpcs.deliver(target_snapshot())
    base = request_for(sha256, 55_000)
    asked = base.model_copy(
        update={"camera": base.camera.model_copy(update={"camera_id": 551})}
    )
    await add_camera(cpcs, asked)

    async def flags(number: int) -> tuple[str, PointFlag]:
        one: dict[str, Any] = {
            "data_product_id": number,
            "calibration_request_id": 10 * number,
        }
        await cpcs.deliver(asked.model_copy(update=one))
        (event,) = await cpcs.answered(number)
        assert event["outcome"] == "calibrated", event["message"]
        (measured,) = event["measurements"]
        return event["zero_point"]["passband"], PointFlag(measured["flags"])

    band, word = await flags(55_001)
    assert band == "GaiaSP/r"
    assert PointFlag.PASSBAND_PROVISIONAL in word
    assert PointFlag.FILTER_DISAGREES not in word

    async def force(passband: str) -> None:
        ruling = {"filter_card": "r", "kind": "force", "passband": passband}
        answered = await cpcs.client.post(
            f"{DECISIONS}/cameras/551/rulings",
            json={**ruling, "why": "It says so on the wheel."},
            headers=cpcs.headers("owner"),
        )
        assert answered.status_code == 201, answered.text

    await force("GaiaSP/r")
    band, word = await flags(55_002)
    assert band == "GaiaSP/r"
    assert not word & (PointFlag.PASSBAND_PROVISIONAL | PointFlag.FILTER_DISAGREES)
    await force("GaiaSP/V")
    band, word = await flags(55_003)
    assert band == "GaiaSP/V"
    assert PointFlag.FILTER_DISAGREES in word
    assert PointFlag.PASSBAND_PROVISIONAL not in word
