"""What a process of cpcs must not load before it reduces a frame."""

import subprocess
import sys

import pytest

HEAVY = (
    "astropy",
    "hpgeom",
    "matplotlib",
    "numpy",
    "photutils",
    "pyarrow",
    "scipy",
    "sep",
)


@pytest.mark.parametrize("module", ["bhtom_cpcs.main", "bhtom_cpcs.cli"])
def test_the_service_itself_loads_no_science_library(module: str) -> None:
    program = f"""
import sys, {module}
print(*sorted({{name.partition('.')[0] for name in sys.modules}} & {set(HEAVY)!r}))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []


def test_a_reduction_process_has_one_thread_a_library() -> None:
    program = """
import os
from bhtom_cpcs.calibrations.reduction_process import limit_threads
limit_threads()
print(os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"])
import sys
assert "numpy" not in sys.modules
import numpy
print(len(os.listdir("/proc/self/task")))
"""
    seen = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert seen.stdout.split() == ["1", "1", "1"]
