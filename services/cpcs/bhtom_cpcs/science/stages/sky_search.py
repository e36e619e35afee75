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
from bhtom_cpcs.science.stages.astrometry_stages import frame_shape
from bhtom_cpcs.science.stages.plane_state import PlaneState, need

_HEADER_SCALE_ERROR = 1.22  # a header's scale may be wrong by 20 %
_CHIPS_SCALE_ERROR = 1.03
_MOST_POINTINGS = 4
_TARGET = "target"


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
    ranges = _scale_ranges(state, header)
    yield from solutions(field, state.catalogue, pointings, ranges, epoch)
    if not others.solved:
        for found in blind_solutions(field, state.catalogue, ranges, epoch):
            yield Solved(found, "solved_blind")


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
    camera = state.request.camera
    usual = scale_ranges(
        state.plane.header,
        state.plane.scale_of(camera.pixel_scale_arcsec),
        frame_shape(state),
        camera.binning,
    )
    return (*stated, *usual)


def _about(scale_arcsec: float, error: float) -> tuple[float, float]:
    return scale_arcsec / error, scale_arcsec * error


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
    return distinct((*likely, *targets))[:_MOST_POINTINGS]
