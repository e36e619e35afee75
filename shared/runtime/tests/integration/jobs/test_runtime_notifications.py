"""News of the schema: at once while the connection stands, ticking when it does not."""

import asyncio
from contextlib import aclosing
from typing import Any

from bhtom_runtime.notifications import Notifications

# No tick comes to the rescue: a missed notification makes these tests hang.
NEVER_S = 3600.0
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'bhtom_core_listen' AND usename = current_user"
)


async def _tell(jobs: Any) -> None:
    async with jobs.database.unit_of_work() as uow:
        uow.wake()


async def test_every_subscriber_hears_and_many_news_are_one(jobs: Any) -> None:
    notifications = Notifications(jobs.database, tick_s=NEVER_S)
    stop = asyncio.Event()
    running = asyncio.create_task(notifications.run(stop))
    async with asyncio.timeout(30):
        await notifications.listening()
        async with (
            aclosing(notifications.subscribe()) as first,
            aclosing(notifications.subscribe()) as second,
        ):
            for news in (first, second):
                await anext(news)
            for _ in range(5):
                await _tell(jobs)
            for news in (first, second):
                await anext(news)
        stop.set()
        await running


async def test_what_is_told_before_one_waits_is_not_missed(jobs: Any) -> None:
    notifications = Notifications(jobs.database, tick_s=NEVER_S)
    stop = asyncio.Event()
    running = asyncio.create_task(notifications.run(stop))
    async with asyncio.timeout(30), aclosing(notifications.subscribe()) as news:
        await notifications.listening()
        for _ in range(3):
            await anext(news)
            await _tell(jobs)
        await anext(news)
        stop.set()
        await running
        assert [_ async for _ in news] == []


async def test_a_cut_connection_is_made_again_and_all_are_woken(jobs: Any) -> None:
    notifications = Notifications(jobs.database, tick_s=NEVER_S)
    stop = asyncio.Event()
    running = asyncio.create_task(notifications.run(stop))
    async with asyncio.timeout(30), aclosing(notifications.subscribe()) as news:
        await notifications.listening()
        assert notifications.health() is None
        await anext(news)
        async with jobs.database.read() as connection:
            await connection.exec_driver_sql(CUT)
        await anext(news)  # it listens again: something may have been missed
        assert notifications.health() is None
        await _tell(jobs)
        await anext(news)
        stop.set()
        await running


async def test_without_a_connection_it_ticks(jobs: Any) -> None:
    notifications = Notifications(jobs.database, tick_s=0.01)
    assert "0.01 s" in (notifications.health() or "")
    async with asyncio.timeout(30), aclosing(notifications.subscribe()) as news:
        for _ in range(5):
            await anext(news)
