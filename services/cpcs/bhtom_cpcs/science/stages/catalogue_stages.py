"""The stages that meet the reference stars: read, match, measure."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.bands import allowed_bands
from bhtom_cpcs.science.calibration.comparison import StarFluxes, match_reference
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import NoCoverage
from bhtom_cpcs.science.results import MissingTiles
from bhtom_cpcs.science.stages.calibration_stages import is_target
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.star_stages import SEP_MERGED, clean_sources
from bhtom_cpcs.science.stars.photometry import (
    aperture_for,
    growth_correction,
    measure,
    sky_noise,
)
from bhtom_cpcs.science.stop import Stop

BoolArray = npt.NDArray[np.bool_]

_POINTING_MARGIN_ARCSEC = 30.0


def read_reference(state: PlaneState) -> None:
    """Ask the local catalogue for the field's stars; stop to wait where it has none."""
    catalogue = state.catalogue
    if catalogue.bands:  # an empty catalogue cannot tell a band from a typing error
        allowed_bands(
            state.request.requested_filter,
            catalogue.name,
            catalogue.bands,
            catalogue.title,
        )
    astrometry = need(state.astrometry, "read_wcs")
    margin = max(_POINTING_MARGIN_ARCSEC, 15 * astrometry.pixel_scale_arcsec) / 3600
    found = catalogue.cone(*astrometry.centre, astrometry.radius_deg + margin)
    if isinstance(found, NoCoverage):
        state.missing_tiles = MissingTiles(
            catalogue.name, found.healpix_order, found.missing_pixels
        )
        where = (
            f"the field at {astrometry.centre[0]:.4f} {astrometry.centre[1]:+.4f} deg, "
            f"radius {astrometry.radius_deg * 60:.1f} arcmin"
        )
        raise Stop(
            Outcome.WAITING_FOR_CATALOGUE, catalogue=catalogue.title, where=where
        )
    if found.covered_fraction < 1:
        state.warnings.append(
            f"{catalogue.title} covers only {found.covered_fraction:.0%} of the field"
        )
    state.reference = found


def match_stars(state: PlaneState) -> None:
    """Match sources to reference stars and correct the coordinates."""
    astrometry = need(state.astrometry, "read_wcs")
    timing = need(state.timing, "read_time")
    epoch = 2000.0 + (timing.mid_exposure_mjd_utc - 51544.5) / 365.25
    state.matches = matches = match_reference(
        astrometry,
        need(state.sources, "find_sources"),
        need(state.reference, "read_reference"),
        epoch,
        state.catalogue.title,
    )
    state.astrometry = replace(astrometry, correction=matches.correction)
    state.wcs = replace(
        need(state.wcs, "read_wcs"),
        offset_ra_arcsec=matches.offset_arcsec[0],
        offset_dec_arcsec=matches.offset_arcsec[1],
        offset_arcsec=float(np.hypot(*matches.offset_arcsec)),
        rms_arcsec=matches.rms_arcsec,
        n_matched=len(matches.source),
    )


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
