"""The real Huntsman frame against Gaia's synthetic r, all qualifying stars counted."""

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tests.bench.figures import Figure

if TYPE_CHECKING:
    from bhtom_cpcs.science.stages.plane_state import PlaneState

COMMAND: Final = "python -m tests.bench huntsman"
FEWEST_SIGMA: Final = 20.0
HIGHEST_PEAK_ADU: Final = 3000.0
GOAL_MAG: Final = 0.030
SENTENCE: Final = "Header said g; the stars say r."


@dataclass(frozen=True, slots=True)
class HuntsmanScatter:
    """Robust scatter of the stars' zero points about the frame's, and what goes along.

    `sentence` is what the observer reads of the filter.
    """

    value: float
    n_stars: int
    passband: str
    sentence: str


def measure() -> list[Figure]:
    """Quote the scatter of the sample, none of it clipped."""
    found = huntsman_scatter()
    return [
        Figure(
            f"Huntsman frame against Gaia synthetic r, S/N > {FEWEST_SIGMA:g}, peak < "
            f"{HIGHEST_PEAK_ADU:g} ADU: robust scatter",
            f"<= {GOAL_MAG} mag, the wrong FILTER card said",
            f"{found.value:.4f} mag, {found.n_stars} stars, none clipped",
            f"chosen {found.passband}; '{found.sentence}'",
            COMMAND,
            met=found.value <= GOAL_MAG and found.sentence == SENTENCE,
        )
    ]


def huntsman_scatter() -> HuntsmanScatter:
    """Reduce the frame stage by stage and hold every star against its zero point.

    The sample is every matched star with a verified magnitude, whatever the reduction
    thinks of it, that is bright enough and not near saturation.
    """
    from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
    from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
    from bhtom_cpcs.science.frames.fits_files import open_fits
    from bhtom_cpcs.science.frames.fits_input import read_planes
    from bhtom_cpcs.science.reduction import STAGES
    from bhtom_cpcs.science.request import ReductionRequest, TargetPosition
    from bhtom_cpcs.science.stages.plane_state import PlaneState
    from bhtom_sky import (
        HUNTSMAN_CATALOGUE,
        HUNTSMAN_FOOTPRINT,
        HUNTSMAN_FRAME,
        sample,
    )

    with (
        tempfile.TemporaryDirectory() as folder,
        sample(HUNTSMAN_CATALOGUE) as stars,
        sample(HUNTSMAN_FRAME) as frame,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        import_slice(Path(folder), stars, Cone(*HUNTSMAN_FOOTPRINT))
        target = TargetPosition(1, *HUNTSMAN_FOOTPRINT[:2])
        with open_fits(frame) as hdus:
            plane = next(iter(read_planes(hdus)))
        catalogue = open_catalogue(Path(folder), "GaiaSP")
        state = PlaneState(plane, ReductionRequest((target,)), catalogue)
        for stage in STAGES:
            stage(state)
            if state.zero_point is not None:
                break
        return _scatter(state)


def _scatter(state: "PlaneState") -> HuntsmanScatter:
    from bhtom_cpcs.science.stages.plane_state import need

    fluxes, matches = need(state.star_fluxes, "stars"), need(state.matches, "match")
    reference, zero_point = (
        need(state.reference, "stars"),
        need(state.zero_point, "fit"),
    )
    passband = zero_point.passband
    magnitude = reference.magnitude[passband][matches.reference]
    good = reference.verified[passband][matches.reference] & np.isfinite(magnitude)
    good &= fluxes.flux > FEWEST_SIGMA * fluxes.error
    good &= need(state.sources, "stars").peak[matches.source] < HIGHEST_PEAK_ADU
    residual = magnitude[good] + 2.5 * np.log10(fluxes.flux[good]) - zero_point.value
    return HuntsmanScatter(
        value=1.4826 * float(np.median(np.abs(residual))),
        n_stars=int(good.sum()),
        passband=passband,
        sentence=need(state.filter, "fit").sentence or "",
    )
