"""Reduces a file with the releases that the passbands of its planes are tied to.

Which passband a plane shows is known only when its stars have been matched, and so
after a release was taken. Where that passband's points are tied to another one, the
file is reduced with that one too, and each plane comes from its own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.decisions import PinnedRelease
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import ReferenceCatalogue
from bhtom_cpcs.science.results.reduction import FrameReduction, PlaneReduction

# A band that one release lacks, another may have.
_LACKS_THE_BAND = (Outcome.NO_REFERENCE_IN_BAND, Outcome.UNKNOWN_FILTER)


def reduce_with_ties(
    catalogues: Iterable[ReferenceCatalogue],
    pins: Sequence[PinnedRelease],
    reduce: Callable[[ReferenceCatalogue], FrameReduction],
) -> FrameReduction:
    """Reduce a file, and again with other releases while a plane wants one.

    A plane is taken from a release that its passband is tied to; from the first that
    was tried where the passband is tied to none. Where the tie's release is no longer
    here, or does not cover the plane, another serves: a frame that waited for tiles
    which have come since must not wait for ever.

    Parameters
    ----------
    catalogues : releases of one catalogue in the order in which they are tried, those
        of the pins and then the newest; none is opened before it is needed
    pins : what the passbands are tied to; one without a passband holds for all that
        have none of their own
    reduce : reduces the file with a release
    """
    file = _File(_Opened(iter(catalogues)), pins)
    wanted = next(iter(file.catalogues))
    while True:
        found = file.reductions[wanted.release] = reduce(wanted)
        answers = [file.answer(number) for number in range(len(found.planes))]
        planes = tuple(one for one in answers if isinstance(one, PlaneReduction))
        if len(planes) == len(answers):
            return replace(found, planes=planes)
        wanted = next(one for one in answers if not isinstance(one, PlaneReduction))


class _Opened:
    """Releases that stay open once they were asked for."""

    def __init__(self, coming: Iterator[ReferenceCatalogue]) -> None:
        self._coming = coming
        self._held: list[ReferenceCatalogue] = []

    def __iter__(self) -> Iterator[ReferenceCatalogue]:
        number = 0
        while number < len(self._held) or self._opens_another():
            yield self._held[number]
            number += 1

    def _opens_another(self) -> bool:
        another = list(islice(self._coming, 1))
        self._held += another
        return bool(another)


@dataclass(frozen=True, slots=True)
class _File:
    """A file with the releases on offer, and what it is with those that were tried."""

    catalogues: _Opened
    pins: Sequence[PinnedRelease]
    reductions: dict[str, FrameReduction] = field(default_factory=dict)

    def answer(self, number: int) -> PlaneReduction | ReferenceCatalogue:
        """A plane's answer, or the release that has to be tried before it is known."""
        for catalogue in self.catalogues:
            if catalogue.release not in self.reductions:
                return catalogue
            plane = self._plane(catalogue, number)
            if _waits(plane) or plane.outcome in _LACKS_THE_BAND:
                continue
            found = self._held_to_its_tie(plane, catalogue, number)
            if found is not None:
                return found
        return self._untied(number)

    def _held_to_its_tie(
        self, plane: PlaneReduction, catalogue: ReferenceCatalogue, number: int
    ) -> PlaneReduction | ReferenceCatalogue | None:
        """The plane as its passband's tie has it; None where it shows another there."""
        tied = self._tied_to(plane)
        if not tied or catalogue.release in [other.release for other in tied]:
            return plane
        for other in tied:
            if other.release not in self.reductions:
                return other
            there = self._plane(other, number)
            if _passband(there) == _passband(plane):
                return there
        covered = any(not _waits(self._plane(other, number)) for other in tied)
        return None if covered else plane

    def _untied(self, number: int) -> PlaneReduction:
        """The best that can be said of a plane that no tie serves."""
        planes = [self._plane(catalogue, number) for catalogue in self.catalogues]
        for plane in planes:
            if _passband(plane) is not None:
                return self._said(plane)
        return next((one for one in planes if not _waits(one)), planes[-1])

    def _said(self, plane: PlaneReduction) -> PlaneReduction:
        """Say which tie a plane could not be held to."""
        releases = ", ".join(other.release for other in self._tied_to(plane))
        warning = (
            f"Points in {passband_text(str(_passband(plane)))} are tied to release "
            f"{releases}, with which this frame's stars show another band; it was "
            f"calibrated with {plane.provenance.catalogue_release}."
        )
        return replace(plane, warnings=(*plane.warnings, warning))

    def _tied_to(self, plane: PlaneReduction) -> list[ReferenceCatalogue]:
        """The releases that a plane's band is tied to, of those that are still here."""
        passband = _passband(plane)
        if passband is None:
            return []
        name = plane.provenance.catalogue_name
        pins = [pin for pin in self.pins if pin.catalogue_name == name]
        own = [pin for pin in pins if pin.passband == passband]
        counting = own or [pin for pin in pins if pin.passband is None]
        releases = {pin.release for pin in counting}
        of_pins = (one for one in self.catalogues if one.release in releases)
        return list(islice(of_pins, len(releases)))

    def _plane(self, catalogue: ReferenceCatalogue, number: int) -> PlaneReduction:
        return self.reductions[catalogue.release].planes[number]


def _passband(plane: PlaneReduction) -> str | None:
    return None if plane.zero_point is None else plane.zero_point.passband


def _waits(plane: PlaneReduction) -> bool:
    return plane.outcome is Outcome.WAITING_FOR_CATALOGUE
