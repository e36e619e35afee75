"""A scene learns a star from frames, requests are pinned to it, people drop it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from bhtom_contracts.events.frames import FitsUploaded, TargetPin
from bhtom_contracts.events.targets import TargetPosition
from bhtom_cpcs.calibrations import service, store
from bhtom_cpcs.calibrations.pinning import PinnedDecisions
from bhtom_cpcs.calibrations.reduced import (
    FinishedReduction,
    KeptFiles,
    ReducedFrame,
    ReducedPlane,
)
from bhtom_cpcs.decisions.collecting import collect
from bhtom_cpcs.decisions.pinned import decisions_of
from bhtom_cpcs.decisions.scene_tables import SCENE_EVIDENCE
from bhtom_cpcs.decisions.service import DECIDE
from bhtom_cpcs.decisions.tables import SCENES
from bhtom_cpcs.science.decisions import Scene
from bhtom_cpcs.testing import (
    CENTRE,
    Cpcs,
    calibrated_result,
    request_for,
    target_snapshot,
)
from bhtom_runtime.service import Job
from bhtom_runtime.testing import USERS

SHA = "e" * 64
PLACE = "/api/v1/calibrations/decisions/targets"
STAR = {
    "ra_deg": CENTRE[0] + 1e-3,
    "dec_deg": CENTRE[1],
    "error_arcsec": 0.03,
    "distance_arcsec": 3.3,
    "magnitude": 17.4,
    "magnitude_error": 0.02,
    "reduced_chi_square": 1.2,
}
ABOUT = {
    **{"ra_deg": CENTRE[0], "dec_deg": CENTRE[1], "error": 0.02, "systematic": 0.0},
    **{"sectors": [0.01] * 8, "said": False},
}
LISTED = {"ra_deg": CENTRE[0] + 4e-3, "dec_deg": CENTRE[1]}


def request(number: int, target: int, **changes: Any) -> FitsUploaded:
    pin = TargetPin(
        target_id=target,
        name="Star",
        position=TargetPosition(ra=CENTRE[0], dec=CENTRE[1]),
    )
    return request_for(SHA, number, target=pin, **changes)


async def answer(
    cpcs: Cpcs,
    asked: FitsUploaded,
    night: int,
    *stars: dict[str, float],
    **measured: Any,
) -> None:
    """Deliver a request and answer it: version 1 is proposed, `stars` are beside."""
    target = asked.target.target_id
    proposed = {
        "target_id": target,
        "version": 1,
        "radius_arcsec": 30.0,
        "source": "GaiaSP sim+1",
        "stars": [LISTED],
    }
    values = {
        "scene_version": 1,
        "is_resolved": True,
        "stars_beside": list(stars),
        "proposed_scene": proposed,
    }
    await cpcs.deliver(asked)
    plane = calibrated_result(61100.2 + night, target_id=target, **(values | measured))
    plane["quality"] = {"fwhm_px": 2.0}
    plane["wcs"] = {"radius_deg": 0.1, "pixel_scale_arcsec": 1.2}
    now = datetime.now(UTC)
    frame = ReducedFrame((ReducedPlane(plane),), "f" * 64, 0.5)
    async with cpcs.context.database.unit_of_work() as uow:
        await service.answer(
            uow,
            asked.calibration_request_id,
            FinishedReduction(frame, (KeptFiles(),), now, now, "1"),
        )


async def decide(cpcs: Cpcs) -> None:
    """Run the deciding job as a worker would."""
    (kind,) = [kind for kind in cpcs.parts.job_kinds if kind.name == DECIDE]
    effect = await kind.run(Job(1, DECIDE, {}, 1, 5, "", None))
    if effect is not None:
        async with cpcs.context.database.unit_of_work() as uow:
            await effect(uow)


async def scene_now(cpcs: Cpcs, target: int) -> Scene:
    async with cpcs.context.database.read() as connection:
        decisions = await collect(connection, request(9_999, target), None)
    scene = decisions.scene_of(target)
    assert scene is not None
    return scene


async def learnt(cpcs: Cpcs, target: int, first: int, **changes: Any) -> None:
    for night in range(3):
        await answer(cpcs, request(first + night, target, **changes), night, STAR)
    await decide(cpcs)


async def test_frames_that_agree_make_the_second_version(cpcs: Cpcs) -> None:
    for night in range(2):
        await answer(cpcs, request(5000 + night, 5001), night, STAR)
        await decide(cpcs)
    assert (await scene_now(cpcs, 5001)).version == 1
    await answer(cpcs, request(5002, 5001), 2, STAR)
    await decide(cpcs)
    await decide(cpcs)  # nothing is left to decide
    scene = await scene_now(cpcs, 5001)
    assert (scene.version, scene.source) == (2, "GaiaSP sim+1; 1 found in frames")
    listed, found = scene.stars
    assert (listed.ra_deg, listed.source) == (LISTED["ra_deg"], "catalogue")
    assert found.ra_deg == pytest.approx(STAR["ra_deg"], abs=1e-9)
    assert found.source == "frames"


async def test_light_that_many_frames_show_makes_a_host(cpcs: Cpcs) -> None:
    for night in range(6):
        asked = request(5800 + night, 5801)
        await answer(cpcs, asked, night, light_about=ABOUT)
    await decide(cpcs)
    scene = await scene_now(cpcs, 5801)
    assert (scene.version, scene.source) == (2, "GaiaSP sim+1; on a host")
    assert [star.kind for star in scene.stars] == ["star", "host"]
    assert scene.on_host
    await cpcs.deliver(target_snapshot(target_id=5801, owner_id=USERS["owner"]))
    headers = cpcs.headers("owner")
    shown = (await cpcs.client.get(f"{PLACE}/5801", headers=headers)).json()
    (evidence,) = shown["scene"]["learnt"]
    assert (evidence["kind"], evidence["n_frames"]) == ("host", 6)
    assert evidence["share"] == pytest.approx(0.06)
    assert shown["scene"]["stars"][1]["kind"] == "host"
    # once a host, frames of the new version add none; a person may drop it for good
    path, place = f"{PLACE}/5801/scene/rulings", ("ra_deg", "dec_deg")
    wanted = {name: evidence[name] for name in place} | {"why": "A reflection."}
    dropped = await cpcs.client.post(path, json=wanted, headers=headers)
    assert dropped.status_code == 201, dropped.text
    for night in range(6, 12):
        asked = request(5800 + night, 5801)
        await answer(cpcs, asked, night, scene_version=3, light_about=ABOUT)
    await decide(cpcs)
    scene = await scene_now(cpcs, 5801)
    assert (scene.version, scene.on_host) == (3, False)


async def test_a_frame_that_shows_a_host_is_evidence_too(cpcs: Cpcs) -> None:
    said = ABOUT | {"said": True, "sectors": [0.0] * 8}
    for night in range(3):
        asked = request(5900 + night, 5901)
        await answer(cpcs, asked, night, is_resolved=False, light_about=said)
    await decide(cpcs)
    assert (await scene_now(cpcs, 5901)).on_host


async def test_requests_are_pinned_to_the_scene_of_their_time(cpcs: Cpcs) -> None:
    pinned = PinnedDecisions(cpcs.context.database)

    async def version_of(asked: FitsUploaded) -> int:
        async with cpcs.context.database.read() as connection:
            stored = await store.find_request(connection, asked.calibration_request_id)
        assert stored is not None
        scene = decisions_of(await pinned.of(stored)).scene_of(5101)
        return 0 if scene is None else scene.version

    earlier = request(5108, 5101)
    await answer(cpcs, request(5109, 5101), 0)
    await cpcs.deliver(earlier)
    assert await version_of(earlier) == 1
    await learnt(cpcs, 5101, 5100)
    later = request(5108, 5101, calibration_request_id=51081, request_order=2)
    await cpcs.deliver(later)
    assert await version_of(later) == 2
    assert await version_of(earlier) == 1


async def test_what_later_frames_measured_with_it_changes_nothing(cpcs: Cpcs) -> None:
    await learnt(cpcs, 5201, 5200)
    # calibrated again, the frames fit the star and tell of none beside
    for night in range(3):
        again = request(
            5200 + night, 5201, calibration_request_id=52090 + night, request_order=2
        )
        await answer(cpcs, again, night, scene_version=2, limit_5sigma=17.0)
    await decide(cpcs)
    assert (await scene_now(cpcs, 5201)).version == 2
    # one of the first scene's comes late: another star must be seen with the second
    other = STAR | {"dec_deg": CENTRE[1] + 1e-3}
    for night in range(3, 6):
        await answer(cpcs, request(5200 + night, 5201), night, other)
    await decide(cpcs)
    assert (await scene_now(cpcs, 5201)).version == 2
    for night in range(6, 9):
        asked = request(5200 + night, 5201)
        await answer(cpcs, asked, night, other, scene_version=2)
    await decide(cpcs)
    scene = await scene_now(cpcs, 5201)
    assert (scene.version, len(scene.stars)) == (3, 3)


@pytest.mark.parametrize(
    ("target", "measured"),
    [
        (5301, {"is_resolved": False}),
        (5302, {"flags": ["light_beside_position"]}),
        (5303, {"limit_5sigma": None}),
        (5304, {"scene_version": 0}),
    ],
)
async def test_frames_that_are_not_good_tell_nothing(
    cpcs: Cpcs, target: int, measured: dict[str, Any]
) -> None:
    for night in range(3):
        asked = request(10 * target + night, target)
        await answer(cpcs, asked, night, STAR, **measured)
    await decide(cpcs)
    assert (await scene_now(cpcs, target)).version == 1
    async with cpcs.context.database.read() as connection:
        rows = (
            await connection.execute(
                select(SCENE_EVIDENCE).where(SCENE_EVIDENCE.c.target_id == target)
            )
        ).all()
    assert [(row.tells, row.stars, row.considered) for row in rows] == [
        (False, [], True)
    ] * 3


async def test_previews_tell_nothing(cpcs: Cpcs) -> None:
    await answer(cpcs, request(5409, 5401), 5)
    await learnt(cpcs, 5401, 5400, purpose="preview")
    assert (await scene_now(cpcs, 5401)).version == 1


async def test_an_owner_drops_a_star_and_takes_it_back(cpcs: Cpcs) -> None:
    await learnt(cpcs, 5501, 5500)
    await cpcs.deliver(target_snapshot(target_id=5501, owner_id=USERS["owner"]))
    path = f"{PLACE}/5501/scene/rulings"
    place = {"ra_deg": STAR["ra_deg"], "dec_deg": STAR["dec_deg"]}
    wanted = place | {"why": "A ghost of the bright star."}

    async def send(who: str, url: str, body: Any = None) -> Any:
        return await cpcs.client.post(url, json=body, headers=cpcs.headers(who))

    assert (await send("other", path, wanted)).status_code == 403
    assert (await send("owner", path, place)).status_code == 422
    nowhere = await send("owner", path, wanted | {"dec_deg": 10.0})
    assert (nowhere.status_code, nowhere.json()["code"]) == (409, "no_such_star")
    dropped = await send("owner", path, wanted)
    assert dropped.status_code == 201, dropped.text
    shown = dropped.json()
    assert (shown["scene"]["version"], shown["scene"]["learnt"]) == (3, [])
    second, first = shown["earlier_scenes"]
    (evidence,) = second["learnt"]
    assert (evidence["n_frames"], evidence["n_nights"]) == (3, 3)
    assert evidence["magnitudes"] == {"GaiaSP/r": 17.4}
    assert (first["version"], first["learnt"]) == (1, [])
    # the frames go on showing it, and it stays out
    for night in range(3, 7):
        asked = request(5500 + night, 5501)
        await answer(cpcs, asked, night, STAR, scene_version=3)
    await decide(cpcs)
    assert len((await scene_now(cpcs, 5501)).stars) == 1
    (ruling,) = shown["scene_rulings"]
    back_path = f"{path}/{ruling['ruling_id']}/withdraw"
    assert (await send("other", back_path)).status_code == 403
    back = (await send("owner", back_path)).json()
    assert back["scene"]["version"] == 4
    assert [star["source"] for star in back["scene"]["stars"]] == [
        "catalogue",
        "frames",
    ]
    assert back["scene"]["learnt"] == second["learnt"]
    assert (await send("owner", back_path)).status_code == 404
    assert (await send("owner", f"{PLACE}/5502/scene/rulings", wanted)).status_code == (
        404
    )


async def test_a_stranger_sees_no_ids_of_private_frames(cpcs: Cpcs) -> None:
    await learnt(cpcs, 5601, 5600, visibility="private", owner_id=USERS["other"])
    await cpcs.deliver(target_snapshot(target_id=5601, owner_id=USERS["owner"]))
    for who, count in (("owner", 0), ("other", 3)):
        answered = await cpcs.client.get(f"{PLACE}/5601", headers=cpcs.headers(who))
        (evidence,) = answered.json()["scene"]["learnt"]
        assert (evidence["n_frames"], len(evidence["found_in"])) == (3, count)


async def test_versions_are_never_rewritten(cpcs: Cpcs) -> None:
    await learnt(cpcs, 5701, 5700)
    async with cpcs.context.database.read() as connection:
        rows = (
            await connection.execute(
                select(SCENES)
                .where(SCENES.c.target_id == 5701)
                .order_by(SCENES.c.version)
            )
        ).all()
    assert [(row.version, len(row.stars), len(row.learnt)) for row in rows] == [
        (1, 1, 0),
        (2, 2, 1),
    ]
