"""The stage that takes the light of the frame's matched stars."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.comparison import StarFluxes
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.star_stages import clean_sources
from bhtom_cpcs.science.stars.usual_fit import usual_fit
from bhtom_cpcs.science.targets.fit_verdict import CEILINGS_ALIKE, CERTAIN_SIGMA


def measure_stars(state: PlaneState) -> None:
    """Pick the matched stars from the fit of all sources, the targets' estimator.

    All sources were fitted together: each star's neighbours are known.
    """
    matches = need(state.matches, "match_to_sky")
    fitted = need(state.source_fluxes, "find_sources")
    sources = need(state.sources, "find_sources")
    whole = clean_sources(state, sources)
    state.usual_fit = usual = usual_fit(fitted, whole, sources.x, sources.y)
    with np.errstate(invalid="ignore"):
        cut = usual.missing_core(fitted.core, fitted.core_error) > CERTAIN_SIGMA
    cut &= sources.peak * CEILINGS_ALIKE > second_highest(sources.peak)
    poor = usual.is_poor(fitted.chi2, fitted.noise_share)
    state.star_fluxes = StarFluxes(
        flux=fitted.flux[matches.source],
        error=fitted.error[matches.source],
        complete=fitted.complete[matches.source],
        struck=state.strikes.near(
            sources.x[matches.source],
            sources.y[matches.source],
            need(state.psf, "find_sources").fit_radius_px,
        ),
        poor=poor[matches.source],
        cut=cut[matches.source],
    )


def second_highest(peaks: npt.NDArray[np.float64]) -> float:
    """Height of the second highest peak [ADU]; 0 of fewer than two."""
    return float(np.partition(peaks, -2)[-2]) if len(peaks) > 1 else 0.0
