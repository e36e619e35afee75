"""What the handler of `fits.uploaded` records, without any worker."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, update

from bhtom_contracts.outcomes import Outcome
from bhtom_cpcs.calibrations import service
from bhtom_cpcs.calibrations.reduced import (
    FinishedReduction,
    KeptFiles,
    ReducedFrame,
    ReducedPlane,
    stated_plane,
)
from bhtom_cpcs.calibrations.tables import CALIBRATIONS, REQUESTS
from bhtom_cpcs.testing import Cpcs, request_for
from bhtom_runtime.service import Job
from bhtom_runtime.tracing import new_traceparent, trace_id_of

SHA = "a" * 64
TICK = Job(1, "redrive", {}, 1, 5, "", None)
MISSING = {"catalogue_name": "GaiaSP", "healpix_order": 12, "pixels": [5, 7]}


async def jobs(cpcs: Cpcs, number: int) -> list[Any]:
    table = cpcs.context.database.infrastructure.jobs
    statement = (
        select(table)
        .where(table.c.kind == service.REDUCE_FRAME)
        .where(table.c.dedupe_key == str(number))
        .order_by(table.c.id)
    )
    async with cpcs.context.database.read() as connection:
        return list((await connection.execute(statement)).all())


async def state(cpcs: Cpcs, number: int) -> str:
    statement = select(REQUESTS.c.state).where(REQUESTS.c.id == number)
    async with cpcs.context.database.read() as connection:
        return str(await connection.scalar(statement))


def finished(*planes: ReducedPlane) -> FinishedReduction:
    now = datetime.now(UTC)
    return FinishedReduction(
        ReducedFrame(planes, "f" * 64, 0.5), (KeptFiles(),) * len(planes), now, now, "1"
    )


def waiting_plane(plane: int = 0, count: int = 1) -> ReducedPlane:
    stated = stated_plane(Outcome.WAITING_FOR_CATALOGUE, "No stars.", plane, count)
    extra = {"missing_tiles": MISSING, "provenance": {"catalogue_release": "none"}}
    return ReducedPlane({**stated.result, **extra})


async def answer(cpcs: Cpcs, number: int, *planes: ReducedPlane) -> None:
    async with cpcs.context.database.unit_of_work() as uow:
        await service.answer(uow, number, finished(*planes))


async def test_a_request_is_kept_whole_with_its_job(cpcs: Cpcs) -> None:
    request = request_for(SHA, 1)
    traceparent = new_traceparent()
    await cpcs.deliver(request, traceparent=traceparent)
    async with cpcs.context.database.read() as connection:
        row = (
            await connection.execute(select(REQUESTS).where(REQUESTS.c.id == 10))
        ).one()
    assert type(request).model_validate(row.request) == request
    (job,) = await jobs(cpcs, 10)
    assert (job.fair_key, job.queue) == ("3", "reductions")
    for kept in (row.traceparent, job.traceparent):
        assert trace_id_of(kept) == trace_id_of(traceparent)


async def test_a_repeat_of_an_unanswered_request_adds_nothing(cpcs: Cpcs) -> None:
    for _ in range(3):
        await cpcs.deliver(request_for(SHA, 2))
    assert len(await jobs(cpcs, 20)) == 1
    assert await cpcs.events(2) == []


async def test_a_repeat_of_an_answered_request_sends_the_same_again(
    cpcs: Cpcs,
) -> None:
    request = request_for(SHA, 3)
    await cpcs.deliver(request)
    failed = stated_plane(Outcome.NO_WCS, "No coordinates.", 0, 2)
    other = stated_plane(Outcome.NO_TIME, "No time.", 1, 2)
    await answer(cpcs, 30, failed, other)
    first = await cpcs.events(3)
    assert [event["outcome"] for event in first] == ["no_wcs", "no_time"]
    await cpcs.deliver(request)
    assert await cpcs.events(3) == [*first, *first]
    assert await state(cpcs, 30) == "answered"
    # A late second result of the same request changes and tells nothing.
    await answer(cpcs, 30, stated_plane(Outcome.UNREADABLE, "Broken."))
    assert await cpcs.events(3) == [*first, *first]


async def test_a_newer_request_ends_the_older_one(cpcs: Cpcs) -> None:
    await cpcs.deliver(request_for(SHA, 4))
    await cpcs.deliver(request_for(SHA, 4, calibration_request_id=41, request_order=2))
    (event,) = await cpcs.events(4)
    assert event["topic"] == "calibration.failed"
    assert (event["outcome"], event["request_order"]) == ("superseded", 1)
    assert await state(cpcs, 40) == "superseded"
    assert await state(cpcs, 41) == "queued"
    # The older one's worker comes too late.
    await answer(cpcs, 40, stated_plane(Outcome.NO_WCS, "No coordinates."))
    assert len(await cpcs.events(4)) == 1


async def test_an_older_request_that_comes_late_is_superseded_at_once(
    cpcs: Cpcs,
) -> None:
    await cpcs.deliver(request_for(SHA, 5, calibration_request_id=51, request_order=2))
    await cpcs.deliver(request_for(SHA, 5))
    assert await state(cpcs, 50) == "superseded"
    assert await jobs(cpcs, 50) == []
    (event,) = await cpcs.events(5)
    assert event["outcome"] == "superseded"


async def test_a_preview_does_not_end_a_recording(cpcs: Cpcs) -> None:
    await cpcs.deliver(request_for(SHA, 6))
    preview = request_for(
        SHA, 6, calibration_request_id=61, request_order=2, purpose="preview"
    )
    await cpcs.deliver(preview)
    assert await state(cpcs, 60) == "queued"
    assert await state(cpcs, 61) == "queued"


async def test_only_the_planes_that_waited_are_answered_again(cpcs: Cpcs) -> None:
    await cpcs.deliver(request_for(SHA, 7))
    dark = stated_plane(Outcome.NOT_A_SKY_FRAME, "A dark.", 0, 2)
    await answer(cpcs, 70, dark, waiting_plane(1, 2))
    assert await state(cpcs, 70) == "waiting"
    async with cpcs.context.database.unit_of_work() as uow:
        assert await service.wake(uow, 70)
    assert await state(cpcs, 70) == "queued"
    await answer(cpcs, 70, dark, stated_plane(Outcome.TOO_FEW_STARS, "Few.", 1, 2))
    events = await cpcs.events(7)
    assert [(event["plane"], event["outcome"]) for event in events] == [
        (0, "not_a_sky_frame"),
        (1, "waiting_for_catalogue"),
        (1, "too_few_stars"),
    ]
    assert events[1]["topic"] == "calibration.waiting"
    assert events[1]["calibration_id"] == events[2]["calibration_id"]
    async with cpcs.context.database.read() as connection:
        count = await connection.scalar(
            select(func.count())
            .select_from(CALIBRATIONS)
            .where(CALIBRATIONS.c.calibration_request_id == 70)
        )
    assert count == 2


async def test_a_waiting_request_is_superseded_plane_by_plane(cpcs: Cpcs) -> None:
    await cpcs.deliver(request_for(SHA, 8))
    await answer(cpcs, 80, waiting_plane(0, 2), waiting_plane(1, 2))
    await cpcs.deliver(request_for(SHA, 8, calibration_request_id=81, request_order=2))
    events = await cpcs.events(8)
    assert [(event["plane"], event["outcome"]) for event in events[2:]] == [
        (0, "superseded"),
        (1, "superseded"),
    ]


async def test_a_request_that_lost_its_job_gets_another(cpcs: Cpcs) -> None:
    await cpcs.deliver(request_for(SHA, 9))
    table = cpcs.context.database.infrastructure.jobs
    async with cpcs.context.database.unit_of_work() as uow:
        await uow.execute(
            update(table).where(table.c.dedupe_key == "90").values(state="cancelled")
        )
        await uow.execute(
            update(REQUESTS)
            .where(REQUESTS.c.id == 90)
            .values(state_changed_at=datetime(2026, 1, 1, tzinfo=UTC))
        )
    (redrive,) = [k for k in cpcs.parts.job_kinds if k.name.startswith("redrive")]
    effect = await redrive.run(TICK)
    assert effect is not None
    async with cpcs.context.database.unit_of_work() as uow:
        await effect(uow)
    assert [job.state for job in await jobs(cpcs, 90)] == ["cancelled", "ready"]
    assert await redrive.run(TICK) is None
