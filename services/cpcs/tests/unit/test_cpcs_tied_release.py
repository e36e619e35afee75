"""A plane comes from the release that its passband is tied to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from bhtom_cpcs.calibrations.pinning import with_used
from bhtom_cpcs.calibrations.tied_release import reduce_with_ties
from bhtom_cpcs.science.decisions import PinnedRelease
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.reduction import (
    FrameReduction,
    PlaneReduction,
    Provenance,
)
from bhtom_cpcs.science.results.zero_point import ZeroPoint

WAITS, LACKS, FAILS = "waits", "lacks", "fails"
_OUTCOMES = {
    WAITS: Outcome.WAITING_FOR_CATALOGUE,
    LACKS: Outcome.NO_REFERENCE_IN_BAND,
    FAILS: Outcome.NO_WCS,
}


@dataclass(frozen=True)
class Release:
    """As much of a catalogue as is asked for here."""

    release: str
    name: str = "GaiaSP"


def plane(number: int, count: int, shows: str, release: str) -> PlaneReduction:
    zero_point = None
    if shows not in _OUTCOMES:
        zero_point = ZeroPoint(
            **{"passband": f"GaiaSP/{shows}", "passband_text": "", "value": 25.0},
            **{"error": 0.01, "scatter": 0.02, "n_stars": 9, "n_matched": 9},
            **{"outlier_fraction": 0.0, "matching_radius_arcsec": 1.0, "ranking": ()},
        )
    return PlaneReduction(
        number,
        count,
        "",
        _OUTCOMES.get(shows, Outcome.CALIBRATED),
        "",
        Provenance("1", "psf-1", "GaiaSP", release),
        zero_point=zero_point,
    )


def pin(passband: str | None, release: str) -> PinnedRelease:
    return PinnedRelease("GaiaSP", release, passband and f"GaiaSP/{passband}")


def reduced(
    shows: Mapping[str, tuple[str, ...]], *pins: PinnedRelease
) -> tuple[list[tuple[str | None, str]], list[str], FrameReduction]:
    """Band and release of each plane, the releases tried, and the whole answer.

    `shows` has, by release in the order on offer, what each plane shows.
    """
    tried = []

    def reduce(catalogue: Release) -> FrameReduction:
        tried.append(catalogue.release)
        planes = shows[catalogue.release]
        return FrameReduction(
            tuple(
                plane(number, len(planes), one, catalogue.release)
                for number, one in enumerate(planes)
            ),
            "f" * 64,
        )

    offered: Iterator[Release] = map(Release, shows)
    found = reduce_with_ties(offered, pins, reduce)  # type: ignore[arg-type]
    answers = [
        (
            one.zero_point and one.zero_point.passband.removeprefix("GaiaSP/"),
            one.provenance.catalogue_release,
        )
        for one in found.planes
    ]
    return answers, tried, found


def test_a_first_frame_takes_the_newest_and_only_it() -> None:
    assert reduced({"2": ("r",)})[:2] == ([("r", "2")], ["2"])


def test_a_new_passband_begins_with_what_the_others_have() -> None:
    shows = {"1": ("i",), "2": ("i",)}
    assert reduced(shows, pin("r", "1"))[:2] == ([("i", "1")], ["1"])


def test_a_plane_goes_straight_to_its_own_release() -> None:
    shows = {"3": ("i",), "2": ("i",), "1": ("i",), "4": ("i",)}
    pins = pin("r", "3"), pin("g", "2"), pin("i", "1")
    assert reduced(shows, *pins)[:2] == ([("i", "1")], ["3", "1"])


def test_planes_of_a_colour_camera_come_each_from_its_own() -> None:
    shows = {"2": ("r", "g", "i", FAILS), "1": ("r", "g", "i", FAILS)}
    pins = pin("r", "2"), pin("g", "1"), pin("i", "2")
    answers, tried, found = reduced(shows, *pins)
    assert answers == [("r", "2"), ("g", "1"), ("i", "2"), (None, "2")]
    assert tried == ["2", "1"]
    assert found.pixel_fingerprint == "f" * 64
    assert [one.plane for one in found.planes] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("shows", "expected"),
    [
        # What the tie's release does not cover, the next one serves,
        ({"1": (WAITS,), "2": ("r",)}, ("r", "2")),
        # whatever showed the band first.
        ({"3": ("r",), "1": (WAITS,), "2": ("r",)}, ("r", "3")),
        # A wait is for the newest.
        ({"1": (WAITS,), "2": (WAITS,)}, (None, "2")),
        ({"1": (LACKS,), "2": ("z",)}, ("z", "2")),
        # A failure that no release changes is looked for once.
        ({"1": (FAILS,), "2": ("r",)}, (None, "1")),
        ({"1": (LACKS,), "2": (WAITS,)}, (None, "1")),
    ],
)
def test_where_a_release_does_not_serve_another_does(
    shows: dict[str, tuple[str, ...]], expected: tuple[str | None, str]
) -> None:
    answers, _, found = reduced(shows, pin("r", "1"), pin("i", "3"))
    assert answers == [expected]
    assert found.planes[0].warnings == ()


def test_a_release_that_is_no_longer_here_ties_nothing() -> None:
    assert reduced({"2": ("r",)}, pin("r", "1"))[0] == [("r", "2")]


def test_where_the_tie_shows_another_band_that_one_counts() -> None:
    shows = {"2": ("r",), "1": ("R",)}
    answers, _, found = reduced(shows, pin("i", "2"), pin("r", "1"), pin("R", "1"))
    assert answers == [("R", "1")]
    assert found.planes[0].warnings == ()


def test_what_no_tie_serves_is_said() -> None:
    shows = {"2": ("R",), "1": ("r",)}
    answers, tried, found = reduced(shows, pin("r", "2"), pin("R", "1"))
    assert answers == [("R", "2")]
    assert tried == ["2", "1"]
    (warning,) = found.planes[0].warnings
    assert "Points in R(GaiaSP) are tied to release 1" in warning
    assert "calibrated with 2" in warning


def test_a_request_of_before_is_tied_as_a_whole() -> None:
    shows = {"1": ("i",), "2": ("i",)}
    assert reduced(shows, pin(None, "1"))[0] == [("i", "1")]
    own = pin(None, "1"), pin("i", "2")
    assert reduced(shows, *own)[0] == [("i", "2")]


@pytest.mark.parametrize(
    ("shows", "pins"),
    [
        ({"2": ("r", "i"), "1": ("r", "i")}, [pin("r", "2"), pin("i", "1")]),
        ({"1": (WAITS, "r"), "2": ("r", "r")}, [pin("r", "1")]),
        ({"2": ("R",), "1": ("r",)}, [pin("r", "2"), pin("R", "1")]),
        ({"1": ("z",), "2": ("z",)}, [pin("r", "1"), pin("g", "2")]),
        ({"2": ("r",)}, []),
        ({"1": (WAITS,), "2": ("r",)}, [pin(None, "1")]),
    ],
)
def test_a_repeat_takes_each_plane_from_the_same_release(
    shows: dict[str, tuple[str, ...]], pins: list[PinnedRelease]
) -> None:
    """Also when a newer release has come, in which nothing is as it was."""
    answers, _, _ = reduced(shows, *pins)
    used = [pin(band, release) for band, release in answers if band is not None]
    tied = with_used(pins, used)
    on_offer = {one.release: shows[one.release] for one in tied}
    newest = {"9": tuple("u" for _ in answers)}
    assert reduced(on_offer | newest, *tied)[0] == answers
