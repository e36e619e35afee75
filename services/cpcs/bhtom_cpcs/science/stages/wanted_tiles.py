"""What a frame that its stars could not place waits for: never for a wrong place."""

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, separation_deg
from bhtom_cpcs.science.astrometry.plate_solver import FEWEST_TO_SOLVE
from bhtom_cpcs.science.astrometry.pointing import (
    camera_scales,
    card_scales,
    header_pointings,
)
from bhtom_cpcs.science.astrometry.wanted_field import wanted_radii_deg
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import NoCoverage
from bhtom_cpcs.science.results.reduction import MissingTiles
from bhtom_cpcs.science.stages.astrometry_stages import frame_shape
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.targets.target_position import TargetPlace, refusal_of

Place = tuple[float, float]


def tiles_to_wait_for(
    state: PlaneState, header: Astrometry | None, *, crowded: bool = False
) -> Stop | None:
    """Ask for stars where the frame's target is; None where they are all here.

    The field that the header gives the frame is asked for where it shows the target;
    else the target's own surroundings, for of a frame that lies elsewhere nothing is
    wanted. Without any target the header's word is all there is. `crowded`: the frame
    shows more sources than the header's field can have. A frame that nobody believes to
    be where its header puts it waits only if it has stars enough to be placed by them.
    """
    believed = header is not None and is_believed(state, header)
    if not believed and _n_places(state) < FEWEST_TO_SOLVE:
        return None
    for radius in _radii(state, header, crowded=crowded):
        for centre, why in _centres(state, header, radius):
            found = state.catalogue.cone(*centre, radius)
            if isinstance(found, NoCoverage):
                return waiting_for_tiles(state, found, centre, radius, why)
    return None


def waiting_for_tiles(
    state: PlaneState,
    found: NoCoverage,
    centre: Place,
    radius_deg: float,
    why: str = "",
) -> Stop:
    """Wait for a field of the catalogue, and say which."""
    catalogue = state.catalogue
    order, pixels = found.healpix_order, found.missing_pixels
    state.missing_tiles = MissingTiles(catalogue.name, order, pixels)
    where = f"the field at {place_text(centre)}, radius {radius_deg * 60:.1f} arcmin"
    return Stop(
        Outcome.WAITING_FOR_CATALOGUE, catalogue=catalogue.title, where=where + why
    )


def not_matched(state: PlaneState, header: Astrometry | None, n_found: int) -> Stop:
    """What a frame ends with whose stars are all here and are none of the frame's."""
    if header is None:
        problem = need(state.wcs_problem, "read_wcs")
        return Stop(
            Outcome.NO_WCS,
            reason="its stars are nowhere near the pointing of header and target, "
            f"and {problem.reason}",
        )
    known = known_places(state)
    elsewhere = ""
    if known and not shown_by_header(state, header):
        away = min(apart_deg(place, header.centre) for place in known)
        elsewhere = (
            f"; by its header the frame lies at {place_text(header.centre)}, "
            f"{away:.1f} deg from the target, and about the target its stars do not "
            "agree either"
        )
    return Stop(
        Outcome.TOO_FEW_MATCHES,
        n_found=n_found,
        n_sources=len(need(state.sources, "find_sources")),
        catalogue=state.catalogue.title,
        n_needed=FEWEST_STARS,
        elsewhere=elsewhere,
    )


def known_places(state: PlaneState) -> tuple[TargetPlace, ...]:
    """The targets of which it is known where they are."""
    return tuple(place for place in state.places if place.problem is None)


def shown_by_header(state: PlaneState, header: Astrometry) -> tuple[TargetPlace, ...]:
    """The targets that are on the frame if its header is right."""
    shape = frame_shape(state)
    return tuple(
        place
        for place in known_places(state)
        if refusal_of(place, header, shape) is None
    )


def is_believed(state: PlaneState, header: Astrometry) -> bool:
    """Whether nothing speaks against a header before its stars are looked at."""
    return not known_places(state) or bool(shown_by_header(state, header))


def _n_places(state: PlaneState) -> int:
    """Count the pixels that sources are on."""
    sources = need(state.sources, "find_sources")
    at = np.round(np.column_stack([sources.x, sources.y]))
    return len(np.unique(at, axis=0))


def apart_deg(place: TargetPlace, centre: Place) -> float:
    """How far a target is from a place [deg]."""
    ra, dec = np.array([place.ra_deg]), np.array([place.dec_deg])
    return float(separation_deg(ra, dec, *centre)[0])


def place_text(place: Place) -> str:
    """A place on the sky for people."""
    return f"{place[0]:.4f} {place[1]:+.4f} deg"


def _radii(
    state: PlaneState, header: Astrometry | None, *, crowded: bool
) -> tuple[float, ...]:
    cards = state.plane.header
    row = state.request.camera
    stated = state.plane.scale_of(row.pixel_scale_arcsec), row.binning
    return wanted_radii_deg(
        None if header is None else header.pixel_scale_arcsec,
        camera_scales(cards, *stated),
        card_scales(cards, *stated),
        frame_shape(state),
        header_doubted=crowded,
    )


def _centres(
    state: PlaneState, header: Astrometry | None, radius_deg: float
) -> list[tuple[Place, str]]:
    """Middles of the fields to ask for, and what to say of each."""
    known = known_places(state)
    if header is not None:
        shown = shown_by_header(state, header)
        near = [one for one in shown if apart_deg(one, header.centre) <= radius_deg]
        if near or not known:
            return [(header.centre, "")]
    if known:
        why = " (about the target"
        if header is not None:
            why += f"; the header's own field, at {place_text(header.centre)}, does "
            why += "not show it"
        return [((place.ra_deg, place.dec_deg), f"{why})") for place in known]
    pointings = header_pointings(state.plane.header)[:1]
    return [((one.ra_deg, one.dec_deg), "") for one in pointings]
