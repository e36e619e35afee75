"""The stage that measures the stars of the cross-match."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.comparison import StarFluxes
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.stages.calibration_stages import is_target
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.star_stages import clean_sources
from bhtom_cpcs.science.stars.detection import SEP_MERGED
from bhtom_cpcs.science.stars.photometry import (
    aperture_for,
    growth_correction,
    measure,
    sky_noise,
)

BoolArray = npt.NDArray[np.bool_]


def measure_stars(state: PlaneState) -> None:
    """Measure the matched stars with the estimator that the target will get."""
    plane, sources = state.plane, need(state.sources, "find_sources")
    matches = need(state.matches, "match_stars")
    detector = need(state.detector, "find_sources")
    spread = need(state.psf, "find_sources")
    rms = need(state.sky, "find_sources").rms
    state.aperture = aperture = aperture_for(spread.fwhm_px)
    state.noise = sky_noise(plane.pixels, plane.mask, sources, aperture, rms)
    clean = clean_sources(state, sources) & ~is_target(state, sources)
    matched_clean = clean[matches.source]
    if matched_clean.sum() < 2 * FEWEST_STARS:
        # in a crowd nearly all sources are deblended; then those must do
        merged_too = clean_sources(
            state, replace(sources, flags=sources.flags & ~SEP_MERGED)
        )
        matched_clean = (merged_too & ~is_target(state, sources))[matches.source]
    x, y = sources.x[matches.source], sources.y[matches.source]
    fluxes = measure(plane.pixels, plane.mask, x, y, aperture)
    bright = np.flatnonzero(matched_clean)
    bright = bright[np.argsort(-fluxes.flux[bright], kind="stable")]
    state.growth = growth_correction(
        plane.pixels, plane.mask, x[bright], y[bright], aperture
    )
    state.star_fluxes = StarFluxes(
        flux=fluxes.flux,
        error=np.sqrt(
            state.noise.error_adu**2
            + np.maximum(fluxes.flux, 0) / detector.gain_e_per_adu
        ),
        complete=fluxes.complete,
    )
