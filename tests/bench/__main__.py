"""Measures everything and rewrites docs/measured.md, good or bad, as seen."""

import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from tests.bench.figures import Figure

TARGET = Path(__file__).resolve().parents[2] / "docs" / "measured.md"
MODULES = (
    "uploads",
    "events",
    "reduction",
    "astrometry",
    "injected_truth",
    "stated_gains",
    "targets",
    "limits",
    "hosts",
    "cosmic_rays",
    "zero_points",
    "files",
    "huntsman",
    "real_data",
    "catalogue_files",
    "suite",
)
HEAD = """# Measured

Written by `make bench`; every figure was measured beside its peer or floor in the same
run. Absolute times are of the machine it ran on and only there for orientation; the
ratios are what counts. Nothing here is a promise. `make bench` fails when a figure that
it measured misses its goal.

"""
TITLE = (
    "| figure | goal | measured | met | peer or floor in the same run | command "
    "| date |",
    "|---|---|---|---|---|---|---|",
)


def main(names: list[str]) -> int:
    """Run the benchmarks named (all of them by default) and write the table.

    1 when a figure missed its goal, else 0.
    """
    rows: dict[str, tuple[Figure, str]] = {}
    for name in names or MODULES:
        started = time.monotonic()
        print(f"{name}: measuring", flush=True)
        figures = import_module(f"tests.bench.{name}").measure()
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        for figure in figures:
            print(f"  {figure.name}: {figure.measured} (goal {figure.goal})")
            rows[figure.name] = (figure, day)
        print(f"{name}: {time.monotonic() - started:.0f} s")
    kept = _kept() if names else {}
    lines = {**kept, **{name: _line(*row) for name, row in rows.items()}}
    body = "\n".join([*TITLE, *lines.values()])
    TARGET.write_text(HEAD + body + "\n", encoding="utf-8")
    missed = [name for name, (figure, _) in rows.items() if figure.met is False]
    for name in missed:
        print(f"missed: {name}: {rows[name][0].measured} (goal {rows[name][0].goal})")
    return 1 if missed else 0


def _line(figure: Figure, day: str) -> str:
    cells = (
        figure.name,
        figure.goal,
        figure.measured,
        {True: "yes", False: "**no**", None: "-"}[figure.met],
        figure.peer,
        figure.command,
        day,
    )
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _kept() -> dict[str, str]:
    """Lines of earlier runs, for a run of some modules only."""
    if not TARGET.exists():
        return {}
    lines = [row for row in TARGET.read_text().splitlines() if row.startswith("| ")]
    return {row.split(" | ")[0].removeprefix("| "): row for row in lines[1:]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
