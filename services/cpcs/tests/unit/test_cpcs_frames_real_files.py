"""Every real file ends in a stated outcome, none in more memory than a worker has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bhtom_cpcs.science.outcomes import Outcome

LIMIT_BYTES = 1_500_000_000
# One process for all: its peak is then the largest file's, and imports are paid once.
PROGRAM = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import ReductionRequest, TargetPosition

request = ReductionRequest(targets=(TargetPosition(1, 64.9, -54.9),))
catalogue = open_catalogue(Path(sys.argv[3]), "GaiaSP")
found = {}
for folder in ("images", "odd"):
    for path in sorted((Path(sys.argv[1]) / folder).iterdir()):
        if path.stat().st_size < 2_800_000:
            planes = reduce_frame(path, request, catalogue).planes
            found[path.name] = [[plane.outcome, plane.message] for plane in planes]
print(json.dumps(found))
"""
EXPECTED = {
    "astropy_lzw.fits.Z": Outcome.UNREADABLE,
    "astropy_test1.fits": Outcome.TOO_FEW_STARS,
    "chimera_without_wcs_100x100.fits": Outcome.EMPTY_IMAGE,
    "huntsman_dark_raw.fits": Outcome.IS_DARK,
    "astropy_o4sp040b0_raw.fits": Outcome.NO_IMAGE,
    "ldac_corrupt.fits": Outcome.NO_IMAGE,
    "turbo_1.avro": Outcome.UNREADABLE,
    "sdss_i_sn2015bn_606.fits.fz": Outcome.NO_TIME,
    "c8_asi_r_defocused.fit": Outcome.OUT_OF_FOCUS,
    "panoptes_rotation.fits": Outcome.TRAILED,
}


def test_every_real_file_ends_in_a_stated_outcome(tmp_path: Path) -> None:
    root = os.environ.get("SKY_SAMPLE_DATA")
    if not root:
        pytest.skip("SKY_SAMPLE_DATA does not name the folder of real files")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, root, str(LIMIT_BYTES), str(tmp_path)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert len(found) > 60
    for name, planes in found.items():
        assert planes, name
        for outcome, message in planes:
            assert outcome in Outcome.__members__.values(), name
            assert outcome != Outcome.WORKER_CRASHED, name
            assert message.endswith("."), (name, message)
    outcomes = {name: planes[0][0] for name, planes in found.items()}
    assert {name: outcomes[name] for name in EXPECTED} == EXPECTED
