"""The same request gives the same bits, whatever the number of threads."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bhtom_sky import Camera, Frame

_PROGRAM = """
import json, sys
from pathlib import Path

from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import ReductionRequest, Site, TargetPosition

frame, root, ra, dec = sys.argv[1:]
request = ReductionRequest(
    targets=(TargetPosition(1, float(ra), float(dec)),),
    site=Site(-31.16, 149.13, 1160.0),
)
for _ in range(2):
    answer = reduce_frame(Path(frame), request, open_catalogue(Path(root), "GaiaSP"))
    print(json.dumps(answer.to_json(), sort_keys=True))
"""


def _answers(threads: int, arguments: list[str]) -> list[str]:
    libraries = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
    environment = {
        **os.environ,
        **{f"{library}_NUM_THREADS": str(threads) for library in libraries},
    }
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.splitlines()


def test_one_and_two_threads_and_a_repeat_agree_in_every_bit(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    frame = tmp_path / "frame.fits"
    frame.write_bytes(frame_of(Camera(width_px=400, height_px=400)).fits_bytes)
    arguments = [str(frame), str(field.root), *map(str, field.sky.centre)]
    once, again = _answers(1, arguments)
    assert json.loads(once)["planes"][0]["outcome"] == "calibrated"
    assert once == again
    assert _answers(2, arguments) == [once, once]
