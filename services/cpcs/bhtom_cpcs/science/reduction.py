"""Reduces a frame: a list of stages from the file to the magnitude."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from astropy.utils.exceptions import AstropyWarning

from bhtom_cpcs.science.frames.fingerprint import fingerprint, pixel_digest
from bhtom_cpcs.science.frames.fits_files import open_fits
from bhtom_cpcs.science.frames.fits_input import plane_count, read_planes
from bhtom_cpcs.science.frames.image_names import image_name
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.mosaic import Mosaic, waiting_together
from bhtom_cpcs.science.mosaic_words import told_together
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import ReferenceCatalogue
from bhtom_cpcs.science.request import ReductionRequest
from bhtom_cpcs.science.results.reduction import (
    FrameReduction,
    PlaneReduction,
    Provenance,
)
from bhtom_cpcs.science.stages import (
    astrometry_stages,
    calibration_stages,
    frame_stages,
    sky_match_stage,
    star_flux_stage,
    star_stages,
    target_stages,
)
from bhtom_cpcs.science.stages.explanation_stage import explanation
from bhtom_cpcs.science.stages.plane_state import (
    OtherChips,
    PlaneState,
    need,
)
from bhtom_cpcs.science.stages.star_explanation import residual_map_of
from bhtom_cpcs.science.stages.target_stages import best_of
from bhtom_cpcs.science.stages.verdict import verdict_of
from bhtom_cpcs.science.stop import Stop

METHOD = "psf-1"
_MOST_WARNINGS = 8
_STRAY = "its stars were found only where, beside the file's other images, it cannot be"


STAGES: tuple[Callable[[PlaneState], None], ...] = (
    frame_stages.check_kind,
    frame_stages.read_time,
    astrometry_stages.read_wcs,
    astrometry_stages.refuse_unreachable_targets,
    frame_stages.read_detector,
    star_stages.find_sources,
    sky_match_stage.match_to_sky,
    astrometry_stages.place_targets_in_file,
    star_flux_stage.measure_stars,
    calibration_stages.choose_comparison_stars,
    calibration_stages.fit_zero_points,
    target_stages.measure_targets,
)


def reduce_frame(
    path: Path, request: ReductionRequest, reference: ReferenceCatalogue
) -> FrameReduction:
    """Reduce every image plane of a FITS file; every failure is a stated outcome.

    The answer is a function of the file, the request, the catalogue's tiles and the
    software alone: the same input gives the same bits.
    """
    frame = _Frame(request, reference)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with open_fits(path) as hdus:
                frame.count = plane_count(hdus)
                frame.mosaic.n_planes = frame.count
                started = time.perf_counter()
                for plane in read_planes(hdus):
                    frame.add_seconds("read", started)
                    frame.reduce_plane(plane, caught)
                    started = time.perf_counter()
                doubted = frame.mosaic.to_doubt()
                for number, plane in zip(
                    doubted, read_planes(hdus, doubted), strict=False
                ):
                    if frame.reduce_doubted(number, plane, caught):
                        break
                again = frame.mosaic.to_try_again()
                for number, plane in zip(again, read_planes(hdus, again), strict=True):
                    frame.reduce_again(number, plane, caught)
        except Stop as stop:
            frame.give_up(stop)
    planes = waiting_together(frame.planes)
    planes = told_together(planes, frame.mosaic.sentences, frame.mosaic.away_deg)
    return FrameReduction(tuple(planes), frame.fingerprint, frame.seconds)


@dataclass(slots=True)
class _Frame:
    """The answers for a file's planes as they come."""

    request: ReductionRequest
    reference: ReferenceCatalogue
    count: int = 1
    mosaic: Mosaic = field(default_factory=Mosaic)
    planes: list[PlaneReduction] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    fingerprint: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def add_seconds(self, stage: str, started: float) -> None:
        """Count the time since `started` for a stage."""
        spent = time.perf_counter() - started
        self.seconds[stage] = self.seconds.get(stage, 0.0) + spent

    def reduce_plane(self, plane: Plane, caught: list[warnings.WarningMessage]) -> None:
        """Run the stages on one plane and keep its answer."""
        started = time.perf_counter()
        self.digests.append(pixel_digest(plane.pixels))
        self.fingerprint = fingerprint(self.digests, plane.header)
        self.add_seconds("fingerprint", started)
        plane.image = image_name(plane, len(self.planes), self.count)
        state = self._reduced(plane, self.mosaic.others(plane), caught)
        self.mosaic.learn(len(self.planes), state)
        self.planes.append(answer(state, len(self.planes), self.count))

    def reduce_doubted(
        self, number: int, plane: Plane, caught: list[warnings.WarningMessage]
    ) -> bool:
        """Ask a plane's stars, its header is in doubt; True when the file's place is.

        Then the stars have placed it, or wait for those that can.
        """
        state = self._reduced(plane, self.mosaic.others(plane, doubted=True), caught)
        self.mosaic.learn(number, state)
        self.planes[number] = answer(state, number, self.count)
        waits = state.outcome is Outcome.WAITING_FOR_CATALOGUE
        return waits or state.matches is not None

    def reduce_again(
        self, number: int, plane: Plane, caught: list[warnings.WarningMessage]
    ) -> None:
        """Run the stages with what the file's other planes tell of the pointing.

        Where that does not help, the first answer stands, unless it was of a place
        that no chip of the file can be at.
        """
        plane.image = image_name(plane, number, self.count)
        others = self.mosaic.others(plane, alone=True)
        state = self._reduced(plane, others, caught)
        if state.matches is None:
            if number not in self.mosaic.strays:
                return
            stop = Stop(Outcome.NO_WCS, reason=_STRAY)
            state.outcome, state.message = stop.outcome, stop.message
        self.mosaic.learn(number, state)
        self.planes[number] = answer(state, number, self.count)

    def _reduced(
        self, plane: Plane, others: OtherChips, caught: list[warnings.WarningMessage]
    ) -> PlaneState:
        """Run the stages until one of them ends in an outcome."""
        state = PlaneState(plane, self.request, self.reference, others)
        try:
            for stage in STAGES:
                started = time.perf_counter()
                stage(state)
                self.add_seconds(stage.__name__, started)
                if state.outcome is not None:
                    break
        except Stop as stop:
            state.outcome, state.message = stop.outcome, stop.message
        if state.shown_elsewhere is not None:
            state.outcome, state.message = state.shown_elsewhere
        state.warnings += [*plane.notes, *astropy_texts(caught)]
        if plane.damaged_cards:
            cards = ", ".join(dict.fromkeys(plane.damaged_cards))
            state.warnings.append(f"Header cards that cannot be read: {cards}.")
        caught.clear()
        return state

    def give_up(self, stop: Stop) -> None:
        """Answer for every plane that could not be read."""
        for number in range(len(self.planes), max(self.count, len(self.planes) + 1)):
            self.planes.append(
                PlaneReduction(
                    plane=number,
                    plane_count=self.count,
                    plane_name="",
                    outcome=stop.outcome,
                    message=stop.message,
                    provenance=provenance(self.reference, (), METHOD),
                )
            )


def answer(
    state: PlaneState, number: int, count: int, method: str = METHOD
) -> PlaneReduction:
    """Freeze what the stages found out about a plane."""
    outcome = need(state.outcome, "measure_targets")
    hashes = () if state.reference is None else state.reference.tile_hashes
    return PlaneReduction(
        plane=number,
        plane_count=count,
        plane_name=state.plane.name,
        outcome=outcome,
        message=verdict_of(state),
        provenance=provenance(state.catalogue, hashes, method),
        timing=state.timing,
        filter=state.filter,
        wcs=state.wcs,
        quality=state.quality,
        zero_point=state.zero_point,
        residual_map=residual_map_of(state),
        measurements=state.measurements,
        missing_tiles=state.missing_tiles,
        warnings=tuple(state.warnings),
        flags=tuple(state.frame_flags),
        image=state.plane.image,
        explanation=explanation(state, outcome, best_of(state.measurements)),
    )


def provenance(
    reference: ReferenceCatalogue, hashes: tuple[str, ...], method: str
) -> Provenance:
    """Say what the numbers depend on."""
    return Provenance(
        software_version=version("bhtom-cpcs"),
        method=method,
        catalogue_name=reference.name,
        catalogue_release=reference.release,
        tile_hashes=hashes,
    )


def astropy_texts(caught: list[warnings.WarningMessage]) -> list[str]:
    """Say once what astropy warned of while it read the file."""
    texts = [
        " ".join(str(entry.message).split())[:200]
        for entry in caught
        if issubclass(entry.category, AstropyWarning)
    ]
    return list(dict.fromkeys(texts))[:_MOST_WARNINGS]
