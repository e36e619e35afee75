"""Packed frames are read whatever packed them, and bombs are defused."""

import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.catalogue_files import reading
from bhtom_cpcs.science.frames import fits_files
from bhtom_cpcs.science.frames.fits_files import open_fits
from bhtom_cpcs.science.frames.fits_input import plane_count, read_planes
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop
from bhtom_runtime import unpacking
from bhtom_runtime.unpacking import CannotUnpack, packing_of, unpacked

IMAGE = np.random.default_rng(1).integers(0, 60000, (64, 48)).astype(np.uint16)
ZEROS = bytes(10 << 20)


def zipped(content: bytes, *, method: int = zipfile.ZIP_DEFLATED, **more: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        file.writestr("frame.fits", content)
        for name, text in more.items():
            file.writestr(name.replace("__MACOSX_", "__MACOSX/"), text)
    return archive.getvalue()


def streamed_zip(content: bytes) -> bytes:
    """As programs write it that cannot seek: sizes stand behind the data."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, *_: int) -> int:
            raise OSError

    archive = Pipe()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("frame.fits", content)
    return archive.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "zip, stored": lambda content: zipped(content, method=zipfile.ZIP_STORED),
    "zip, streamed": streamed_zip,
    "zip of a Mac": lambda content: zipped(content, __MACOSX_frame="resources"),
    "gzip, in parts": lambda c: gzip.compress(c[:999]) + gzip.compress(c[999:]),
    "bzip2, in parts": lambda c: bz2.compress(c[:999]) + bz2.compress(c[999:]),
    "gzip, padded": lambda c: gzip.compress(c) + bytes(500),
}


def mosaic() -> bytes:
    buffer = io.BytesIO()
    images = [fits.ImageHDU(IMAGE + number) for number in range(3)]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(buffer)
    return buffer.getvalue()


def read(path: Path) -> list[np.ndarray]:
    with open_fits(path) as hdus:
        assert plane_count(hdus) == 3
        return [plane.pixels for plane in read_planes(hdus)]


def refusal(path: Path) -> str:
    with pytest.raises(Stop) as stop:
        read(path)
    assert stop.value.outcome is Outcome.UNREADABLE
    return stop.value.reason


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_every_packing_holds_the_same_planes(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "frame"
    path.write_bytes(pack(mosaic()))
    for number, pixels in enumerate(read(path)):
        np.testing.assert_array_equal(pixels, (IMAGE + number).astype(np.float32))


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zip", "zip, stored"])
@pytest.mark.parametrize("kept", [0.95, 0.6, 0.1])
def test_files_cut_short_are_refused(tmp_path: Path, name: str, kept: float) -> None:
    whole = PACKERS[name](mosaic())
    path = tmp_path / "frame"
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert "cut short" in refusal(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(ZEROS) * 1000, "far more"),
        (bz2.compress(ZEROS) * 1000, "far more"),
        (lzma.compress(ZEROS) * 1000, "far more"),
        (zipped(bytes(300 << 20)), "far more"),
    ],
    ids=["gzip", "bzip2", "xz", "zip"],
)
def test_ten_gigabytes_of_nothing_end_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str
) -> None:
    """Neither the disk nor the memory is filled to find out."""
    monkeypatch.setattr(unpacking, "_SUSPICIOUS_FROM", 32 << 20)
    path = tmp_path / "bomb"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        assert reason in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_large_file_that_packs_as_frames_do_is_bounded_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits_files, "MAX_UNPACKED_BYTES", 1 << 20)
    noise = np.random.default_rng(2).integers(0, 99, 2 << 20, dtype=np.uint8)
    path = tmp_path / "large"
    path.write_bytes(gzip.compress(noise.tobytes(), 1))
    assert "more than 1 MB" in refusal(path)


def test_what_was_packed_twice_is_not_unpacked_twice(tmp_path: Path) -> None:
    path = tmp_path / "twice"
    path.write_bytes(gzip.compress(bz2.compress(mosaic())))
    assert "packed twice" in refusal(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(mosaic(), second="another"), "several files"),
        (zipped(b"").replace(b"frame.fits", b"frame.fit/"), "unusual"),
        (b"PK\x03\x04" + b"\1" * 60, "password"),
        (b"PK\x03\x04", "cut short"),
        (b"\x1f\x8b" + b"\xff" * 80, "damaged"),
        (b"BZh9" + b"\xff" * 80, "damaged"),
        (b"\xfd7zXZ\0" + b"\xff" * 80, "damaged"),
    ],
)
def test_what_cannot_be_unpacked_is_said(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "packed"
    path.write_bytes(content)
    assert reason in refusal(path)


def test_xz_may_not_ask_for_all_memory() -> None:
    greedy = lzma.compress(
        b"frame", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    )
    with pytest.raises(CannotUnpack, match="too much memory"):
        list(unpacked(io.BytesIO(greedy), "xz", 1 << 30))


def test_catalogues_are_unpacked_by_the_same_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(
        f"{10 + n / 999},{20 + n / 999},{14 + n / 99},0.1\n" for n in range(9)
    )
    text = f"ra,dec,mag,magerr\n{rows}".encode()
    path = tmp_path / "list"
    for pack in PACKERS.values():
        path.write_bytes(pack(text))
        assert len(reading.read_catalogue(path)) == 9
    monkeypatch.setattr(reading, "MAX_BYTES", 1 << 20)
    path.write_bytes(bz2.compress(ZEROS))
    with pytest.raises(Stop) as stop:
        reading.read_catalogue(path)
    assert stop.value.outcome is Outcome.UNREADABLE_CATALOGUE
    assert "more than 1 MB" in stop.value.reason


def test_plain_files_are_not_taken_for_packed_ones() -> None:
    assert packing_of(b"SIMPLE") is None
    assert packing_of(b"") is None
    assert packing_of(b"B, Z") is None
