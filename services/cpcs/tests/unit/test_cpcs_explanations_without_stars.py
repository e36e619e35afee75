"""What is told of a frame's stars where too few of them carry a zero point."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bhtom_cpcs.science.calibration.star_words import (
    FAINT,
    SATURATED,
    refusals_in_words,
    stars_in_words,
)
from bhtom_cpcs.science.decisions import BorrowedZeroPoint, Decisions
from bhtom_cpcs.science.explain.drawing import draw_details, draw_summary
from bhtom_cpcs.science.explain.explanation import explanation_from_json
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_sky import Frame

LENT = BorrowedZeroPoint("r", 61100.0, "GaiaSP/r", 25.0, 0.01, 60.0, 1.2, 4)


@pytest.fixture
def reduced(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> Callable[..., PlaneReduction]:
    """A frame whose stars are saturated or faint, or somebody's targets, but for two.

    With `spared` False all of them are targets.
    """
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    (plain,) = reduce_frame(path, field.request, field.reference).planes
    assert plain.timing is not None
    assert plain.filter is not None
    mjd, card = plain.timing.mid_exposure_mjd_utc, plain.filter.card
    stars = field.reference.cone(*field.sky.centre, 0.09)
    assert plain.explanation is not None
    matched = plain.explanation.stars
    assert matched is not None
    unusable = [why in (FAINT, SATURATED) for why in matched.why_not]
    left = matched.reference_magnitude[np.array(unusable)]
    left = np.append(left, matched.reference_magnitude[matched.used][:2])
    apart = ~np.isin(stars.magnitude["GaiaSP/r"], left)
    lent = replace(LENT, mid_exposure_mjd=mjd + 0.01, filter_card=card or "")

    def reduce(*, borrows: bool = False, spared: bool = True) -> PlaneReduction:
        theirs = apart | (not spared)
        places = zip(
            stars.ra_deg[theirs].tolist(), stars.dec_deg[theirs].tolist(), strict=True
        )
        decisions = Decisions(
            other_targets=tuple(places),
            borrowed_zero_points=(lent,) if borrows else (),
        )
        request = replace(field.request, decisions=decisions, camera=CameraSettings())
        return reduce_frame(path, request, field.reference).planes[0]

    return reduce


def drawn_again(plane: PlaneReduction) -> None:
    """Draw the pictures from what the JSON keeps."""
    assert plane.explanation is not None
    kept = explanation_from_json(json.loads(json.dumps(plane.explanation.to_json())))
    assert draw_details(kept, "png") == draw_details(plane.explanation, "png")
    assert draw_summary(kept) == draw_summary(plane.explanation)


def test_too_few_usable_stars_are_counted_and_shown(
    reduced: Callable[..., PlaneReduction],
) -> None:
    plane = reduced()
    assert plane.outcome is Outcome.TOO_FEW_USABLE_STARS
    assert "check the frame's coordinates" not in plane.message
    assert "for other reasons" in plane.message
    assert "target" not in plane.message
    assert plane.explanation is not None
    stars = plane.explanation.stars
    assert stars is not None
    assert len(stars.used) > 0
    assert not stars.used.any()
    assert stars.zero_point is None
    assert all(stars.why_not)
    assert "another target" not in stars.why_not
    assert np.isfinite(stars.reference_magnitude).any()
    drawn_again(plane)


def test_stars_that_lend_from_another_frame_are_shown(
    reduced: Callable[..., PlaneReduction],
) -> None:
    plane = reduced(borrows=True)
    borrowed = "zero point borrowed from another frame of the same night"
    assert borrowed in plane.message
    assert "0 stars" not in plane.message
    assert plane.explanation is not None
    assert borrowed in plane.explanation.verdict
    stars = plane.explanation.stars
    assert stars is not None
    assert stars.zero_point is not None
    assert np.isfinite(stars.residual).any()
    assert not stars.used.any()
    drawn_again(plane)


def test_a_frame_all_of_whose_stars_are_targets_shows_none(
    reduced: Callable[..., PlaneReduction],
) -> None:
    plane = reduced(spared=False)
    assert plane.outcome is Outcome.TOO_FEW_USABLE_STARS
    assert plane.explanation is not None
    assert plane.explanation.stars is None


def test_the_commonest_reason_decides_the_advice() -> None:
    told, advice = refusals_in_words(
        [FAINT] * 20 + [SATURATED] * 2 + ["another target"]
    )
    assert told == (
        "20 have a signal to noise below 10, 2 are near saturation or cut off, "
        "1 left out for other reasons"
    )
    assert "expose longer" in advice
    _, advice = refusals_in_words([SATURATED, SATURATED, FAINT])
    assert "shorter exposure" in advice
    _, advice = refusals_in_words(["another target"])
    assert refusals_in_words(["struck by a cosmic ray"])[1] == advice


def test_a_transformed_band_says_from_which() -> None:
    native = ZeroPoint(
        passband="REFCAT2/V",
        passband_text="V(REFCAT2)",
        value=25.0,
        error=0.01,
        scatter=0.02,
        n_stars=39,
        n_matched=45,
        outlier_fraction=0.0,
        matching_radius_arcsec=1.0,
        ranking=(),
        reference_passband="REFCAT2/V",
    )
    assert stars_in_words(native) == "39 stars"
    made = replace(native, source="transformation", source_bands=("g", "r"))
    words = "39 stars, V by a transformation from g and r of REFCAT2"
    assert stars_in_words(made) == words
