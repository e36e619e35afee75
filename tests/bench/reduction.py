"""How long a frame's reduction takes, beside Debian's SExtractor on the same frame."""

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bhtom_cpcs.calibrations.reduction_process import limit_threads
from bhtom_runtime.process_pool import ProcessPool
from tests.bench.figures import Figure
from tests.bench.large_frame import SIDE_PX, LargeFrame, large_frame
from tests.bench.source_extractor import PROGRAM, extraction_of

COMMAND: Final = "make bench (tests/bench/reduction.py)"
NAME: Final = "Reduction of a 4k x 4k frame with 5,000 stars"
GOAL: Final = "ratio <= 1.5"
REPEATS: Final = 5
FRAMES_A_WORKER: Final = 4
_MIB: Final = 2**20


def measure() -> list[Figure]:
    """Time against SExtractor's, memory against the pixels, two workers against one."""
    limit_threads()
    with tempfile.TemporaryDirectory() as folder:
        frame = large_frame(Path(folder))
        return [
            *_speed(frame, Path(folder)),
            asyncio.run(_memory(frame)),
            asyncio.run(_throughput(frame)),
        ]


def _speed(frame: LargeFrame, folder: Path) -> list[Figure]:
    """The reduction's time as a ratio to SExtractor's, medians of alternating runs."""
    if shutil.which(PROGRAM) is None:
        why = f"not measured: Debian's {PROGRAM} is not installed"
        return [Figure(NAME, GOAL, why, PROGRAM, COMMAND)]
    extract = extraction_of(folder, frame.path, frame.fwhm_px, frame.gain_e_per_adu)
    # Once without a clock: imports, caches, and what both of them find.
    found, peer_found = frame.reduce(), extract()
    reductions, extractions = [], []
    for _ in range(REPEATS):  # in turns: a busy moment of the machine meets both
        reductions.append(_seconds(frame.reduce))
        extractions.append(_seconds(extract))
    own, peer = statistics.median(reductions), statistics.median(extractions)
    same, own_stage, stage_peer = _catalogue_stage(frame, extract)
    return [
        Figure(
            "Catalogue of the same frame: windowed centroids, moments, three apertures",
            "ratio <= 0.75",
            f"{same / stage_peer:.2f} ({same:.2f} s, read from the file)",
            f"{PROGRAM} {stage_peer:.2f} s with its start and its file: these columns,"
            " centre, moments, peak, flags, windowed centroid, three apertures and"
            " their errors",
            COMMAND,
            met=same / stage_peer <= 0.75,
        ),
        Figure(
            "Catalogue stage as it runs: sources, PSF, all their fluxes at once",
            "as seen (no peer measures the same)",
            f"{own_stage / stage_peer:.2f} ({own_stage:.2f} s, read from the file)",
            f"{PROGRAM} {stage_peer:.2f} s for those columns",
            COMMAND,
        ),
        Figure(
            NAME,
            GOAL,
            f"{own / peer:.2f} ({own:.2f} s, {found} sources)",
            f"{PROGRAM} {peer:.2f} s, {peer_found} sources",
            COMMAND,
            met=own / peer <= 1.5,
        ),
    ]


def _catalogue_stage(
    frame: LargeFrame, extract: Callable[[], int]
) -> tuple[float, float, float]:
    """Seconds for SExtractor's measurements by our detector, our stage, SExtractor."""
    same, stage, peer = [], [], []
    for _ in range(REPEATS):
        same.append(_seconds(frame.catalogue))
        stage.append(_seconds(frame.find_sources))
        peer.append(_seconds(extract))
    return statistics.median(same), statistics.median(stage), statistics.median(peer)


async def _memory(frame: LargeFrame) -> Figure:
    """Peak of a worker's own process above itself when idle, in float32 images."""
    async with ProcessPool(1) as pool:
        idle, peak = await pool.run(_idle_and_peak, frame)
    image = 4 * SIDE_PX**2
    return Figure(
        "Peak memory of reducing it, above an idle worker, in float32 images",
        "<= 10",
        f"{(peak - idle) / image:.1f} ({(peak - idle) / _MIB:.0f} MiB)",
        f"one image {image / _MIB:.0f} MiB, idle worker {idle / _MIB:.0f} MiB",
        COMMAND,
        met=(peak - idle) / image <= 10,
    )


def _idle_and_peak(frame: LargeFrame) -> tuple[int, int]:
    """Resident memory of this process when warm and idle, and its peak after [bytes].

    Linux gives the peak since it was last told to forget it.
    """
    import gc

    limit_threads()
    import bhtom_cpcs.science.reduction  # noqa: F401 - an idle worker has it loaded

    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    idle = _status("VmRSS")
    frame.reduce()
    return idle, _status("VmHWM")


def _status(field: str) -> int:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(row for row in text.splitlines() if row.startswith(field))
    return int(line.split()[1]) * 1024


async def _throughput(frame: LargeFrame) -> Figure:
    """Frames a second of two workers' processes against one's."""
    one, one_counting = await _rates(frame, 1)
    two, two_counting = await _rates(frame, 2)
    return Figure(
        "Throughput of two single-threaded workers, against one",
        ">= 1.7",
        f"{two / one:.2f} ({two:.2f} frames/s)",
        f"one worker {one:.2f} frames/s, {FRAMES_A_WORKER} frames each; two processes "
        f"that only count, against one: {two_counting / one_counting:.2f}",
        COMMAND,
        met=two / one >= 1.7,
    )


async def _rates(frame: LargeFrame, workers: int) -> tuple[float, float]:
    """Frames a second, and rounds of counting a second, of so many processes."""
    async with ProcessPool(workers) as pool:
        for function in (_reduce, _count):
            await asyncio.gather(*[pool.run(function, frame) for _ in range(workers)])
        return await _rate(pool, _reduce, frame), await _rate(pool, _count, frame)


async def _rate(
    pool: ProcessPool, function: Callable[[LargeFrame], int], frame: LargeFrame
) -> float:
    count = pool.processes * FRAMES_A_WORKER
    started = time.perf_counter()
    await asyncio.gather(*[pool.run(function, frame) for _ in range(count)])
    return count / (time.perf_counter() - started)


def _reduce(frame: LargeFrame) -> int:
    limit_threads()
    return frame.reduce()


def _count(_: LargeFrame) -> int:
    """Keep a core busy without memory: what this machine gives to two at once."""
    return sum(number * number for number in range(8_000_000))


def _seconds(work: Callable[[], int]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
