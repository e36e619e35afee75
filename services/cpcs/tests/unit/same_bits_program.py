"""What a worker would store of some files, calibrated again and again.

Run as `python same_bits_program.py CASES ANSWERS`, files of JSON, with the number of
threads in the environment: a reduction's own limit to one thread is taken away here.
"""

import hashlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from bhtom_contracts.events.frames import CalibrationParameters, TargetPin
from bhtom_contracts.events.targets import TargetPosition
from bhtom_cpcs.calibrations import reduction_process
from bhtom_cpcs.calibrations.answers import Circumstances, answer_of
from bhtom_cpcs.calibrations.reduced import ReducedFrame, ReductionTask
from bhtom_cpcs.decisions.pinned import plain_decisions
from bhtom_cpcs.science.decisions import NOTHING_DECIDED
from bhtom_cpcs.testing import request_for

NOW: Final = datetime(2026, 3, 2, tzinfo=UTC)


def task_of(case: dict[str, Any]) -> ReductionTask:
    """The request as upload would have made it."""
    inputs = request_for(
        "a" * 64,
        1,
        kind=case["kind"],
        target=TargetPin(
            target_id=1,
            name="Star",
            position=TargetPosition(ra=case["ra"], dec=case["dec"]),
        ),
        parameters=CalibrationParameters(
            requested_filter="GaiaSP/any", mid_exposure_mjd=case["mjd"]
        ),
    )
    camera = inputs.camera.model_copy(
        update={"gain": None, "saturation_level": None, "pixel_scale": None}
    )
    return ReductionTask(
        frame=case["path"],
        inputs=inputs.model_copy(update={"camera": camera}),
        catalogue_folder=case["catalogues"],
        catalogue="GaiaSP",
        decisions=plain_decisions(NOTHING_DECIDED),
    )


def stored(task: ReductionTask, frame: ReducedFrame) -> dict[str, Any]:
    """Everything that is kept of a file, but ids and clock times."""
    circumstances = Circumstances(1, NOW, 0.0, True, frame.fingerprint, "1", "")
    return {
        "fingerprint": frame.fingerprint,
        "planes": [
            {
                "result": plane.result,
                "answer": answer_of(
                    task.inputs, plane.result, circumstances
                ).model_dump(mode="json"),
                "plot": hashlib.sha256(plane.plot or b"").hexdigest(),
                "explanation": hashlib.sha256(plane.explanation or b"").hexdigest(),
            }
            for plane in frame.planes
        ],
    }


def threads_in_use() -> int:
    """Threads of this process after work that more than one can share."""
    matrix = np.ones((600, 600))
    assert (matrix @ matrix)[0, 0] == 600
    return len(os.listdir("/proc/self/task"))


def main(cases: Path, answers: Path) -> None:
    """Reduce every file, all of them once more, and write what would be stored."""
    vars(reduction_process)["limit_threads"] = lambda: None
    found: dict[str, Any] = {"threads": threads_in_use()}
    wanted = json.loads(cases.read_text())
    for number in range(wanted["times"]):
        for name, case in wanted["cases"].items():
            task = task_of(case)
            frame = reduction_process.reduce_pinned_frame(task)
            found[f"{name} {number}"] = stored(task, frame)
    answers.write_text(json.dumps(found, sort_keys=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
