"""cpcs as an earlier release might have been: its method was to sum apertures.

Run as `python -m tests.earlier_release` with a service's variables; it works until it
is ended. All is today's code but the estimator and the method's name.
"""

import functools
import sys
from dataclasses import replace
from typing import Any, Final

from bhtom_cpcs.calibrations import jobs
from bhtom_cpcs.calibrations.reduced import ReducedFrame, ReductionTask
from bhtom_cpcs.calibrations.reduction_process import (
    limit_threads,
    reduce_pinned_frame,
)
from bhtom_cpcs.cli import main

METHOD: Final = "aperture-1"


def reduce_with_apertures(task: ReductionTask) -> ReducedFrame:
    """What the worker calls in a reduction's own process."""
    limit_threads()
    _measure_apertures()
    return reduce_pinned_frame(task)


@functools.cache
def _measure_apertures() -> None:
    """Give target and comparison stars their light in an aperture, once a process."""
    from bhtom_cpcs.science import reduction
    from bhtom_cpcs.science.stages import star_flux_stage
    from bhtom_cpcs.science.targets import forced_fit

    fitted, of_stars = forced_fit.pinned_fit, star_flux_stage.measure_stars

    def pinned_fit(*light_and_place: Any) -> Any:
        found = fitted(*light_and_place)
        return replace(found, flux=found.other_fluxes.aperture_adu)

    def measure_stars(state: Any) -> None:
        fluxes = state.source_fluxes
        state.source_fluxes = replace(
            fluxes, flux=fluxes.aperture_flux, error=fluxes.aperture_error
        )
        of_stars(state)
        state.source_fluxes = fluxes

    vars(forced_fit)["pinned_fit"] = pinned_fit
    stages = [measure_stars if one is of_stars else one for one in reduction.STAGES]
    vars(reduction)["STAGES"] = tuple(stages)
    answer = functools.partial(reduction.answer, method=METHOD)
    vars(reduction)["answer"] = answer


if __name__ == "__main__":
    # By its importable name: a reduction's process imports what it is to run.
    from tests.earlier_release import reduce_with_apertures as reduce_importable

    vars(jobs)["reduce_pinned_frame"] = reduce_importable
    main(["run", "--roles", "work"], prog_name=sys.argv[0])
