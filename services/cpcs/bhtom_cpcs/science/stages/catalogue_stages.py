"""The stage that measures the stars of the frame's catalogue."""

from bhtom_cpcs.science.calibration.comparison import StarFluxes
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stars.psf_photometry import fit_positions


def measure_stars(state: PlaneState) -> None:
    """Measure the matched stars with the estimator that the target will get.

    All sources are fitted together: each star's neighbours are then known.
    """
    plane, sources = state.plane, need(state.sources, "find_sources")
    matches = need(state.matches, "match_stars")
    fitted = fit_positions(
        plane.pixels,
        plane.mask,
        need(state.psf, "find_sources"),
        need(state.pixel_noise, "find_sources"),
        sources.x,
        sources.y,
    )
    state.star_fluxes = StarFluxes(
        flux=fitted.flux[matches.source],
        error=fitted.error[matches.source],
        complete=fitted.complete[matches.source],
    )
