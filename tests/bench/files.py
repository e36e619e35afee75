"""What becomes of every real file: its outcome, its sentence, time and memory.

Writes docs/real-files.md. Each file is reduced in a process of its own that cannot
have more than 1.5 GB of data; real files are read from the folder that the variable
SKY_SAMPLE_DATA names.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.bench.figures import Figure
from tests.bench.own_stars import INVENTED_SCALE_ARCSEC

# What stands behind this is written by tests/bench/real_data.py.
LIST_MARK: Final = "<!-- instrumental catalogues -->"
TARGET: Final = Path(__file__).resolve().parents[2] / "docs" / "real-files.md"
COMMAND: Final = "python -m tests.bench files"
LIMIT_BYTES: Final = 1_500_000_000
LIMIT_S: Final = 30.0
FOLDERS: Final = ("images", "odd")
CATALOGUES: Final = {
    "gaiadr3_gspc_ngc1566.csv": (64.9, -54.9, 0.9),
    "gaiadr3_gspc_ngc1097.csv": (41.6, -30.3, 0.5),
}
# Where frames without coordinates point, by the objects they are named after.
POINTINGS: Final = {
    "c8_asi_r_defocused.fit": (197.39, 56.84),
    "panoptes_unsolved_cygnus.fits": (303.0, 46.0),
    "toros_clear_eso085-030_004.fit": (75.38, -63.29),
}
UNKNOWN_POINTING: Final = (10.0, 10.0)
GIVE_UP_S: Final = 300.0
HEAD: Final = """# Real files

What becomes of each of {count} real files when it is uploaded as a frame, written by
`{command}`. The images come from {images} telescopes' frames; the odd ones were
collected because they break parsers. Each ran in a process of its own with at most
1.5 GB of data; seconds include neither its start nor imports, memory (the process's
peak) does. Reference stars were at hand for two fields only, the Huntsman frame's among
them; the target of a frame was its own centre, where its header has coordinates.

A frame of several planes has a line for each different answer.

"""
OWN_HEAD: Final = """
## With a reference made from their own stars

Those that waited for a catalogue above, once more: the reference is a frame's own
stars with the magnitudes of their light in `r` and invented colours, and frames without
coordinates were put where they point, at {scale} arcsec a pixel. What comes out says
nothing about a telescope; point-spread function, zero point, target and explanation
work on real pixels.

"""


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What a file came to: its planes' different answers, seconds, peak memory."""

    path: str
    answers: tuple[tuple[str, str, str], ...]
    planes: int
    seconds: float
    peak_bytes: int


def measure() -> list[Figure]:
    """Reduce every file and write the table; the figures are its extremes."""
    name = "Real files that end in a stated outcome"
    goal = f"all, within {LIMIT_S:.0f} s and 1.5 GB"
    root = os.environ.get("SKY_SAMPLE_DATA")
    if not root:
        why = "not measured: SKY_SAMPLE_DATA is not set"
        return [Figure(name, goal, why, "-", COMMAND)]
    done, own = Table(), Table()
    with tempfile.TemporaryDirectory() as folder:
        import_catalogues(Path(root), Path(folder))
        for path in files_of(Path(root)):
            answer = reduced_apart(path, Path(folder))
            done.add(path, answer)
            if answer is not None and _waited(answer):
                own.add(path, _with_own_stars(path))
    write_tables(done, own)
    name_own = "Real frames on a reference made from their own stars"
    return [
        Figure(name, goal, done.extremes(), "-", COMMAND, done.is_within_limits()),
        Figure(name_own, goal, own.extremes(), "-", COMMAND, own.is_within_limits()),
    ]


@dataclass(slots=True)
class Table:
    """What files came to, and those that gave no answer."""

    answers: list[FileAnswer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def add(self, path: Path, answer: FileAnswer | None) -> None:
        """Keep an answer, or that there was none."""
        if answer is None:
            self.lost.append(f"{path.parent.name}/{path.name}")
        else:
            self.answers.append(answer)

    def is_within_limits(self) -> bool:
        """Whether every file gave an answer in time and in the memory allowed."""
        return not self.lost and all(
            answer.seconds <= LIMIT_S and answer.peak_bytes <= LIMIT_BYTES
            for answer in self.answers
        )

    def extremes(self) -> str:
        """How many gave an answer, the slowest and the largest of them."""
        slowest = max(self.answers, key=lambda answer: answer.seconds)
        largest = max(self.answers, key=lambda answer: answer.peak_bytes)
        measured = sum(
            any(row[0] in ("calibrated", "limit") for row in answer.answers)
            for answer in self.answers
        )
        return (
            f"{len(self.answers)} of {len(self.answers) + len(self.lost)}, {measured} "
            f"with a magnitude or limit; slowest {slowest.seconds:.1f} s "
            f"({slowest.path}), largest {largest.peak_bytes / 1e6:.0f} MB "
            f"({largest.path})"
        )


def _waited(answer: FileAnswer) -> bool:
    return any(row[0] == "waiting_for_catalogue" for row in answer.answers)


def _with_own_stars(path: Path) -> FileAnswer | None:
    """Reduce a frame on a reference of its own stars."""
    pointing = POINTINGS.get(path.name, UNKNOWN_POINTING)
    with tempfile.TemporaryDirectory() as folder:
        made = _run_apart("own_stars", path, folder, *map(str, pointing))
        return None if made is None else reduced_apart(path, Path(folder))


def files_of(root: Path) -> Iterable[Path]:
    """Every file of the folders, in the order of their names."""
    for folder in FOLDERS:
        yield from sorted((root / folder).iterdir())


def import_catalogues(root: Path, folder: Path) -> None:
    """Put the reference stars that fit the frames into tiles."""
    from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice

    for name, cone in CATALOGUES.items():
        import_slice(folder, root / "catalogs" / name, Cone(*cone))


def reduced_apart(path: Path, folder: Path) -> FileAnswer | None:
    """Reduce a file in a process of its own; None when that gave no answer."""
    said = _run_apart("files", path, str(folder))
    if said is None:
        return None
    found: dict[str, Any] = json.loads(said)
    found["answers"] = tuple(tuple(row) for row in found["answers"])
    return FileAnswer(**found)


def _run_apart(module: str, path: Path, *arguments: str) -> str | None:
    """Run a module of the bench on a file; None when it fails or never ends."""
    command = [sys.executable, "-m", f"tests.bench.{module}", str(path), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, text=True, timeout=GIVE_UP_S
        )
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"{path.name}: no end within {GIVE_UP_S:.0f} s\n")
        return None
    if done.returncode:
        sys.stderr.write(f"{path.name}: {done.stderr[-2000:]}\n")
        return None
    return done.stdout


def reduced_here(path: Path, folder: Path) -> FileAnswer:
    """Reduce a file in this process, targets in the middle of the frame."""
    from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
    from bhtom_cpcs.science.reduction import reduce_frame
    from bhtom_cpcs.science.request import CameraSettings, ReductionRequest

    reference = open_catalogue(folder, "GaiaSP")
    camera = CameraSettings(pixel_scale_arcsec=INVENTED_SCALE_ARCSEC)
    request = ReductionRequest(targets=(_middle(path),), camera=camera)
    started = time.perf_counter()
    planes = reduce_frame(path, request, reference).planes
    seconds = time.perf_counter() - started
    answers = []
    for plane in planes:
        flags = [] if plane.timing is None else list(plane.timing.flags)
        flags += plane.flags
        flags += () if plane.zero_point is None else plane.zero_point.flags
        for measurement in plane.measurements:
            flags += measurement.flags
        words = ", ".join(dict.fromkeys(flags))
        answers.append((plane.outcome.value, plane.message, words))
    peak = _peak_bytes()
    return FileAnswer(
        f"{path.parent.name}/{path.name}",
        tuple(dict.fromkeys(answers)),
        len(planes),
        seconds,
        peak,
    )


def _peak_bytes() -> int:
    """Most memory that this program has held; ru_maxrss knows its parent's as well."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(row for row in status.splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _middle(path: Path) -> Any:
    """A target in the middle of the first plane that has coordinates."""
    import warnings

    from bhtom_cpcs.science.astrometry.coordinates import read_astrometry
    from bhtom_cpcs.science.frames.fits_files import open_fits
    from bhtom_cpcs.science.frames.fits_input import read_planes
    from bhtom_cpcs.science.request import TargetPosition
    from bhtom_cpcs.science.stop import Stop

    centre = POINTINGS.get(path.name, UNKNOWN_POINTING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_fits(path) as hdus:
                for plane in read_planes(hdus):
                    try:
                        shape = plane.pixels.shape[0], plane.pixels.shape[1]
                        centre = read_astrometry(plane.header, shape).centre
                    except Stop:
                        continue  # another plane may know where it points
                    break
        except Stop:
            pass  # then any target will do: there is nothing to find it with
    return TargetPosition(1, *centre)


def write_tables(done: Table, own: Table) -> None:
    """Write the document."""
    images = sum(answer.path.startswith("images/") for answer in done.answers)
    count = len(done.answers) + len(done.lost)
    text = HEAD.format(count=count, command=COMMAND, images=images)
    text += _as_markdown(done) + OWN_HEAD.format(scale=INVENTED_SCALE_ARCSEC)
    text += _as_markdown(own)
    before = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    _, mark, behind = before.partition(LIST_MARK)
    TARGET.write_text(f"{text}\n{mark}{behind}" if mark else text, encoding="utf-8")


def _as_markdown(table: Table) -> str:
    """A line for every different answer of every file."""
    lines = [
        "| file | outcome | what the observer reads | flags | s | MB |\n",
        "|---|---|---|---|---|---|\n",
    ]
    for answer in table.answers:
        for number, (outcome, message, flags) in enumerate(answer.answers):
            name = answer.path if number == 0 else ""
            if number == 0 and answer.planes > 1:
                name += f" ({answer.planes} planes)"
            figures = f"{answer.seconds:.1f} | {answer.peak_bytes / 1e6:.0f}"
            if number:
                figures = " | "
            text = message.replace("|", "/")
            lines.append(f"| {name} | `{outcome}` | {text} | {flags} | {figures} |\n")
    lines += [f"| {name} | **no answer** | | | | |\n" for name in table.lost]
    return "".join(lines)


def _as_json(answer: FileAnswer) -> Mapping[str, Any]:
    return asdict(answer)


if __name__ == "__main__":
    from bhtom_cpcs.calibrations.reduction_process import limit_threads

    limit_threads()
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    done = reduced_here(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(json.dumps(_as_json(done)))
