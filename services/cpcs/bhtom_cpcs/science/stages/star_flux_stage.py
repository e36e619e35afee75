"""The stage that takes the light of the frame's matched stars."""

from bhtom_cpcs.science.calibration.comparison import StarFluxes
from bhtom_cpcs.science.stages.plane_state import PlaneState, need


def measure_stars(state: PlaneState) -> None:
    """Pick the matched stars from the fit of all sources, the targets' estimator.

    All sources were fitted together: each star's neighbours are known.
    """
    matches = need(state.matches, "match_to_sky")
    fitted = need(state.source_fluxes, "find_sources")
    sources = need(state.sources, "find_sources")
    state.star_fluxes = StarFluxes(
        flux=fitted.flux[matches.source],
        error=fitted.error[matches.source],
        complete=fitted.complete[matches.source],
        reduced_chi2=fitted.chi2[matches.source],
        struck=state.strikes.near(
            sources.x[matches.source],
            sources.y[matches.source],
            need(state.psf, "find_sources").fit_radius_px,
        ),
    )
