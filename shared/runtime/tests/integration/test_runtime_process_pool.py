"""CPU work in children: crashes, time-outs and kills stay where they happen."""

import asyncio
import importlib
import os
import pickle
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bhtom_runtime.process_pool import (
    FunctionFailed,
    ProcessPool,
    TimedOut,
    WorkerCrashed,
)

FOLDER = Path(__file__).parent
PATIENCE_S = 60


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The functions, importable here and so in the children."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("pooled_functions")


@pytest.fixture
async def pool() -> AsyncIterator[ProcessPool]:
    async with ProcessPool(2) as pool:
        yield pool
    assert pool.pids == []


def _pid_in(file: Path) -> int | None:
    text = file.read_text() if file.exists() else ""
    return int(text) if text else None


async def _written(file: Path) -> int:
    async with asyncio.timeout(PATIENCE_S):
        while (pid := _pid_in(file)) is None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    return pid


async def _gone(pid: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while _runs(pid):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    """Whether it is there and no zombie, at which its new parent has not looked yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False  # it may end at any moment, so also between two questions


async def test_results_and_errors_come_back(pool: ProcessPool, work: Any) -> None:
    assert await pool.run(work.double, "ab") == "abab"
    assert await pool.run(work.double, b"x" * 10_000_000) == b"x" * 20_000_000
    with pytest.raises(ValueError, match="not today") as raised:
        await pool.run(work.fail, "plain")
    assert "in fail" in raised.value.__notes__[0]


async def test_errors_of_the_function_are_not_taken_for_the_pools(
    pool: ProcessPool, work: Any
) -> None:
    before = await pool.run(work.pid)
    with pytest.raises(TimeoutError, match="its own"):
        await pool.run(work.fail, "timeout", timeout_s=60)
    with pytest.raises(EOFError, match="its own"):
        await pool.run(work.fail, "eof")
    with pytest.raises(FunctionFailed, match="Odd: odd 1 2"):
        await pool.run(work.fail, "odd")
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        await pool.run(work.unreadable)
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        await pool.run(work.double, lambda: None)
    assert await pool.run(work.pid) == before


async def test_what_is_printed_does_not_disturb_the_answer(
    pool: ProcessPool, work: Any
) -> None:
    assert await pool.run(work.noisy) == "quiet"


@pytest.mark.parametrize(
    ("name", "sentence"), [("die", "died of SIGSEGV"), ("leave", "status 3")]
)
async def test_a_crash_breaks_only_its_own_job(
    pool: ProcessPool, work: Any, tmp_path: Path, name: str, sentence: str
) -> None:
    file = tmp_path / "pid"
    other = asyncio.create_task(pool.run(work.say_pid_and_wait, str(file)))
    other_pid = await _written(file)

    with pytest.raises(WorkerCrashed, match=sentence):
        await pool.run(getattr(work, name))

    assert not other.done()
    assert psutil.pid_exists(other_pid)
    assert await pool.run(work.double, 2) == 4
    other.cancel()
    await asyncio.wait([other])
    await _gone(other_pid)


async def test_a_time_out_kills_the_child_and_what_it_started(
    pool: ProcessPool, work: Any, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    with pytest.raises(TimedOut, match="spawn_grandchild took longer than 3 s"):
        await pool.run(work.spawn_grandchild, str(file), timeout_s=3)

    await _gone(await _written(file))
    assert await pool.run(work.double, 2) == 4


async def test_a_cancelled_call_kills_its_child(
    pool: ProcessPool, work: Any, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    call = asyncio.create_task(pool.run(work.say_pid_and_wait, str(file)))
    child = await _written(file)
    call.cancel()
    await asyncio.wait([call])

    await _gone(child)
    assert call.cancelled()


async def test_children_start_when_needed_and_are_used_again(work: Any) -> None:
    async with ProcessPool(4) as pool:
        assert pool.pids == []
        first = await pool.run(work.pid)
        assert await pool.run(work.pid) == first
        assert pool.pids == [first]


async def test_no_more_children_than_allowed(work: Any) -> None:
    async with ProcessPool(2) as pool:
        pids = await asyncio.gather(*(pool.run(work.pid) for _ in range(10)))
        assert len(set(pids)) <= 2


async def test_worn_children_are_replaced(work: Any) -> None:
    async with ProcessPool(1, max_tasks_per_child=2) as pool:
        pids = [await pool.run(work.pid) for _ in range(4)]
    assert pids[0] == pids[1]
    assert pids[2] == pids[3]
    assert pids[1] != pids[2]


async def test_idle_children_go(work: Any) -> None:
    async with ProcessPool(1, idle_s=0.05) as pool:
        await _gone(await pool.run(work.pid))
        assert pool.pids == []
        assert await pool.run(work.double, 2) == 4


async def test_a_killed_idle_child_is_replaced(pool: ProcessPool, work: Any) -> None:
    child = await pool.run(work.pid)
    os.kill(child, signal.SIGKILL)
    await _gone(child)
    assert await pool.run(work.pid) != child


async def test_a_warm_up_comes_first(work: Any) -> None:
    async with ProcessPool(1, warm_up=work.warm_up) as pool:
        assert await pool.run(work.was_warmed)
    async with ProcessPool(1, warm_up=work.broken_warm_up) as pool:
        with pytest.raises(ImportError, match="no such library"):
            await pool.run(work.double, 2)


async def test_a_child_is_light_and_has_its_environment(work: Any) -> None:
    async with ProcessPool(1, environment={"OMP_NUM_THREADS": "1"}) as pool:
        assert await pool.run(work.environment, "OMP_NUM_THREADS") == "1"
        modules = await pool.run(work.modules)
    assert not {"sqlalchemy", "asyncio", "pytest", "bhtom_runtime"} & set(modules)


async def test_a_closed_pool_ends_its_calls(work: Any, tmp_path: Path) -> None:
    pool = ProcessPool(1)
    file = tmp_path / "pid"
    call = asyncio.create_task(pool.run(work.say_pid_and_wait, str(file)))
    child = await _written(file)
    await pool.close()

    await _gone(child)
    with pytest.raises(WorkerCrashed):
        await call
    with pytest.raises(WorkerCrashed, match="closed"):
        await pool.run(work.double, 2)


async def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    program = str(FOLDER / "pool_parent_program.py")
    parent = await asyncio.create_subprocess_exec(sys.executable, program, str(file))
    try:
        child = await _written(file)
    finally:
        parent.kill()
        await parent.wait()

    await _gone(child)
