"""What a process of the harvester must not load before it needs it."""

import subprocess
import sys

import pytest

HEAVY = ("astropy", "erfa", "numpy")


@pytest.mark.parametrize("module", ["bhtom_harvester.main", "bhtom_harvester.cli"])
def test_the_service_itself_loads_no_astropy(module: str) -> None:
    program = f"""
import sys, {module}
print(*sorted({{name.partition('.')[0] for name in sys.modules}} & {set(HEAVY)!r}))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []


def test_a_time_loads_it_and_no_leap_second_is_downloaded() -> None:
    program = """
import sys
from bhtom_harvester.sources.gaia_alerts import mjd_utc_from_jd_tcb
assert "astropy" not in sys.modules
mjd_utc_from_jd_tcb([2456961.5697])
from astropy.utils import iers
print("astropy" in sys.modules, iers.conf.auto_download)
"""
    seen = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert seen.stdout.split() == ["True", "False"]
