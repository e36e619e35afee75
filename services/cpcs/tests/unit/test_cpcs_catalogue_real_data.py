"""The real LCO catalogue against ATLAS-REFCAT2, as the bench measures it."""

import os
from pathlib import Path

import pytest

from tests.bench.real_data import GOALS, MATCHED, reduce_matched, scatter_of

SAMPLES = Path(os.environ.get("SKY_SAMPLE_DATA", "no-samples"))


@pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="SKY_SAMPLE_DATA names no folder of samples"
)
@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
def test_the_scatter_of_the_lco_catalogue(tmp_path: Path) -> None:
    source = SAMPLES / "instrumental" / MATCHED
    plane = reduce_matched(source, tmp_path)
    assert plane.zero_point.passband == "REFCAT2/i"
    found = {floor: scatter_of(source, plane, floor) for floor in GOALS}
    assert found[30].n_stars > 2000
    for floor, goal in GOALS.items():
        assert found[floor].value <= goal
