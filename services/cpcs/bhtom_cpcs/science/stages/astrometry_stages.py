"""The stages between pixels and sky: coordinates, targets' places."""

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import (
    Astrometry,
    read_astrometry,
    separation_deg,
)
from bhtom_cpcs.science.astrometry.frame_wcs import orientation_of
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.frame import WcsFigures
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.targets.target_position import refusal_of

_HEADER_ERROR_DEG = 1.0


def read_wcs(state: PlaneState) -> None:
    """Read the header's coordinates; without them the stars will tell."""
    try:
        state.astrometry = read_astrometry(state.plane.header, frame_shape(state))
    except Stop as stop:
        state.wcs_problem = stop
        return
    state.header_astrometry = state.astrometry
    state.wcs = wcs_figures(state.astrometry, frame_shape(state))


def refuse_unreachable_targets(state: PlaneState) -> None:
    """Stop when no target can be on the chip, even if its header is wrong.

    A chip's header is taken to be wrong by a degree, or by the field's radius, at
    most, as long as that of any other chip puts the target near. That of a file's only
    image, or those of all images, may be wrong by anything (a pointing of 0, 0; hours
    for degrees): the stars are asked first.
    """
    known = [place for place in state.places if place.problem is None]
    if state.astrometry is None:
        if state.places and not known:
            reason = state.places[0].problem
            raise Stop(Outcome.TARGET_POSITION_UNKNOWN, reason=reason)
        return
    others = state.others
    if others.alone or others.doubted or others.n_planes == 1:
        return
    reach = state.astrometry.radius_deg
    reach += max(_HEADER_ERROR_DEG, state.astrometry.radius_deg)
    ra = np.array([place.ra_deg for place in known])
    dec = np.array([place.dec_deg for place in known])
    if (separation_deg(ra, dec, *state.astrometry.centre) > reach).all():
        place_targets(state)


def place_targets(state: PlaneState) -> None:
    """Stop when no target is on the frame."""
    astrometry = need(state.astrometry, "match_to_sky")
    refusals = [
        refusal_of(place, astrometry, frame_shape(state)) for place in state.places
    ]
    if refusals and refusals[0] is not None and all(refusals):
        state.outcome, state.message = refusals[0]


def place_targets_in_file(state: PlaneState) -> None:
    """Stop when no target is on the frame; a file's chip is calibrated all the same.

    Its zero point tells of the camera and of the night, and its field is the file's.
    """
    place_targets(state)
    if state.outcome is not None and state.others.n_planes > 1:
        state.shown_elsewhere = state.outcome, state.message
        state.outcome, state.message = None, ""


def frame_shape(state: PlaneState) -> tuple[int, int]:
    """Height and width of the plane [px]."""
    height, width = state.plane.pixels.shape
    return height, width


def wcs_figures(astrometry: Astrometry, shape: tuple[int, int]) -> WcsFigures:
    """Say where the frame is by its coordinates as known so far."""
    lies = orientation_of(astrometry, shape)
    return WcsFigures(
        centre_ra_deg=lies.centre[0],
        centre_dec_deg=lies.centre[1],
        pixel_scale_arcsec=lies.scale_arcsec,
        rotation_deg=lies.rotation_deg,
        mirrored=lies.mirrored,
        width_px=shape[1],
        height_px=shape[0],
        radius_deg=astrometry.radius_deg,
    )
