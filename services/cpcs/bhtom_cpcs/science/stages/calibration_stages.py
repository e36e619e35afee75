"""The stages that make a calibration: comparison stars, band, zero point."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.bands import allowed_bands, band_of_card
from bhtom_cpcs.science.calibration.comparison import (
    band_stars,
    comparison_stars,
    refuse_poor,
    zero_point,
)
from bhtom_cpcs.science.calibration.ranking import BandChoice, choose_band
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results import FilterReport
from bhtom_cpcs.science.stages.explanation_stage import explain_stars
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.star_stages import SEP_MERGED, clean_sources
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stop import Stop

BoolArray = npt.NDArray[np.bool_]


def choose_comparison_stars(state: PlaneState) -> None:
    """Keep the matched stars that may carry a zero point."""
    sources = need(state.sources, "find_sources")
    matches = need(state.matches, "match_stars")
    fluxes = need(state.star_fluxes, "measure_stars")
    clean = clean_sources(state, sources) & ~is_target(state, sources)
    if clean[matches.source].sum() < 2 * FEWEST_STARS:
        # in a crowd nearly all sources are deblended; then those must do
        merged_too = replace(sources, flags=sources.flags & ~SEP_MERGED)
        clean = clean_sources(state, merged_too) & ~is_target(state, sources)
    state.comparison = comparison_stars(fluxes, clean[matches.source], matches)
    n_good = len(state.comparison.source)
    if n_good < FEWEST_STARS:
        raise Stop(
            Outcome.TOO_FEW_MATCHES,
            n_found=n_good,
            n_sources=len(sources),
            catalogue=state.catalogue.title,
            n_needed=FEWEST_STARS,
        )


def is_target(state: PlaneState, sources: Sources) -> BoolArray:
    """Say which sources are targets: they are never their own comparison stars."""
    astrometry = need(state.astrometry, "read_wcs")
    reach = max(1.5 * state.fwhm_px, 2.0 / astrometry.pixel_scale_arcsec)
    found = np.zeros(len(sources), dtype=bool)
    for place in state.places:
        x, y = astrometry.pixel(np.array([place.ra_deg]), np.array([place.dec_deg]))
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
    explain_stars(state, choice.chosen, chosen, fit)
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
