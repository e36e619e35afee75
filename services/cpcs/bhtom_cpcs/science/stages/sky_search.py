"""Where a plane may be on the sky, the likely places first."""

from collections.abc import Iterator

from bhtom_cpcs.science.astrometry.blind_solver import blind_solutions
from bhtom_cpcs.science.astrometry.coordinates import Astrometry
from bhtom_cpcs.science.astrometry.frame_solver import Solved, solutions
from bhtom_cpcs.science.astrometry.other_chips import (
    UnsolvedChip,
    solutions_by_other_chips,
)
from bhtom_cpcs.science.astrometry.pointing import (
    Pointing,
    distinct,
    header_pointings,
    scale_ranges,
)
from bhtom_cpcs.science.astrometry.pose import field_of
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import NoCoverage
from bhtom_cpcs.science.results.reduction import MissingTiles
from bhtom_cpcs.science.stages.astrometry_stages import frame_shape
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stop import Stop

_HEADER_SCALE_ERROR = 1.22  # a header's scale may be wrong by 20 %
_CHIPS_SCALE_ERROR = 1.03
_MOST_POINTINGS = 4
_TARGET = "target"
# What must be covered about the pointing of a frame of unknown scale.
_UNKNOWN_RADIUS_DEG = 0.05


def places_on_sky(state: PlaneState, header: Astrometry | None) -> Iterator[Solved]:
    """Places where the frame's brightest stars fall on reference stars."""
    sources = need(state.sources, "find_sources")
    shape = frame_shape(state)
    epoch = julian_year(need(state.timing, "read_time").mid_exposure_mjd_utc)
    field = field_of(sources.x, sources.y, shape)
    others = state.others
    chip = UnsolvedChip(field, header, others.layout, others.n_planes)
    yield from solutions_by_other_chips(chip, others.solved, state.catalogue, epoch)
    if others.alone:
        return
    pointings = _pointings(state, header)
    wait = _wait_for_pointings(state, pointings) if header is None else None
    ranges = _scale_ranges(state, header)
    yield from solutions(field, state.catalogue, pointings, ranges, epoch)
    if not others.solved:
        for found in blind_solutions(field, state.catalogue, ranges, epoch):
            yield Solved(found, "solved_blind")
    if wait is not None:
        raise wait


def _scale_ranges(
    state: PlaneState, header: Astrometry | None
) -> tuple[tuple[float, float], ...]:
    """Possible pixel scales [arcsec]: the other chips', or the header's, then any."""
    stated: tuple[tuple[float, float], ...] = ()
    if header is not None:
        stated = (_about(header.pixel_scale_arcsec, _HEADER_SCALE_ERROR),)
    if state.others.solved:
        best = max(state.others.solved, key=lambda chip: chip.n_matched)
        scale = best.astrometry.pixel_scale_arcsec
        return stated or (_about(scale, _CHIPS_SCALE_ERROR),)
    camera_scale = state.plane.scale_of(state.request.camera.pixel_scale_arcsec)
    usual = scale_ranges(state.plane.header, camera_scale, frame_shape(state))
    return (*stated, *usual)


def _about(scale_arcsec: float, error: float) -> tuple[float, float]:
    return scale_arcsec / error, scale_arcsec * error


def _wait_for_pointings(
    state: PlaneState, pointings: tuple[Pointing, ...]
) -> Stop | None:
    """Wait where no pointing has stars stored; later, where the target has none."""
    waits = {}
    for pointing in pointings:
        centre = (pointing.ra_deg, pointing.dec_deg)
        found = state.catalogue.cone(*centre, _UNKNOWN_RADIUS_DEG)
        if isinstance(found, NoCoverage):
            waits[pointing] = (found, centre)
    if len(waits) == len(pointings):
        raise waiting_for_tiles(state, *waits[pointings[0]], _UNKNOWN_RADIUS_DEG)
    for pointing, wait in waits.items():
        if pointing.said_by == _TARGET:
            return waiting_for_tiles(state, *wait, _UNKNOWN_RADIUS_DEG)
    return None


def _pointings(state: PlaneState, header: Astrometry | None) -> tuple[Pointing, ...]:
    """Where the frame may point, by its header, its target, and the file's others."""
    found = [
        Pointing(*chip.astrometry.centre, "other chip")
        for chip in state.others.solved[:1]
    ]
    if header is not None:
        found.append(Pointing(*header.centre, "header"))
    found += header_pointings(state.plane.header)
    targets = [
        Pointing(place.ra_deg, place.dec_deg, _TARGET)
        for place in state.places
        if place.problem is None
    ]
    # However many cards there are, the target's place is one of those tried.
    likely = distinct(tuple(found))[: _MOST_POINTINGS - bool(targets)]
    kept = distinct((*likely, *targets))[:_MOST_POINTINGS]
    if not kept:
        raise need(state.wcs_problem, "read_wcs")
    return kept


def waiting_for_tiles(
    state: PlaneState, found: NoCoverage, centre: tuple[float, float], radius_deg: float
) -> Stop:
    catalogue = state.catalogue
    order, pixels = found.healpix_order, found.missing_pixels
    state.missing_tiles = MissingTiles(catalogue.name, order, pixels)
    where = (
        f"the field at {centre[0]:.4f} {centre[1]:+.4f} deg, "
        f"radius {radius_deg * 60:.1f} arcmin"
    )
    return Stop(Outcome.WAITING_FOR_CATALOGUE, catalogue=catalogue.title, where=where)
