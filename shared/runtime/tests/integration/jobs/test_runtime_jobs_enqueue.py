"""Enqueueing goes on working on a connection that has done it before."""

from typing import Any

from bhtom_runtime.unit_of_work import NewJob


async def test_enqueue_survives_the_generic_plan_of_its_statement(jobs: Any) -> None:
    # PostgreSQL plans a prepared statement without its values from the sixth time.
    async with jobs.database.unit_of_work() as uow:
        ids = [
            await uow.enqueue(NewJob("record", dedupe_key=str(turn % 10)))
            for turn in range(20)
        ]

    assert None not in ids[:10]
    assert set(ids[10:]) == {None}
