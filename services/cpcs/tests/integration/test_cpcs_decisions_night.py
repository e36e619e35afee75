"""Decisions of a night and a field that only the file itself tells."""

from typing import Any

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
from bhtom_cpcs.decisions.second_look import Field
from bhtom_cpcs.testing import (
    BEGIN,
    CENTRE,
    Cpcs,
    answer,
    calibrated_result,
    collected,
    request_of,
    target_snapshot,
)

LONG_AGO = 57100.3


def at(mjd: float) -> dict[str, float]:
    return {"mid_exposure_mjd_utc": mjd}


def frame(*planes: dict[str, Any]) -> ReducedFrame:
    return ReducedFrame(tuple(ReducedPlane(plane) for plane in planes), "f" * 64)


async def looked_again(
    cpcs: Cpcs, asked: Any, *planes: dict[str, Any]
) -> dict[str, Any] | None:
    """What is pinned anew when a request's reduction ended so."""
    await cpcs.deliver(asked)
    pinned = PinnedDecisions(cpcs.context.database)

    async def stored() -> store.StoredRequest:
        async with cpcs.context.database.read() as connection:
            found = await store.find_request(connection, asked.calibration_request_id)
        assert found is not None
        return found

    first = await pinned.of(await stored())
    better = await pinned.after(await stored(), first, frame(*planes))
    if better is not None:
        assert (await stored()).decisions == better
        assert await pinned.after(await stored(), better, frame(*planes)) is None
    return better


async def test_an_old_frame_gets_the_colour_of_its_own_night(cpcs: Cpcs) -> None:
    tonight = 40587.0 + BEGIN.timestamp() / 86400
    await cpcs.deliver(target_snapshot(target_id=7001))
    for number, mjd, magnitude in ((700, tonight, 15.4), (702, LONG_AGO, 16.0)):
        red, blue = request_of(number, 700, 7001), request_of(number + 1, 700, 7001)
        await answer(cpcs, red, timing=at(mjd), measured={"magnitude": magnitude})
        band = {"passband": "GaiaSP/g"}
        await answer(cpcs, blue, timing=at(mjd + 0.01), zero_point=band)
    plane = calibrated_result(LONG_AGO + 0.1, target_id=7001, flags=["colour_assumed"])
    plane["zero_point"]["colour_term"] = {"blue": "GaiaSP/g", "red": "GaiaSP/r"}
    asked = request_of(709, 700, 7001)
    uploaded = await collected(cpcs, asked)
    assert len(uploaded.target_colours) == 1
    assert uploaded.colours_of(7001, LONG_AGO) == ()
    better = await looked_again(cpcs, asked, plane)
    assert better is not None
    (colour,) = decisions_of(better).colours_of(7001, LONG_AGO + 0.1)
    assert abs(colour.value_mag - 0.4) < 1e-9


async def test_a_sparse_frame_uploaded_late_borrows(cpcs: Cpcs) -> None:
    await answer(cpcs, request_of(710, 710, 7101), timing=at(LONG_AGO))
    sparse = calibrated_result(LONG_AGO + 0.1)
    sparse |= {"outcome": "too_few_matches", "zero_point": None}
    better = await looked_again(cpcs, request_of(711, 710, 7102), sparse)
    assert better is not None
    (lent,) = decisions_of(better).borrowed_zero_points
    assert lent.mid_exposure_mjd == LONG_AGO


async def test_each_passband_of_a_card_lends(cpcs: Cpcs) -> None:
    await answer(cpcs, request_of(720, 720, 7201), timing=at(LONG_AGO))
    await answer(cpcs, request_of(721, 720, 7202), timing=at(LONG_AGO + 0.1))
    other = {"passband": "GaiaSP/R"}
    await answer(
        cpcs, request_of(722, 720, 7203), timing=at(LONG_AGO + 0.2), zero_point=other
    )
    found = await collected(cpcs, request_of(729, 720, 7204), LONG_AGO + 0.21)
    assert {
        (lent.passband, lent.mid_exposure_mjd) for lent in found.borrowed_zero_points
    } == {("GaiaSP/r", LONG_AGO + 0.1), ("GaiaSP/R", LONG_AGO + 0.2)}


async def test_a_body_that_moves_is_no_leave_to_use_other_targets(cpcs: Cpcs) -> None:
    beside = (CENTRE[0] + 0.03, CENTRE[1] + 0.01)
    place = TargetPosition(ra=beside[0], dec=beside[1])
    await cpcs.deliver(target_snapshot(target_id=7301, name="X", position=place))
    asked = request_of(730, 730, 7302)
    moving = TargetPosition(kind="elements")
    target = asked.target.model_copy(update={"position": moving})
    asked = asked.model_copy(update={"target": target})
    assert (await collected(cpcs, asked)).other_targets == ()
    better = await looked_again(cpcs, asked, calibrated_result(target_id=7302))
    assert better is not None
    assert beside in decisions_of(better).other_targets


async def test_the_next_frame_of_a_mosaic_is_known_to_reach_as_far(
    cpcs: Cpcs,
) -> None:
    def chip(number: int, dec: float) -> dict[str, Any]:
        place = {"centre_ra_deg": CENTRE[0], "centre_dec_deg": dec, "radius_deg": 0.1}
        plane = calibrated_result(target_id=7401) | {"wcs": place}
        return plane | {"plane": number, "plane_count": 2}

    far = (CENTRE[0], CENTRE[1] + 1.15)
    place = TargetPosition(ra=far[0], dec=far[1])
    await cpcs.deliver(target_snapshot(target_id=7402, name="Far", position=place))
    asked = request_of(740, 740, 7401)
    chips = [chip(0, CENTRE[1]), chip(1, CENTRE[1] + 1.1)]
    await cpcs.deliver(asked)
    async with cpcs.context.database.unit_of_work() as uow:
        await service.answer(
            uow,
            asked.calibration_request_id,
            FinishedReduction(frame(*chips), (KeptFiles(),) * 2, BEGIN, BEGIN, "1"),
        )
    following = await collected(cpcs, request_of(741, 740, 7401))
    assert far in following.other_targets
    about = Field(CENTRE[0], CENTRE[1], 0.1)
    async with cpcs.context.database.read() as connection:
        near = await collect(connection, asked, None, about)
    assert far not in near.other_targets
