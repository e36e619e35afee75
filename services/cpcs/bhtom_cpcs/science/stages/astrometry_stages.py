"""The stages between pixels and sky: circumstances, coordinates, targets' places."""

from dataclasses import replace

from bhtom_cpcs.science.astrometry.coordinates import read_astrometry
from bhtom_cpcs.science.frames.sun_and_air import (
    air_mass,
    altitude_deg,
    bjd_tdb,
    sun_altitude_deg,
    unit_vector,
)
from bhtom_cpcs.science.results import WcsFigures
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.targets.target_position import place_of, refusal_of

_DARK_SKY_SUN_ALTITUDE_DEG = -6.0


def find_circumstances(state: PlaneState) -> None:
    """Place the targets; barycentric time, air mass, the Sun's height for the first."""
    timing = need(state.timing, "read_time")
    mjd = timing.mid_exposure_mjd_utc
    state.places = tuple(
        place_of(target, mjd, state.request.site, state.request.decisions)
        for target in state.request.targets
    )
    known = [place for place in state.places if place.problem is None]
    if not known:
        return
    direction = unit_vector(known[0].ra_deg, known[0].dec_deg)
    site, flags = state.request.site, list(timing.flags)
    mass = sun = None
    if site is None:
        flags.append("site_unknown")
    else:
        altitude = altitude_deg(mjd, direction, site)
        mass, sun = air_mass(altitude), sun_altitude_deg(mjd, site)
        if altitude < 0 or sun > _DARK_SKY_SUN_ALTITUDE_DEG:
            flags.append("time_or_site_implausible")
    state.timing = replace(
        timing,
        bjd_tdb=bjd_tdb(mjd, direction, site),
        air_mass=mass,
        sun_altitude_deg=sun,
        flags=tuple(flags),
    )


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
