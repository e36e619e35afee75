"""The stage that finds the frame's stars in the catalogue, and so the frame's place."""

import math
from dataclasses import replace

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import (
    Astrometry,
    project,
    separation_deg,
)
from bhtom_cpcs.science.astrometry.cross_match import Matches
from bhtom_cpcs.science.astrometry.frame_wcs import header_cards
from bhtom_cpcs.science.astrometry.plane_correction import (
    NO_CORRECTION,
    PlaneCorrection,
)
from bhtom_cpcs.science.astrometry.reference_match import match_reference
from bhtom_cpcs.science.calibration.bands import allowed_bands
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import NoCoverage
from bhtom_cpcs.science.results.frame import WcsFigures
from bhtom_cpcs.science.stages.astrometry_stages import (
    frame_shape,
    place_targets,
    wcs_figures,
)
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.sky_search import places_on_sky
from bhtom_cpcs.science.stages.wanted_tiles import (
    is_believed,
    known_places,
    not_matched,
    tiles_to_wait_for,
    waiting_for_tiles,
)
from bhtom_cpcs.science.stop import Stop

_POINTING_MARGIN_ARCSEC = 30.0
# A header whose positions are right to this everywhere is good as it is.
_GOOD_HEADER_PX = 1.0
# More sources than this for every reference star of the field that the header gives the
# frame, and some more: its field is larger.
_MOST_SOURCES_TO_STARS, _FEWEST_SOURCES = 2.0, 10


def match_to_sky(state: PlaneState) -> None:
    """Match the stars by the header's coordinates, or else solve the frame anew."""
    catalogue, header = state.catalogue, state.astrometry
    if catalogue.bands:  # an empty catalogue cannot tell a band from a typing error
        requested = state.request.requested_filter
        allowed_bands(requested, catalogue.name, catalogue.bands, catalogue.title)
    n_found, crowded = 0, False
    if header is not None and not state.others.alone:
        missing = _read_reference(state, header)
        if missing is None:
            matches = _matches(state, header, None)
            n_found = 0 if matches is None else len(matches.source)
            if matches is not None and n_found >= FEWEST_STARS:
                _keep(state, matches, _agreement(header, matches, frame_shape(state)))
                return
            crowded = _is_crowded(state)
        elif missing.covered_fraction == 0 and is_believed(state, header):
            _wait(state, header)
    if _solved(state, header):
        return
    state.astrometry = header
    if not state.others.alone:
        _wait(state, header, crowded=crowded)
    raise not_matched(state, header, n_found)


def _is_crowded(state: PlaneState) -> bool:
    """Whether the frame shows more than the field that its header gives it can."""
    n_sources = len(need(state.sources, "find_sources"))
    n_stars = len(need(state.reference, "match_to_sky"))
    return n_sources > _MOST_SOURCES_TO_STARS * n_stars + _FEWEST_SOURCES


def _wait(
    state: PlaneState, header: Astrometry | None, *, crowded: bool = False
) -> None:
    """Stop to wait where reference stars are missing that may place the frame."""
    if state.places and not known_places(state):
        raise Stop(Outcome.TARGET_POSITION_UNKNOWN, reason=state.places[0].problem)
    wait = tiles_to_wait_for(state, header, crowded=crowded)
    if wait is not None:
        raise wait


def _solved(state: PlaneState, header: Astrometry | None) -> bool:
    """Solve the frame by its stars; True when it is matched or its outcome known."""
    for found in places_on_sky(state, header):
        state.astrometry = found.astrometry
        missing = _read_reference(state, found.astrometry)
        if missing is not None:
            place_targets(state)
            if state.outcome is not None:
                return True
            place = found.astrometry.centre, found.astrometry.radius_deg
            raise waiting_for_tiles(state, missing, *place)
        matches = _matches(state, found.astrometry, NO_CORRECTION)
        if matches is not None and len(matches.source) >= FEWEST_STARS:
            hinted = found.method == "solved_hinted" and header is not None
            _keep(state, matches, "repaired" if hinted else found.method)
            _compare(state, header)
            return True
    return False


def _read_reference(state: PlaneState, astrometry: Astrometry) -> NoCoverage | None:
    """Ask the local catalogue for the field's stars; what is missing where it has not.

    A field of which too little is stored counts as missing.
    """
    catalogue = state.catalogue
    margin = max(_POINTING_MARGIN_ARCSEC, 15 * astrometry.pixel_scale_arcsec) / 3600
    found = catalogue.cone(*astrometry.centre, astrometry.radius_deg + margin)
    if isinstance(found, NoCoverage):
        return found
    if found.covered_fraction < 1:
        state.warnings.append(
            f"{catalogue.title} covers only {found.covered_fraction:.0%} of the field"
        )
    state.reference = found
    return None


def _matches(
    state: PlaneState, astrometry: Astrometry, start: PlaneCorrection | None
) -> Matches | None:
    mjd = need(state.timing, "read_time").mid_exposure_mjd_utc
    return match_reference(
        astrometry,
        need(state.sources, "find_sources"),
        need(state.reference, "match_to_sky"),
        julian_year(mjd),
        start,
    )


def _agreement(header: Astrometry, matches: Matches, shape: tuple[int, int]) -> str:
    """Say whether the header's coordinates were good as they are."""
    height, width = shape
    x, y = np.array([0.0, 0.0, 0.5, 1.0, 1.0]), np.array([0.0, 1.0, 0.5, 0.0, 1.0])
    plane = header.plane(x * (width - 1), y * (height - 1))
    moved = np.hypot(*(matches.correction.apply(plane) - plane).T).max()
    good = moved < _GOOD_HEADER_PX * header.pixel_scale_arcsec
    return "header" if good else "refined"


def _keep(state: PlaneState, matches: Matches, method: str) -> None:
    """Write down the matches and what they say of the frame's place."""
    shape = frame_shape(state)
    astrometry = replace(
        need(state.astrometry, "read_wcs"), correction=matches.correction
    )
    state.matches, state.astrometry = matches, astrometry
    state.missing_tiles = None
    figures = wcs_figures(astrometry, shape)
    n_terms = len(matches.correction.coefficients)
    state.wcs = replace(
        figures,
        offset_ra_arcsec=matches.offset_arcsec[0],
        offset_dec_arcsec=matches.offset_arcsec[1],
        offset_arcsec=math.hypot(*matches.offset_arcsec),
        rms_arcsec=matches.rms_arcsec,
        rms_px=matches.rms_arcsec / figures.pixel_scale_arcsec,
        mapping_error_arcsec=matches.rms_arcsec
        * math.sqrt(n_terms / max(len(matches.source), n_terms)),
        n_matched=len(matches.source),
        method=method,
        distortion_order=matches.correction.order,
        cards=header_cards(astrometry, shape),
    )
    if state.quality is not None:
        scale = figures.pixel_scale_arcsec
        state.quality = replace(
            state.quality, fwhm_arcsec=state.quality.fwhm_px * scale
        )


def _compare(state: PlaneState, header: Astrometry | None) -> None:
    """Say how far a header was wrong whose frame had to be solved anew."""
    figures: WcsFigures = need(state.wcs, "match_to_sky")
    if header is None:
        state.wcs = replace(
            figures, offset_ra_arcsec=None, offset_dec_arcsec=None, offset_arcsec=None
        )
        return
    centre = np.array([figures.centre_ra_deg]), np.array([figures.centre_dec_deg])
    apart = 3600 * float(separation_deg(*centre, *header.centre)[0])
    east, north = (float(part) for part in project(*centre, header.centre)[0])
    state.wcs = replace(
        figures,
        offset_ra_arcsec=east if math.isfinite(east) else None,
        offset_dec_arcsec=north if math.isfinite(north) else None,
        offset_arcsec=apart,
    )
    mirrored = ", mirrored" if figures.mirrored != header.mirrored else ""
    turned = (figures.rotation_deg - header.rotation_deg + 180) % 360 - 180
    state.warnings.append(
        f"The header's coordinates are wrong by {apart:.0f} arcsec, turned by "
        f"{turned:.1f} deg{mirrored}, with a scale of {header.pixel_scale_arcsec:.3f} "
        f"instead of {figures.pixel_scale_arcsec:.3f} arcsec a pixel; the frame was "
        "solved anew."
    )
