"""Decisions that are pinned: what a reduction asks of them, and how they are kept."""

import json

from bhtom_cpcs.decisions.pinned import decisions_of, plain_decisions
from bhtom_cpcs.science.decisions import (
    NOTHING_DECIDED,
    BorrowedZeroPoint,
    Decisions,
    MeanPosition,
    PinnedRelease,
    Scene,
    SceneStar,
    SettledBand,
    TargetColour,
)


def borrowed(
    mjd: float, number: int, card: str = "u", error: float = 0.01
) -> BorrowedZeroPoint:
    return BorrowedZeroPoint(card, mjd, "GaiaSP/u", 25.1, error, 60.0, 1.2, number)


EVERYTHING = Decisions(
    settled_bands=(
        SettledBand("R", "GaiaSP/r", False, 7, 3, None, 60000.0),
        SettledBand("R", "GaiaSP/R", False, 12, 4, 60000.0, None),
    ),
    scenes=(Scene(11, 1, 30.0, "GaiaSP sim+1", (SceneStar(10.1, -20.30000001),)),),
    mean_positions=(MeanPosition(11, 2, 10.1, -20.3, 2025.3, 0.011, 1e-7, 9),),
    target_colours=(
        TargetColour(11, "GaiaSP/g", "GaiaSP/r", 0.1 + 0.2, 0.02, "x", 60000.1),
    ),
    borrowed_zero_points=(borrowed(60000.1, 5),),
    pinned_releases=(PinnedRelease("GaiaSP", "sim+1", "GaiaSP/r"),),
    other_targets=((10.2, -20.4),),
)


def test_decisions_come_back_from_storage_bit_by_bit() -> None:
    stored = json.loads(json.dumps(plain_decisions(EVERYTHING)))
    again = decisions_of(stored)
    assert plain_decisions(again) == plain_decisions(EVERYTHING)
    assert again.target_colours == EVERYTHING.target_colours
    assert again.scenes == EVERYTHING.scenes
    assert again.pinned_releases == EVERYTHING.pinned_releases


def test_a_release_of_before_ties_every_passband() -> None:
    stored = plain_decisions(EVERYTHING)
    stored["pinned_releases"] = [{"catalogue_name": "GaiaSP", "release": "sim+1"}]
    assert decisions_of(stored).pinned_releases == (PinnedRelease("GaiaSP", "sim+1"),)


def test_the_version_names_the_content() -> None:
    version = plain_decisions(EVERYTHING)["version"]
    assert version != plain_decisions(NOTHING_DECIDED)["version"]
    assert decisions_of(plain_decisions(EVERYTHING)).version == version


def test_a_card_means_what_it_meant_at_the_time() -> None:
    def passband(card: str | None, mjd: float) -> str | None:
        found = EVERYTHING.settled_band_of(card, mjd)
        return None if found is None else found.passband

    assert passband("R", 59999.9) == "GaiaSP/r"
    assert passband("R", 60000.0) == "GaiaSP/R"
    assert passband("V", 60000.0) is None
    assert passband(None, 60000.0) is None
    blank = Decisions(settled_bands=(SettledBand("", "GaiaSP/V", False, 0, 0),))
    found = blank.settled_band_of(None, 60000.0)
    assert found is not None
    assert found.passband == "GaiaSP/V"


def test_a_zero_point_is_borrowed_from_the_same_night_and_card() -> None:
    candidates = Decisions(
        borrowed_zero_points=(
            borrowed(60000.0, 1),
            borrowed(60000.3, 2),
            borrowed(60000.21, 3, card="g"),
            borrowed(60001.2, 4),
        )
    )
    found = candidates.borrowed_of("u", 60000.2)
    assert found is not None
    assert found.calibration_id == 2
    assert candidates.borrowed_of("u", 60000.65) is not None
    assert candidates.borrowed_of("u", 60002.0) is None
    assert candidates.borrowed_of("z", 60000.2) is None
