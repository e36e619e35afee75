"""What the images of one file tell each other: they share the telescope's pointing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bhtom_cpcs.science.astrometry.chip_layout import chip_layout
from bhtom_cpcs.science.astrometry.other_chips import SolvedChip, is_far_from
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_cpcs.science.stages.astrometry_stages import frame_shape
from bhtom_cpcs.science.stages.plane_state import OtherChips, PlaneState
from bhtom_cpcs.science.stages.wanted_tiles import apart_deg, known_places

# How a plane ends whose stars were never matched.
_NOT_SOLVED: Final = (Outcome.NO_WCS, Outcome.TOO_FEW_MATCHES)
# And where a wrong header, believed, may have said where it is.
_OUTSIDE: Final = Outcome.TARGET_OUTSIDE_FRAME
_BY_HEADER: Final = (Outcome.WAITING_FOR_CATALOGUE, _OUTSIDE)
_GOOD_HEADER: Final = ("header", "refined")
# So many images are tried when all headers of a file may be wrong.
_MOST_DOUBTED: Final = 4
_WAITS_TOO: Final = (
    "By what is known so far, this image does not show the target, or cannot tell. It "
    "is looked at again with the file's other images, which wait for reference stars: "
    "the calibration goes on by itself when they are imported."
)


@dataclass(slots=True)
class Mosaic:
    """The planes of a file as far as they are solved, and those to try again."""

    n_planes: int = 1
    solved: dict[int, SolvedChip] = field(default_factory=dict)
    methods: dict[int, str] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    strays: set[int] = field(default_factory=set)
    unreached: set[int] = field(default_factory=set)
    away_deg: dict[int, float] = field(default_factory=dict)
    sentences: dict[int, str] = field(default_factory=dict)

    def others(
        self, plane: Plane, *, alone: bool = False, doubted: bool = False
    ) -> OtherChips:
        """What a plane may know of those solved before."""
        height, width = plane.pixels.shape
        image = plane.name.rpartition(", ")[0] if plane.colour else None
        return OtherChips(
            tuple(self.solved.values()),
            chip_layout(plane.header, (height, width), image),
            self.n_planes,
            alone,
            doubted,
        )

    def learn(self, number: int, state: PlaneState) -> None:
        """Keep where a plane is, or that nobody knows."""
        known = known_places(state)
        if state.astrometry is not None and known:
            centre = state.astrometry.centre
            self.away_deg[number] = min(apart_deg(place, centre) for place in known)
        self.sentences[number] = state.message
        self.unreached.discard(number)
        if state.outcome is _OUTSIDE and state.sources is None:
            self.unreached.add(number)
        if state.matches is None or state.astrometry is None or state.wcs is None:
            if state.outcome is not None:
                self.outcomes[number] = state.outcome
            return
        self.outcomes.pop(number, None)
        self.methods[number] = str(state.wcs.method)
        self.solved[number] = SolvedChip(
            state.astrometry,
            state.header_astrometry,
            state.others.layout,
            frame_shape(state),
            len(state.matches.source),
        )

    def to_doubt(self) -> Sequence[int]:
        """The first planes of a file none of whose headers puts a target near it."""
        all_far = 0 < len(self.unreached) == self.n_planes
        return sorted(self.unreached)[:_MOST_DOUBTED] if all_far else ()

    def to_try_again(self) -> Sequence[int]:
        """Planes that the others may solve, those first solved where none can be."""
        if self.n_planes < 2 or not self.solved:
            return ()
        anchor = self._anchor()
        self.strays = {
            number
            for number, chip in self.solved.items()
            if self.methods[number] not in _GOOD_HEADER
            and is_far_from(chip.astrometry, anchor, self.n_planes)
        }
        for number in self.strays:
            del self.solved[number]
        kinds: tuple[Outcome, ...] = _NOT_SOLVED
        if any(method not in _GOOD_HEADER for method in self.methods.values()):
            kinds = (*_NOT_SOLVED, *_BY_HEADER)
        unsolved = {n for n, outcome in self.outcomes.items() if outcome in kinds}
        return sorted(unsolved | self.strays)

    def _anchor(self) -> SolvedChip:
        """The chip that most others lie near; of equals the one with most matches."""
        chips = list(self.solved.values())

        def n_near(chip: SolvedChip) -> int:
            return sum(
                not is_far_from(other.astrometry, chip, self.n_planes)
                for other in chips
            )

        return max(chips, key=lambda chip: (n_near(chip), chip.n_matched))


def waiting_together(planes: Sequence[PlaneReduction]) -> list[PlaneReduction]:
    """Planes that no star has placed wait where another one of their file does.

    When the reference stars come, they may show that the header was wrong, and the
    target on another chip; and a chip that is placed helps the others.
    """
    waiting = [one for one in planes if one.outcome is Outcome.WAITING_FOR_CATALOGUE]
    if not waiting:
        return list(planes)
    return [
        replace(
            plane,
            outcome=Outcome.WAITING_FOR_CATALOGUE,
            message=_WAITS_TOO,
            missing_tiles=waiting[0].missing_tiles,
        )
        if plane.outcome in (_OUTSIDE, *_NOT_SOLVED)
        and (plane.wcs is None or plane.wcs.n_matched is None)
        else plane
        for plane in planes
    ]
