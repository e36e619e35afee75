"""The stages that make a calibration: comparison stars, band, zero point."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.bands import (
    allowed_bands,
    band_of_card,
    standard_band,
)
from bhtom_cpcs.science.calibration.borrowed import borrowed_colour_term
from bhtom_cpcs.science.calibration.comparison import StarFluxes
from bhtom_cpcs.science.calibration.filter_report import (
    BandQuestion,
    contradiction,
)
from bhtom_cpcs.science.calibration.flat_term import flat_term
from bhtom_cpcs.science.calibration.frame_calibration import (
    FrameCalibration,
    calibrate_frame,
)
from bhtom_cpcs.science.calibration.frame_zero_point import (
    MatchFigures,
    borrowed_zero_point,
    frame_zero_point,
    refuse_not_linear,
    refuse_poor,
)
from bhtom_cpcs.science.calibration.selection import (
    ANOTHER_TARGET,
    Objections,
    blend_reach_arcsec,
    catalogue_neighbours,
    comparison_stars,
    faint_stars,
    frame_neighbours,
    select_stars,
)
from bhtom_cpcs.science.calibration.star_words import (
    FAINT,
    INCOMPLETE,
    SATURATED,
    VARIABLE,
    refusals_in_words,
)
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.frames.filter_card import filter_card
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stages.flat_maps import flats_of_image, say_if_not_flat
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.star_explanation import (
    explain_stars,
    explain_unused_stars,
)
from bhtom_cpcs.science.stages.star_places import star_places
from bhtom_cpcs.science.stages.star_stages import clean_sources
from bhtom_cpcs.science.stars.detection import SEP_MERGED, Sources
from bhtom_cpcs.science.stop import Stop

BoolArray = npt.NDArray[np.bool_]


def choose_comparison_stars(state: PlaneState) -> None:
    """Keep the matched stars that may carry a zero point."""
    matches = need(state.matches, "match_to_sky")
    fluxes = need(state.star_fluxes, "measure_stars")
    state.selection = chosen = select_stars(_objections(state, fluxes))
    if chosen.dropped:
        overlooked = "; ".join(chosen.dropped)
        state.warnings.append(
            f"Too few undoubted comparison stars: these were overlooked: {overlooked}."
        )
    state.comparison = comparison_stars(
        fluxes, chosen.good, matches.source, matches.reference
    )


def _objections(state: PlaneState, fluxes: StarFluxes) -> Objections:
    """Gather what speaks against each matched star."""
    sources = need(state.sources, "find_sources")
    matches = need(state.matches, "match_to_sky")
    reference = need(state.reference, "match_to_sky")
    fwhm_px = state.fwhm_px
    scale = need(state.astrometry, "read_wcs").pixel_scale_arcsec
    pair, star = matches.source, matches.reference
    own_targets = [(place.ra_deg, place.dec_deg) for place in state.places]
    other_targets = state.request.decisions.other_targets
    merged = (sources.flags & SEP_MERGED) > 0
    whole = clean_sources(state, replace(sources, flags=sources.flags & ~SEP_MERGED))
    near = frame_neighbours(sources.x, sources.y, fwhm_px)

    def told(flag: BoolArray | None) -> BoolArray:
        return np.zeros(len(pair), dtype=bool) if flag is None else flag

    def known(flag: BoolArray | None) -> BoolArray:
        return np.zeros(len(star), dtype=bool) if flag is None else flag[star]

    return Objections(
        never={
            ANOTHER_TARGET: _at(state, sources, other_targets)[pair],
            "a target": _at(state, sources, own_targets)[pair],
            VARIABLE: known(reference.variable),
            "not one star in the catalogue": known(reference.duplicated)
            | known(reference.extended),
            SATURATED: ~whole[pair] | told(fluxes.cut),
            "struck by a cosmic ray": told(fluxes.struck),
            INCOMPLETE: ~fluxes.complete,
            FAINT: faint_stars(fluxes),
        },
        milder={
            "blended by the catalogue's own signs": known(reference.blended),
            "a poor fit of the star's image": told(fluxes.poor),
            "a neighbour within 2 FWHM in the catalogue": catalogue_neighbours(
                reference, star, blend_reach_arcsec(fwhm_px, scale)
            ),
            "a neighbour within 2 FWHM in the frame": (merged | near)[pair],
        },
    )


def _at(
    state: PlaneState, sources: Sources, places: Sequence[tuple[float, float]]
) -> BoolArray:
    """Say which sources lie at any of the places (ra, dec) [deg]."""
    astrometry = need(state.astrometry, "read_wcs")
    reach = max(1.5 * state.fwhm_px, 2.0 / astrometry.pixel_scale_arcsec)
    found = np.zeros(len(sources), dtype=bool)
    if not places:
        return found
    x, y = astrometry.pixel(*np.array(places, dtype=float).T)
    for target_x, target_y in zip(x, y, strict=True):
        if np.isfinite(target_x):
            found |= np.hypot(sources.x - target_x, sources.y - target_y) < reach
    return found


def fit_zero_points(state: PlaneState) -> None:
    """Rank the bands, choose one, and fit its zero point; else borrow one."""
    comparison = need(state.comparison, "choose_comparison_stars")
    matches = need(state.matches, "match_to_sky")
    figures = MatchFigures(
        len(matches.source),
        matches.radius_arcsec,
    )
    found, places = None, star_places(state, comparison.source)
    if len(comparison.source) >= FEWEST_STARS:
        found = calibrate_frame(
            comparison,
            need(state.reference, "match_to_sky"),
            state.catalogue,
            _question(state),
            places,
        )
        state.choice, state.filter = found.choice, found.report
        if found.report.contradicted:
            state.warnings.append(str(contradiction(found.choice)))
    if found is None or found.model is None:
        _borrow(state, found, figures)
        return
    state.zero_point = frame_zero_point(
        found,
        places,
        figures,
        need(state.timing, "read_time").air_mass,
        dict(state.request.camera.second_order_extinction),
    )
    say_if_not_flat(state)
    explain_stars(state, found)
    refuse_not_linear(state.zero_point)
    refuse_poor(state.zero_point)


def _borrow(
    state: PlaneState, found: FrameCalibration | None, figures: MatchFigures
) -> None:
    """Take a zero point of the same night, or stop and say what is missing.

    One in a band that the request does not allow is none.
    """
    timing, learned = need(state.timing, "read_time"), state.request.camera.learned
    borrowed = state.request.decisions.borrowed_of(
        filter_card(state.plane.header, state.request.camera),
        timing.mid_exposure_mjd_utc,
        lambda passband: _is_allowed(state, passband),
    )
    if (
        borrowed is not None
        and min(timing.exposure_time_s, borrowed.exposure_time_s) > 0
    ):
        state.zero_point = borrowed_zero_point(
            borrowed,
            timing.exposure_time_s,
            timing.air_mass,
            found,
            figures,
            learned.shutter_time_s,
            borrowed_colour_term(borrowed, learned, state.catalogue.bands),
            flat_term(flats_of_image(state), borrowed.passband),
        )
        say_if_not_flat(state)
        state.warnings.append(
            f"No zero point of its own: that of {state.zero_point.source_note} is used."
        )
        explain_unused_stars(state, standard_band(borrowed.passband))
        return
    explain_unused_stars(state, _band_to_show(state))
    if found is None:
        raise _too_few(state)
    raise Stop(
        Outcome.NO_REFERENCE_IN_BAND,
        catalogue=state.catalogue.title,
        requested=state.request.requested_filter,
    )


def _too_few(state: PlaneState) -> Stop:
    selection = need(state.selection, "choose_comparison_stars")
    refused, advice = refusals_in_words(reason for reason in selection.reason if reason)
    return Stop(
        Outcome.TOO_FEW_USABLE_STARS,
        n_matched=len(selection.reason),
        n_found=int(selection.good.sum()),
        catalogue=state.catalogue.title,
        n_needed=FEWEST_STARS,
        refused=refused,
        advice=advice,
    )


def _is_allowed(state: PlaneState, passband: str) -> bool:
    """Whether the request allows a passband, or the standard one that it is like."""
    return standard_band(passband) in _allowed(state)


def _allowed(state: PlaneState) -> tuple[str, ...]:
    catalogue = state.catalogue
    return allowed_bands(
        state.request.requested_filter,
        catalogue.name,
        catalogue.bands,
        catalogue.title,
    )


def _band_to_show(state: PlaneState) -> str:
    """The band asked for that most of the matched stars have, of those the card's."""
    card = filter_card(state.plane.header, state.request.camera)
    named = band_of_card(card, state.catalogue.name, state.catalogue.bands)
    magnitude = need(state.reference, "match_to_sky").magnitude
    star = need(state.matches, "match_to_sky").reference
    return max(
        _allowed(state) or state.catalogue.bands,
        key=lambda band: (
            int(np.isfinite(magnitude[band][star]).sum()) if band in magnitude else -1,
            band == named,
        ),
    )


def _question(state: PlaneState) -> BandQuestion:
    """Gather what is known of the frame's passband."""
    card = filter_card(state.plane.header, state.request.camera)
    settled = state.request.decisions.settled_band_of(
        card, need(state.timing, "read_time").mid_exposure_mjd_utc
    )
    mono = state.plane.colour is None
    usable = settled is not None and not settled.provisional and mono
    return BandQuestion(
        requested=state.request.requested_filter,
        card=card,
        settled=settled.passband if settled is not None and usable else None,
        plane_colour=state.plane.colour,
        learned=state.request.camera.learned.at_air_mass(
            need(state.timing, "read_time").air_mass,
            dict(state.request.camera.second_order_extinction),
        ),
        flats=flats_of_image(state),
    )
