"""The stages that need reference stars: match, measure, rank, zero point."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.bands import allowed_bands, band_of_card
from bhtom_cpcs.science.calibration.comparison import (
    band_stars,
    comparison_stars,
    match_reference,
    refuse_poor,
    zero_point,
)
from bhtom_cpcs.science.calibration.ranking import BandChoice, choose_band
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.explain.plot_data import ResidualPlot
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import NoCoverage
from bhtom_cpcs.science.results import FilterReport, MissingTiles
from bhtom_cpcs.science.stages.image_stages import SEP_MERGED, clean_sources
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.photometry import (
    aperture_for,
    growth_correction,
    measure,
    sky_noise,
)
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.targets.target_position import position_at

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
    spread = need(state.point_spread, "find_sources")
    rms = need(state.sky, "find_sources").rms
    state.aperture = aperture = aperture_for(spread.fwhm_px)
    state.noise = sky_noise(plane.pixels, plane.mask, sources, aperture, rms)
    clean = clean_sources(state, sources) & ~_is_target(state, sources)
    matched_clean = clean[matches.source]
    if matched_clean.sum() < 2 * FEWEST_STARS:
        # in a crowd nearly all sources are deblended; then those must do
        merged_too = clean_sources(
            state, replace(sources, flags=sources.flags & ~SEP_MERGED)
        )
        matched_clean = (merged_too & ~_is_target(state, sources))[matches.source]
    x, y = sources.x[matches.source], sources.y[matches.source]
    fluxes = measure(plane.pixels, plane.mask, x, y, aperture)
    bright = np.flatnonzero(matched_clean)
    bright = bright[np.argsort(-fluxes.flux[bright], kind="stable")]
    state.growth = growth_correction(
        plane.pixels, plane.mask, x[bright], y[bright], aperture
    )
    state.comparison = comparison_stars(
        fluxes,
        matched_clean,
        matches,
        state.noise.error_adu,
        detector.gain_e_per_adu,
    )
    n_good = len(state.comparison.source)
    if n_good < FEWEST_STARS:
        raise Stop(
            Outcome.TOO_FEW_MATCHES,
            n_found=n_good,
            n_sources=len(sources),
            catalogue=state.catalogue.title,
            n_needed=FEWEST_STARS,
        )


def _is_target(state: PlaneState, sources: Sources) -> BoolArray:
    """Say which sources are targets: they are never their own comparison stars."""
    timing = need(state.timing, "read_time")
    astrometry = need(state.astrometry, "read_wcs")
    fwhm = need(state.point_spread, "find_sources").fwhm_px
    reach = max(1.5 * fwhm, 2.0 / astrometry.pixel_scale_arcsec)
    found = np.zeros(len(sources), dtype=bool)
    for target in state.request.targets:
        ra, dec = position_at(target, timing.mid_exposure_mjd_utc)
        x, y = astrometry.pixel(np.array([ra]), np.array([dec]))
        if np.isfinite(x[0]):
            found |= np.hypot(sources.x - x[0], sources.y - y[0]) < reach
    return found


def fit_zero_points(state: PlaneState) -> None:
    """Rank the bands, choose one, and fit its zero point."""
    catalogue = state.catalogue
    reference = need(state.reference, "read_reference")
    comparison = need(state.comparison, "measure_stars")
    requested = state.request.requested_filter
    allowed = allowed_bands(requested, catalogue.name, catalogue.bands, catalogue.title)
    card = _filter_card(state)
    card_band = band_of_card(card, catalogue.name, catalogue.bands)
    stars = {band: band_stars(comparison, reference, band) for band in catalogue.bands}
    state.choice = choice = choose_band(stars, allowed, card_band)
    state.filter = _filter_report(card, card_band, choice)
    if choice.chosen is None:
        raise Stop(
            Outcome.NO_REFERENCE_IN_BAND, catalogue=catalogue.title, requested=requested
        )
    if choice.best not in (None, choice.chosen) and choice.best not in allowed:
        state.warnings.append(
            f"The stars show {choice.best} rather than the requested {choice.chosen}."
        )
    chosen = stars[choice.chosen]
    state.zero_point, fit = zero_point(
        choice, chosen, need(state.matches, "match_stars"), state.growth
    )
    usable = chosen.usable
    correction = state.zero_point.aperture_correction_mag
    magnitude = reference.magnitude[choice.chosen][comparison.reference]
    state.residuals = ResidualPlot(
        passband=state.zero_point.passband_text,
        reference_magnitude=magnitude[usable],
        star_zero_point=chosen.difference[usable] + correction,
        star_error=chosen.error[usable],
        used=fit.used,
        zero_point=state.zero_point.value,
        scatter=fit.scatter,
    )
    refuse_poor(state.zero_point)


def _filter_card(state: PlaneState) -> str | None:
    for card in (state.request.camera.filter_keyword, "FILTER", "FILTER1", "FILTERS"):
        text = str(state.plane.header.get(card, "") or "").strip()
        if text:
            return text
    return None


def _filter_report(
    card: str | None, card_band: str | None, choice: BandChoice
) -> FilterReport:
    """Compare the FILTER card with what the stars show."""
    ranked = {row.passband for row in choice.figures if row.ranked}
    best = choice.chosen if choice.chosen in choice.tied else choice.best
    if card_band is None or best is None or card_band not in ranked:
        return FilterReport(card, card_band, None, None)
    if card_band == best or card_band in choice.tied:
        return FilterReport(card, card_band, False, None)
    said, shown = card_band.rpartition("/")[2], best.rpartition("/")[2]
    text = f"The header's FILTER card '{card}' means {said}; the stars say {shown}."
    return FilterReport(card, card_band, True, text)
