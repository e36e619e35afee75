"""The local folder keeps files by their content, whole or not at all."""

import asyncio
import errno
import hashlib
import os
import time
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bhtom_runtime.errors import Invalid, NoSpace, NotFound, TooLarge
from bhtom_runtime.object_store import LocalFolder
from bhtom_runtime.object_writer import BATCH_BYTES

DAY = timedelta(days=1)


async def _chunks(content: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def _stored(store: LocalFolder, key: str) -> bytes:
    return b"".join([piece async for piece in store.read(key)])


def _files(root: Path) -> list[str]:
    """Everything in the folder but its lock."""
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock"
    )


def _age(path: Path, age: timedelta) -> None:
    then = time.time() - age.total_seconds()
    os.utime(path, (then, then))


@pytest.fixture
def store(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "objects")


@pytest.mark.parametrize("size", [0, 1, BATCH_BYTES, 3 * BATCH_BYTES + 17])
async def test_a_file_is_kept_under_its_hash(store: LocalFolder, size: int) -> None:
    content = os.urandom(size)
    stored = await store.write("frames", _chunks(content))

    sha256 = hashlib.sha256(content).hexdigest()
    assert (stored.sha256, stored.size_bytes) == (sha256, size)
    assert stored.key == f"frames/{sha256[:2]}/{sha256}"
    assert await _stored(store, stored.key) == content
    assert store.path(stored.key).read_bytes() == content
    assert await store.exists(stored.key)
    assert _files(store.root) == [stored.key]


async def test_writers_of_the_same_content_share_one_file(store: LocalFolder) -> None:
    content = os.urandom(2 * BATCH_BYTES)
    written = await asyncio.gather(
        *(store.write("frames", _chunks(content)) for _ in range(12))
    )

    assert len(set(written)) == 1
    assert _files(store.root) == [written[0].key]


async def test_a_torn_file_is_healed_by_the_next_upload(store: LocalFolder) -> None:
    stored = await store.write("frames", _chunks(b"a frame"))
    store.path(stored.key).write_bytes(b"a fr")

    await store.write("frames", _chunks(b"a frame"))

    assert await _stored(store, stored.key) == b"a frame"


async def test_what_is_too_large_leaves_nothing(store: LocalFolder) -> None:
    with pytest.raises(TooLarge, match="larger than 1000 bytes"):
        await store.write("frames", _chunks(bytes(1001)), max_bytes=1000)
    assert _files(store.root) == []
    await store.write("frames", _chunks(bytes(1000)), max_bytes=1000)


async def test_an_upload_that_breaks_off_leaves_nothing(store: LocalFolder) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(2 * BATCH_BYTES)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.write("frames", broken())
    assert _files(store.root) == []


async def test_a_cancelled_upload_leaves_nothing(store: LocalFolder) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(BATCH_BYTES)
            begun.set()
            await asyncio.sleep(0)

    upload = asyncio.create_task(store.write("frames", endless()))
    await begun.wait()
    upload.cancel()
    await asyncio.wait([upload])

    assert upload.cancelled()
    assert _files(store.root) == []


async def test_the_temporary_file_can_be_checked_before_the_commit(
    store: LocalFolder,
) -> None:
    content = os.urandom(BATCH_BYTES + 100)
    async with store.open_writer("frames") as writer:
        async for chunk in _chunks(content):
            await writer.feed(chunk)
        assert writer.path.read_bytes() == content
        assert writer.size_bytes == len(content)
        assert writer.path.is_relative_to(store.root / "frames")
        stored = await writer.commit()
        await writer.abort()
    assert await _stored(store, stored.key) == content


async def test_a_writer_that_is_over_takes_nothing_more(store: LocalFolder) -> None:
    writer = store.open_writer("frames")
    await writer.feed(b"x")
    await writer.abort()
    with pytest.raises(ValueError, match="already"):
        await writer.feed(b"y")
    assert _files(store.root) == []


async def test_a_full_disk_is_said_so(
    store: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("bhtom_runtime.object_writer.os.write", full)
    with pytest.raises(NoSpace):
        await store.write("frames", _chunks(bytes(3 * BATCH_BYTES)))
    assert _files(store.root) == []


@pytest.mark.parametrize(
    "key",
    [
        "frames/../../etc/passwd",
        "/etc/passwd",
        f"frames/ab/{'0' * 64}",
        f"frames/00/{'0' * 63}",
        f"frames/00/{'0' * 64}\n",
        f"../00/{'0' * 64}",
        f"Frames/00/{'0' * 64}",
        f"/00/{'0' * 64}",
        "",
    ],
)
def test_a_key_that_is_none_opens_nothing(store: LocalFolder, key: str) -> None:
    with pytest.raises(Invalid):
        store.path(key)
    with pytest.raises(Invalid):
        store.read(key)


@pytest.mark.parametrize("prefix", ["", "..", "a/../b", "/a", "a/", "A", ".incoming"])
def test_a_prefix_that_is_none_is_refused(store: LocalFolder, prefix: str) -> None:
    with pytest.raises(Invalid):
        store.open_writer(prefix)


async def test_what_is_not_there(store: LocalFolder) -> None:
    key = f"frames/00/{'0' * 64}"
    assert not await store.exists(key)
    await store.delete(key)
    with pytest.raises(NotFound):
        store.read(key)
    assert store.free_bytes() > 0
    assert await store.is_ready()


async def test_delete_removes_the_file(store: LocalFolder) -> None:
    stored = await store.write("frames", _chunks(b"x"))
    await store.delete(stored.key)
    assert not await store.exists(stored.key)


async def test_only_old_unreferenced_files_are_collected(store: LocalFolder) -> None:
    contents = {"old": b"1", "old but used": b"2", "new": b"3"}
    keys = {
        name: (await store.write("frames", _chunks(content))).key
        for name, content in contents.items()
    }
    other = (await store.write("calibrations", _chunks(b"4"))).key
    for key in (keys["old"], keys["old but used"], other):
        _age(store.path(key), 2 * DAY)
    asked: list[str] = []

    async def referenced(candidates: Sequence[str]) -> Collection[str]:
        asked.extend(candidates)
        return {keys["old but used"]}

    collected = await store.collect("frames", referenced, DAY)

    assert (collected.objects, collected.object_bytes) == (1, 1)
    assert sorted(asked) == sorted([keys["old"], keys["old but used"]])
    assert _files(store.root) == sorted([keys["old but used"], keys["new"], other])


async def test_a_file_that_is_uploaded_again_meanwhile_is_kept(
    store: LocalFolder,
) -> None:
    key = (await store.write("frames", _chunks(b"x"))).key
    _age(store.path(key), 2 * DAY)

    async def referenced(_: Sequence[str]) -> Collection[str]:
        await store.write("frames", _chunks(b"x"))  # its row is on its way
        return ()

    collected = await store.collect("frames", referenced, DAY)

    assert collected.objects == 0
    assert await store.exists(key)


async def test_what_killed_uploads_left_is_collected(store: LocalFolder) -> None:
    async def nothing(_: Sequence[str]) -> Collection[str]:
        return ()

    async with (
        store.open_writer("frames") as running,
        store.open_writer("frames") as dead,
    ):
        for writer in (running, dead):
            await writer.feed(b"x")
        _age(dead.path, 2 * DAY)
        assert running.path.exists()

        collected = await store.collect("frames", nothing, timedelta(0))

        assert collected.temporary_files == 1
        assert running.path.exists()
        assert not dead.path.exists()


async def test_a_collection_of_nothing(store: LocalFolder) -> None:
    async def nothing(_: Sequence[str]) -> Collection[str]:
        return ()

    collected = await store.collect("frames", nothing, DAY)
    assert (collected.objects, collected.temporary_files) == (0, 0)
