"""The stages between pixels and sky: coordinates, targets' places."""

from bhtom_cpcs.science.astrometry.coordinates import read_astrometry
from bhtom_cpcs.science.results import WcsFigures
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.targets.target_position import refusal_of


def read_wcs(state: PlaneState) -> None:
    """Read the header's coordinates."""
    height, width = state.plane.pixels.shape
    found = read_astrometry(state.plane.header, (height, width))
    state.astrometry = found
    state.wcs = WcsFigures(
        centre_ra_deg=found.centre[0],
        centre_dec_deg=found.centre[1],
        pixel_scale_arcsec=found.pixel_scale_arcsec,
        rotation_deg=found.rotation_deg,
        mirrored=found.mirrored,
        width_px=width,
        height_px=height,
        radius_deg=found.radius_deg,
    )


def place_targets(state: PlaneState) -> None:
    """Stop when no target can be on the frame."""
    astrometry = need(state.astrometry, "read_wcs")
    height, width = state.plane.pixels.shape
    refusals = [
        refusal_of(place, astrometry, (height, width)) for place in state.places
    ]
    if refusals and refusals[0] is not None and all(refusals):
        state.outcome, state.message = refusals[0]
