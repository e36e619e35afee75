"""Evidence of frames, what is decided from it, and the pinning with requests."""

import asyncio
from datetime import UTC, datetime

from sqlalchemy import func, select

from bhtom_contracts.events.frames import CalibrationParameters, FitsUploaded
from bhtom_contracts.events.targets import TargetPosition
from bhtom_cpcs.calibrations import store
from bhtom_cpcs.calibrations.pinning import PinnedDecisions
from bhtom_cpcs.calibrations.reduced import (
    ReducedFrame,
    ReducedPlane,
)
from bhtom_cpcs.decisions.pinned import decisions_of
from bhtom_cpcs.decisions.service import DECIDE, take_evidence
from bhtom_cpcs.decisions.store import FilterKey, filter_history, mark_considered
from bhtom_cpcs.decisions.tables import (
    BAND_SETTLEMENTS,
    CATALOGUE_PINS,
    FRAME_EVIDENCE,
    MEAN_POSITIONS,
    SCENES,
    TARGET_EVIDENCE,
)
from bhtom_cpcs.science.decisions import PinnedRelease
from bhtom_cpcs.science.zero_point_terms import ColourTerm
from bhtom_cpcs.testing import (
    CENTRE,
    Cpcs,
    answer,
    calibrated_result,
    collected,
    decide,
    request_of,
    rows_of,
)
from bhtom_cpcs.testing import target_snapshot as snapshot

SHA = "d" * 64
SCENE = {
    "target_id": 0,
    "version": 1,
    "radius_arcsec": 30.0,
    "source": "GaiaSP sim+1",
    "stars": [{"ra_deg": 150.001, "dec_deg": -24.0}],
}


def at(mjd: float) -> dict[str, float]:
    return {"mid_exposure_mjd_utc": mjd}


async def test_a_band_settles_after_five_frames_of_two_nights(cpcs: Cpcs) -> None:
    for night in range(5):
        asked = request_of(100 + night, 101, 1001)
        await answer(cpcs, asked, timing=at(61100.2 + night // 2 + night / 100))
        await decide(cpcs)
    decisions = await collected(cpcs, request_of(109, 101, 1001))
    band = decisions.settled_band_of("R", 61103.0)
    assert band is not None
    assert (band.passband, band.provisional) == ("GaiaSP/r", False)
    assert (band.n_frames, band.n_nights) == (5, 3)
    versions = await rows_of(
        cpcs, BAND_SETTLEMENTS, BAND_SETTLEMENTS.c.camera_id == 101
    )
    assert [(row.version, len(row.intervals)) for row in versions] == [(1, 1), (2, 1)]
    assert versions[0].intervals[0]["provisional"]
    # Another camera, and another filter that was asked for, know nothing of it.
    assert (await collected(cpcs, request_of(110, 102, 1001))).settled_bands == ()
    asked_for = CalibrationParameters(requested_filter="GaiaSP/V")
    other = request_of(111, 101, 1001, parameters=asked_for)
    assert (await collected(cpcs, other)).settled_bands == ()


async def test_a_re_calibration_replaces_its_evidence(cpcs: Cpcs) -> None:
    first = request_of(120, 121, 1201)
    newer = request_of(120, 121, 1201, calibration_request_id=1209, request_order=2)
    await answer(cpcs, first, zero_point={"value": 24.0})
    await answer(cpcs, newer, zero_point={"value": 25.0})
    (row,) = await rows_of(cpcs, FRAME_EVIDENCE, FRAME_EVIDENCE.c.camera_id == 121)
    assert (row.zero_point, row.request_order) == (25.0, 2)
    # An answer that comes again, or late, changes nothing.
    async with cpcs.context.database.unit_of_work() as uow:
        await take_evidence(uow, first, 5, calibrated_result(target_id=1201))
    (row,) = await rows_of(cpcs, FRAME_EVIDENCE, FRAME_EVIDENCE.c.camera_id == 121)
    assert row.request_order == 2
    (target,) = await rows_of(
        cpcs, TARGET_EVIDENCE, TARGET_EVIDENCE.c.target_id == 1201
    )
    assert target.request_order == 2


async def test_previews_and_dry_runs_are_no_evidence(cpcs: Cpcs) -> None:
    await answer(cpcs, request_of(130, 131, 1301, purpose="preview"))
    await answer(cpcs, request_of(131, 131, 1301, purpose="dry_run"))
    assert not await rows_of(cpcs, FRAME_EVIDENCE, FRAME_EVIDENCE.c.camera_id == 131)
    assert not await rows_of(cpcs, CATALOGUE_PINS, CATALOGUE_PINS.c.target_id == 1301)


async def test_a_mean_position_comes_of_good_frames(cpcs: Cpcs) -> None:
    for number in range(4):
        measured = {"fitted_ra_deg": CENTRE[0] + number * 1e-6}
        if number == 3:
            measured["signal_to_noise"] = 5.0
        await answer(cpcs, request_of(140 + number, 141, 1401), measured=measured)
    await decide(cpcs)
    decisions = await collected(cpcs, request_of(149, 141, 1401))
    mean = decisions.mean_position_of(1401)
    assert mean is not None
    assert mean.n_frames == 3
    assert abs(mean.ra_deg - (CENTRE[0] + 1e-6)) < 1e-9
    await decide(cpcs)
    (row,) = await rows_of(cpcs, MEAN_POSITIONS, MEAN_POSITIONS.c.target_id == 1401)
    assert row.version == 1


async def test_evidence_that_comes_while_it_is_considered_is_not_lost(
    cpcs: Cpcs,
) -> None:
    await answer(cpcs, request_of(150, 151, 1501))
    newer = request_of(150, 151, 1501, calibration_request_id=1509, request_order=2)
    key = FilterKey(151, "R", "GaiaSP/any")
    async with cpcs.context.database.unit_of_work() as uow:
        _, new = await filter_history(uow, key)
        await answer(cpcs, newer)  # another transaction, after this one has read
        await mark_considered(uow, FRAME_EVIDENCE, new)
    (row,) = await rows_of(cpcs, FRAME_EVIDENCE, FRAME_EVIDENCE.c.camera_id == 151)
    assert not row.considered
    await decide(cpcs)
    (row,) = await rows_of(cpcs, FRAME_EVIDENCE, FRAME_EVIDENCE.c.camera_id == 151)
    assert row.considered


async def test_the_first_scene_and_the_first_release_stay(cpcs: Cpcs) -> None:
    for number, radius in ((160, 30.0), (161, 40.0)):
        scene = {**SCENE, "target_id": 1601, "radius_arcsec": radius}
        await answer(
            cpcs,
            request_of(number, 161, 1601),
            measured={"proposed_scene": scene},
            provenance={"catalogue_release": f"sim+{number}"},
        )
    decisions = await collected(cpcs, request_of(169, 161, 1601))
    scene_kept = decisions.scene_of(1601)
    assert scene_kept is not None
    assert (scene_kept.version, scene_kept.radius_arcsec) == (1, 30.0)
    assert scene_kept.stars[0].ra_deg == 150.001
    (pin,) = decisions.pinned_releases
    assert pin == PinnedRelease("GaiaSP", "sim+160", "GaiaSP/r")
    newest = CalibrationParameters(newest_catalogue=True)
    asked = request_of(162, 161, 1601, parameters=newest)
    assert (await collected(cpcs, asked)).pinned_releases == ()
    await answer(cpcs, asked, provenance={"catalogue_release": "sim+162"})
    (pin,) = (await collected(cpcs, request_of(169, 161, 1601))).pinned_releases
    assert pin.release == "sim+162"
    assert len(await rows_of(cpcs, SCENES, SCENES.c.target_id == 1601)) == 1


async def test_a_zero_point_is_lent_within_the_night_by_good_frames(
    cpcs: Cpcs,
) -> None:
    await answer(cpcs, request_of(170, 171, 1701), timing=at(61100.1))
    await answer(cpcs, request_of(171, 171, 1702), timing=at(61100.3))
    poor = {"error": 0.2}
    await answer(cpcs, request_of(172, 171, 1703), timing=at(61100.31), zero_point=poor)
    decisions = await collected(cpcs, request_of(179, 171, 1704), 61100.32)
    lent = decisions.borrowed_of("R", 61100.32)
    assert lent is not None
    assert lent.mid_exposure_mjd == 61100.3
    far = await collected(cpcs, request_of(179, 171, 1704), 61101.9)
    assert far.borrowed_zero_points == ()
    # Never from itself.
    own = await collected(cpcs, request_of(171, 171, 1702))
    assert own.borrowed_zero_points[0].mid_exposure_mjd == 61100.1


async def test_other_targets_are_places_and_nothing_more(cpcs: Cpcs) -> None:
    def position(east: float) -> TargetPosition:
        return TargetPosition(ra=CENTRE[0] + east, dec=CENTRE[1])

    for number, east, changes in (
        (1901, 0.0, {}),
        (1902, 0.02, {"visibility": "private"}),
        (1903, 0.03, {"deleted_at": datetime.now(UTC)}),
        (1904, 5.0, {}),
    ):
        await cpcs.deliver(
            snapshot(
                target_id=number,
                name=f"T{number}",
                position=position(east),
                **changes,
            )
        )
    asked = request_of(190, 191, 1901)
    decisions = await collected(cpcs, asked)
    assert decisions.other_targets == ((CENTRE[0] + 0.02, CENTRE[1]),)
    pinned = PinnedDecisions(cpcs.context.database)
    await answer_after_pinning(cpcs, pinned, asked)
    headers = cpcs.headers("owner")
    url = "/api/v1/calibrations?data_product_id=190"
    (shown,) = (await cpcs.client.get(url, headers=headers)).json()["items"]
    assert "other_targets" not in shown["inputs"]["decisions"]
    assert shown["inputs"]["decisions"]["version"]
    (event,) = await cpcs.events(190)
    assert event["decisions_version"] == shown["inputs"]["decisions"]["version"]


async def answer_after_pinning(
    cpcs: Cpcs, pinned: PinnedDecisions, asked: FitsUploaded
) -> None:
    await cpcs.deliver(asked)
    await pinned.of(await stored(cpcs, asked.calibration_request_id))
    await answer(cpcs, asked)


async def stored(cpcs: Cpcs, request_id: int) -> store.StoredRequest:
    async with cpcs.context.database.read() as connection:
        found = await store.find_request(connection, request_id)
    assert found is not None
    return found


async def test_a_lender_brings_its_colour_term(cpcs: Cpcs) -> None:
    term = {
        **{"blue": "GaiaSP/g", "red": "GaiaSP/r", "pivot": 0.6, "n_stars": 80},
        **{"value": 0.11, "error": 0.01, "applied": 0.1, "lowest": 0.1, "highest": 1.4},
    }
    pinned = PinnedDecisions(cpcs.context.database)
    lender = request_of(240, 241, 2401)
    await answer(cpcs, lender, timing=at(61100.1), zero_point={"colour_term": term})
    await answer(cpcs, request_of(241, 241, 2402), timing=at(61100.3))
    asked = request_of(242, 241, 2403)
    await cpcs.deliver(asked)
    first = await pinned.of(await stored(cpcs, asked.calibration_request_id))
    frame = ReducedFrame(
        (
            ReducedPlane(
                calibrated_result(61100.12) | {"outcome": "no_reference_in_band"}
            ),
        )
    )
    request = await stored(cpcs, asked.calibration_request_id)
    values = await pinned.after(request, first, frame) or first
    (lent,) = decisions_of(values).borrowed_zero_points
    assert lent.mid_exposure_mjd == 61100.1
    assert lent.colour_term == ColourTerm(**term)


async def test_a_light_curve_of_lists_keeps_its_column(cpcs: Cpcs) -> None:
    pinned = PinnedDecisions(cpcs.context.database)

    async def column_for(number: int, target: int, camera: int = 251) -> str | None:
        asked = request_of(number, camera, target, kind="photometry")
        await cpcs.deliver(asked)
        values = await pinned.of(await stored(cpcs, asked.calibration_request_id))
        return decisions_of(values).brightness_column

    def read_in(column: str) -> dict[str, object]:
        columns = [{"column": name, "chosen": name == column} for name in ("A", "B")]
        return {"estimators": columns}

    assert await column_for(250, 2501) is None
    for number, column in ((251, "B"), (252, "A")):
        asked = request_of(number, 251, 2501, kind="photometry")
        await answer(cpcs, asked, catalogue_file=read_in(column))
    assert await column_for(253, 2501) == "B"
    assert await column_for(254, 2502) is None
    assert await column_for(255, 2501, camera=252) is None
    frame = request_of(256, 251, 2501)
    await cpcs.deliver(frame)
    values = await pinned.of(await stored(cpcs, frame.calibration_request_id))
    assert values["brightness_column"] is None


async def test_a_repeat_gets_the_decisions_of_the_first_start(cpcs: Cpcs) -> None:
    pinned = PinnedDecisions(cpcs.context.database)
    asked = request_of(200, 201, 2001)
    await cpcs.deliver(asked)
    before = await stored(cpcs, 2000)
    first = await pinned.of(before)
    await answer(cpcs, request_of(201, 201, 2001), timing=at(61100.2))
    assert (await collected(cpcs, asked, 61100.2)).borrowed_zero_points != ()
    # Two workers that start at once, and one that starts later.
    again = await asyncio.gather(pinned.of(before), pinned.of(before))
    assert [*again, await pinned.of(await stored(cpcs, 2000))] == [first] * 3
    repeats = request_of(200, 201, 2001, calibration_request_id=2009, request_order=2)
    repeats = repeats.model_copy(update={"repeats_request_id": 2000})
    await cpcs.deliver(repeats)
    assert await pinned.of(await stored(cpcs, 2009)) == first


async def test_what_a_preview_used_is_used_when_it_is_accepted(cpcs: Cpcs) -> None:
    pinned = PinnedDecisions(cpcs.context.database)
    newest = CalibrationParameters(newest_catalogue=True)
    preview = request_of(230, 231, 2301, purpose="preview", parameters=newest)
    await cpcs.deliver(preview)
    first = await pinned.of(await stored(cpcs, 2300))
    assert first["pinned_releases"] == []
    used = {"catalogue_release": "sim+7;GaiaDR3=DR3+2"}
    await answer(cpcs, preview, provenance=used)
    accepted = request_of(
        230,
        231,
        2301,
        parameters=newest,
        calibration_request_id=2309,
        request_order=2,
        repeats_request_id=2300,
    )
    await cpcs.deliver(accepted)
    again = await pinned.of(await stored(cpcs, 2309))
    (release,) = again["pinned_releases"]
    assert release == {
        "catalogue_name": "GaiaSP",
        "release": "sim+7;GaiaDR3=DR3+2",
        "passband": "GaiaSP/r",
    }
    without = {**again, "pinned_releases": [], "version": first["version"]}
    assert without == first


async def test_a_frame_without_reference_looks_again_when_its_night_is_known(
    cpcs: Cpcs,
) -> None:
    pinned = PinnedDecisions(cpcs.context.database)
    await answer(cpcs, request_of(210, 211, 2101), timing=at(59000.2))
    asked = request_of(211, 211, 2102)
    await cpcs.deliver(asked)
    first = await pinned.of(await stored(cpcs, 2110))
    assert first["borrowed_zero_points"] == []
    failed = calibrated_result(59000.3) | {"outcome": "no_reference_in_band"}
    frame = ReducedFrame((ReducedPlane(failed),))
    better = await pinned.after(await stored(cpcs, 2110), first, frame)
    assert better is not None
    assert better["borrowed_zero_points"][0]["mid_exposure_mjd"] == 59000.2
    assert (await stored(cpcs, 2110)).decisions == better
    assert await pinned.after(await stored(cpcs, 2110), better, frame) is None
    fine = ReducedFrame((ReducedPlane(calibrated_result(59000.3)),))
    assert await pinned.after(await stored(cpcs, 2110), first, fine) is None


async def test_the_deciding_job_is_asked_for_once(cpcs: Cpcs) -> None:
    await answer(cpcs, request_of(220, 221, 2201))
    await answer(cpcs, request_of(221, 221, 2201))
    jobs = cpcs.context.database.infrastructure.jobs
    async with cpcs.context.database.read() as connection:
        count = await connection.scalar(
            select(func.count()).where(jobs.c.kind == DECIDE, jobs.c.state == "ready")
        )
    assert count == 1
