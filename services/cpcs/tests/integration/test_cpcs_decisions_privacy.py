"""A private frame helps its owner, counts for all, and is told of to nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bhtom_contracts.events.cameras import CameraChanged
from bhtom_contracts.events.frames import CalibrationParameters
from bhtom_cpcs.calibrations import store
from bhtom_cpcs.decisions.pinned import decisions_of, plain_decisions
from bhtom_cpcs.decisions.tables import BAND_SETTLEMENTS, FRAME_EVIDENCE, MEAN_POSITIONS
from bhtom_cpcs.testing import (
    BEGIN,
    Cpcs,
    answer,
    collected,
    decide,
    product_snapshot,
    request_of,
    rows_of,
    target_snapshot,
)
from bhtom_runtime.testing import USERS

NIGHT = 61100.123456
STRANGERS = USERS["other"]
DECISIONS = "/api/v1/calibrations/decisions"
PRIVATE = {"visibility": "private"}


def at(mjd: float, **more: Any) -> dict[str, Any]:
    return {"mid_exposure_mjd_utc": mjd, **more}


async def open_target(cpcs: Cpcs, target_id: int, **changes: Any) -> None:
    await cpcs.deliver(target_snapshot(target_id=target_id, **changes))


async def add_camera(cpcs: Cpcs, camera_id: int) -> None:
    await cpcs.deliver(
        CameraChanged(
            aggregate_version=1,
            camera=request_of(1, camera_id, 1).camera,
            observatory_id=1,
            camera_name="CCD",
            owner_id=USERS["admin"],
            approval="approved",
            active=True,
            created_at=BEGIN,
            modified_at=BEGIN,
        )
    )


async def get(cpcs: Cpcs, path: str, who: str | None) -> Any:
    headers = cpcs.headers(who) if who else {}
    response = await cpcs.client.get(path, headers=headers)
    assert response.status_code == 200, response.text
    return response


async def ids_of(cpcs: Cpcs, camera_id: int) -> list[int]:
    rows = await rows_of(cpcs, FRAME_EVIDENCE, FRAME_EVIDENCE.c.camera_id == camera_id)
    return [row.calibration_id for row in rows]


async def test_a_private_frame_lends_to_its_owner_alone(cpcs: Cpcs) -> None:
    await open_target(cpcs, 4001)
    await answer(cpcs, request_of(400, 401, 4001, **PRIVATE), timing=at(NIGHT))
    own = await collected(cpcs, request_of(401, 401, 4001), NIGHT)
    assert len(own.borrowed_zero_points) == 1
    theirs = request_of(402, 401, 4001, owner_id=STRANGERS)
    assert (await collected(cpcs, theirs, NIGHT)).borrowed_zero_points == ()
    # An open one lends to everybody, as long as its target is open too.
    await answer(cpcs, request_of(403, 401, 4001), timing=at(NIGHT + 0.01))
    (lent,) = (await collected(cpcs, theirs, NIGHT)).borrowed_zero_points
    assert lent.mid_exposure_mjd == NIGHT + 0.01
    await open_target(cpcs, 4001, aggregate_version=2, **PRIVATE)
    assert (await collected(cpcs, theirs, NIGHT)).borrowed_zero_points == ()


async def test_an_embargo_closes_a_frame_as_long_as_it_runs(cpcs: Cpcs) -> None:
    await open_target(cpcs, 4051)
    for number, days in ((405, 1), (406, -1)):
        until = datetime.now(UTC) + timedelta(days=days)
        asked = request_of(number, 405, 4051, embargo_until=until)
        await answer(cpcs, asked, timing=at(NIGHT + number / 1e5))
    theirs = request_of(407, 405, 4051, owner_id=STRANGERS)
    (lent,) = (await collected(cpcs, theirs, NIGHT)).borrowed_zero_points
    assert lent.mid_exposure_mjd == NIGHT + 406 / 1e5


async def test_what_upload_says_later_counts(cpcs: Cpcs) -> None:
    await open_target(cpcs, 4101)
    lender = request_of(410, 411, 4101)
    theirs = request_of(411, 411, 4101, owner_id=STRANGERS)
    await answer(cpcs, lender, timing=at(NIGHT))
    url = "/api/v1/calibrations?data_product_id=410"

    async def seen() -> tuple[int, int]:
        lent = (await collected(cpcs, theirs, NIGHT)).borrowed_zero_points
        shown = (await get(cpcs, url, "other")).json()["items"]
        return len(lent), len(shown)

    assert await seen() == (1, 1)
    await cpcs.deliver(product_snapshot(lender, aggregate_version=3, **PRIVATE))
    assert await seen() == (0, 0)
    # An older word that comes late changes nothing.
    await cpcs.deliver(product_snapshot(lender, aggregate_version=2))
    assert await seen() == (0, 0)
    await cpcs.deliver(product_snapshot(lender, aggregate_version=4))
    assert await seen() == (1, 1)
    gone = {"deleted_at": BEGIN, "state": "deleted"}
    await cpcs.deliver(product_snapshot(lender, aggregate_version=5, **gone))
    assert await seen() == (0, 0)
    own = request_of(412, 411, 4101)
    assert (await collected(cpcs, own, NIGHT)).borrowed_zero_points == ()


async def test_a_borrowed_zero_point_does_not_name_a_private_lender(
    cpcs: Cpcs,
) -> None:
    await open_target(cpcs, 4201)
    lender = request_of(420, 421, 4201, **PRIVATE)
    await answer(cpcs, lender, timing=at(NIGHT, air_mass=1.7))
    (lender_id,) = await ids_of(cpcs, 421)
    asked = request_of(421, 421, 4201)
    await cpcs.deliver(asked)
    async with cpcs.context.database.unit_of_work() as uow:
        pinned = plain_decisions(await collected(cpcs, asked, NIGHT + 0.1))
        await store.pin_decisions(uow, asked.calibration_request_id, pinned)
    assert pinned["borrowed_zero_points"][0]["calibration_id"] == lender_id
    await answer(cpcs, asked, timing=at(NIGHT + 0.1))
    url = "/api/v1/calibrations?data_product_id=421"

    async def lent_to(who: str | None) -> dict[str, Any]:
        response = await get(cpcs, url, who)
        one = response.json()["items"][0]
        whole = await get(cpcs, f"{url.split('?')[0]}/{one['calibration_id']}", who)
        (lent,) = one["inputs"]["decisions"]["borrowed_zero_points"]
        assert lent == whole.json()["inputs"]["decisions"]["borrowed_zero_points"][0]
        if who in (None, "other"):
            for text in (response.text, whole.text):
                assert str(NIGHT) not in text
                assert '"air_mass":1.7' not in text
        return dict(lent)

    for stranger in (None, "other"):
        lent = await lent_to(stranger)
        assert lent == {"filter_card": "R", "passband": "GaiaSP/r", "error": 0.01}
    assert (await lent_to("owner"))["calibration_id"] == lender_id
    assert (await lent_to("admin"))["mid_exposure_mjd"] == NIGHT
    # Opened later, its name may be told.
    await cpcs.deliver(product_snapshot(lender, visibility="public"))
    assert (await lent_to("owner"))["calibration_id"] == lender_id


async def test_evidence_counts_for_all_and_is_shown_to_those_who_may_see_it(
    cpcs: Cpcs,
) -> None:
    await open_target(cpcs, 4301)
    await add_camera(cpcs, 431)
    for number in range(6):
        hidden = {} if number in (2, 3) else PRIVATE
        asked = request_of(430 + number, 431, 4301, **hidden)
        await answer(cpcs, asked, timing=at(NIGHT + number))
    await decide(cpcs)
    known = await ids_of(cpcs, 431)
    path = f"{DECISIONS}/cameras/431"
    mine = (await get(cpcs, path, "owner")).json()["filters"][0]["bands"][0]
    assert (mine["agreeing"], mine["withheld"]) == (known, [])
    assert mine["valid_from_mjd"] == NIGHT
    for stranger in (None, "other"):
        response = await get(cpcs, path, stranger)
        band = response.json()["filters"][0]["bands"][0]
        assert (band["n_frames"], band["n_nights"]) == (6, 6)
        assert not band["provisional"]
        assert band["agreeing"] == [known[2], known[3]]
        assert (band["withheld"], band["valid_from_mjd"]) == (["valid_from_mjd"], None)
        assert str(NIGHT) not in response.text


async def test_a_settlement_of_private_frames_tells_no_times(cpcs: Cpcs) -> None:
    await open_target(cpcs, 4351)
    await add_camera(cpcs, 435)
    shown = {"shown": ["GaiaSP/i"]}
    for number in range(3):
        asked = request_of(4350 + number, 435, 4351, **PRIVATE)
        await answer(cpcs, asked, timing=at(NIGHT + number))
    for number in range(3, 8):
        asked = request_of(4350 + number, 435, 4351, **PRIVATE)
        await answer(cpcs, asked, timing=at(NIGHT + number), filter=shown)
    await decide(cpcs)
    path = f"{DECISIONS}/cameras/435"
    settle = {"filter_card": "R", "kind": "settle", "why": "As the stars say."}
    ruled = await cpcs.client.post(
        f"{path}/rulings",
        json={**settle, "passband": "GaiaSP/r"},
        headers=cpcs.headers("admin"),
    )
    assert ruled.status_code == 201, ruled.text
    times = [str(NIGHT + number) for number in range(8)]
    admins = (await get(cpcs, path, "admin")).text
    assert any(time in admins for time in times)
    for stranger in (None, "other"):
        response = await get(cpcs, path, stranger)
        assert not any(time in response.text for time in times)
        bands = response.json()["filters"][0]["bands"]
        assert [band["n_frames"] for band in bands] == [0, 3, 5]
        assert bands[1]["withheld"] == ["valid_until_mjd"]
        assert response.json()["rulings"][0]["withheld"] == ["valid_until_mjd"]
    # Nor does what a request of another group was tied to.
    theirs = request_of(4359, 435, 4351, owner_id=STRANGERS)
    await cpcs.deliver(theirs)
    async with cpcs.context.database.unit_of_work() as uow:
        pinned = plain_decisions(await collected(cpcs, theirs, NIGHT))
        await store.pin_decisions(uow, theirs.calibration_request_id, pinned)
    assert pinned["settled_bands"]
    await answer(cpcs, theirs, timing=at(NIGHT + 50.5))
    response = await get(cpcs, "/api/v1/calibrations?data_product_id=4359", "other")
    assert response.json()["items"][0]["inputs"]["decisions"]["settled_bands"]
    assert not any(time in response.text for time in times)


async def test_what_a_deleted_upload_told_no_longer_counts(cpcs: Cpcs) -> None:
    await open_target(cpcs, 4401)
    asked = [request_of(440 + number, 441, 4401) for number in range(5)]
    for number, one in enumerate(asked):
        await answer(cpcs, one, timing=at(NIGHT + number))
    await decide(cpcs)
    before = await collected(cpcs, request_of(449, 441, 4401), NIGHT)
    band, mean = before.settled_bands[0], before.mean_position_of(4401)
    assert mean is not None
    assert (band.provisional, mean.n_frames) == (False, 5)
    gone = {"deleted_at": BEGIN, "state": "deleted", "aggregate_version": 2}
    await cpcs.deliver(product_snapshot(asked[4], **gone))
    await decide(cpcs)
    after = await collected(cpcs, request_of(449, 441, 4401), NIGHT)
    moved = after.mean_position_of(4401)
    assert moved is not None
    assert (after.settled_bands[0].provisional, moved.n_frames) == (True, 4)
    assert (after.settled_bands[0].n_frames, moved.version) == (4, 2)
    for one in asked[:4]:
        await cpcs.deliver(product_snapshot(one, **gone))
    await decide(cpcs)
    nothing = await collected(cpcs, request_of(449, 441, 4401), NIGHT)
    assert nothing.settled_bands == ()
    assert nothing.mean_position_of(4401) is None
    assert nothing.borrowed_zero_points == ()
    # What comes back counts again, under a number of its own.
    for one in asked:
        back = product_snapshot(one, aggregate_version=3)
        await cpcs.deliver(back)
    await decide(cpcs)
    again = await collected(cpcs, request_of(449, 441, 4401), NIGHT)
    found = again.mean_position_of(4401)
    assert found is not None
    assert (found.n_frames, found.version) == (5, 3)
    assert not again.settled_bands[0].provisional
    versions = await rows_of(
        cpcs, BAND_SETTLEMENTS, BAND_SETTLEMENTS.c.camera_id == 441
    )
    assert [row.version for row in versions] == [1, 2, 3, 4]
    means = await rows_of(cpcs, MEAN_POSITIONS, MEAN_POSITIONS.c.target_id == 4401)
    assert [row.withdrawn_at is None for row in means] == [False, False, True]


async def test_pinned_decisions_outlive_what_they_came_from(cpcs: Cpcs) -> None:
    await open_target(cpcs, 4451)
    lender, asked = request_of(445, 445, 4451), request_of(446, 445, 4451)
    await answer(cpcs, lender, timing=at(NIGHT))
    await cpcs.deliver(asked)
    async with cpcs.context.database.unit_of_work() as uow:
        pinned = plain_decisions(await collected(cpcs, asked, NIGHT))
        await store.pin_decisions(uow, asked.calibration_request_id, pinned)
    gone = {"deleted_at": BEGIN, "state": "deleted", "aggregate_version": 2}
    await cpcs.deliver(product_snapshot(lender, **gone))
    async with cpcs.context.database.read() as connection:
        kept = await store.find_request(connection, asked.calibration_request_id)
    assert kept is not None
    assert kept.decisions is not None
    assert decisions_of(kept.decisions) == decisions_of(pinned)


async def test_a_target_names_no_calibrations_that_a_reader_may_not_see(
    cpcs: Cpcs,
) -> None:
    await open_target(cpcs, 4501)
    scene = {
        "target_id": 4501,
        "version": 1,
        "radius_arcsec": 30.0,
        "source": "GaiaSP sim+1",
        "stars": [],
    }
    for number in range(3):
        asked = request_of(450 + number, 451, 4501, **PRIVATE)
        measured = {"proposed_scene": scene}
        await answer(cpcs, asked, timing=at(NIGHT + number), measured=measured)
    await decide(cpcs)
    path = f"{DECISIONS}/targets/4501"
    mine = (await get(cpcs, path, "owner")).json()
    assert mine["scene"]["calibration_id"] in await ids_of(cpcs, 451)
    assert mine["catalogue_pins"][0]["camera_id"] == 451
    for stranger in (None, "other"):
        theirs = (await get(cpcs, path, stranger)).json()
        assert theirs["scene"]["calibration_id"] is None
        assert theirs["catalogue_pins"] == []
        assert theirs["mean_position"]["n_frames"] == 3


async def test_a_colour_is_made_of_magnitudes_that_nothing_speaks_against(
    cpcs: Cpcs,
) -> None:
    await open_target(cpcs, 4601)

    async def colours_with(number: int, **parts: Any) -> int:
        red, blue = (
            request_of(number, number, 4601),
            request_of(number + 1, number, 4601),
        )
        night = NIGHT + number
        await answer(cpcs, red, timing=at(night))
        band = {"passband": "GaiaSP/g", **parts.pop("zero_point", {})}
        await answer(cpcs, blue, timing=at(night), zero_point=band, **parts)
        asked = request_of(number + 2, number, 4601)
        return len((await collected(cpcs, asked, night)).colours_of(4601, night))

    assert await colours_with(460) == 1
    for number, word in (
        (463, "poor_zero_point"),
        (466, "passband_provisional"),
        (469, "filter_disagrees"),
        (472, "unverified_reference"),
        (475, "borrowed_zero_point"),
        (478, "non_standard_passband"),
    ):
        assert await colours_with(number, zero_point={"flags": [word]}) == 0
        flags = {"flags": [word]}
        assert await colours_with(number + 30, measured=flags) == 0


async def test_a_band_that_was_asked_for_is_no_word_of_the_stars(cpcs: Cpcs) -> None:
    await open_target(cpcs, 4701)
    await add_camera(cpcs, 471)
    forced = CalibrationParameters(requested_filter="GaiaSP/V")
    for number in range(6):
        asked = request_of(4700 + number, 471, 4701, parameters=forced)
        await answer(
            cpcs,
            asked,
            timing=at(NIGHT + number),
            filter={"shown": ["GaiaSP/V"]},
            zero_point={"passband": "GaiaSP/V"},
        )
    await decide(cpcs)
    shown = (await get(cpcs, f"{DECISIONS}/cameras/471", "owner")).json()
    (found,) = shown["filters"]
    assert (found["bands"], found["n_asked_in_one_band"]) == ([], 6)
    same = request_of(4707, 471, 4701, parameters=forced)
    assert (await collected(cpcs, same, NIGHT)).settled_bands == ()
    # Its zero point serves the same wish, and no other.
    assert len((await collected(cpcs, same, NIGHT)).borrowed_zero_points) == 1
    other = request_of(4708, 471, 4701)
    assert (await collected(cpcs, other, NIGHT)).borrowed_zero_points == ()
