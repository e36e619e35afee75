"""The pictures that go with an outcome can be read, and made again from their data."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bhtom_cpcs.science.explain.drawing import (
    detail_figure,
    draw_details,
    draw_summary,
    summary_figure,
)
from bhtom_cpcs.science.explain.explanation import Explanation, explanation_from_json
from bhtom_cpcs.science.explain.pictures import whole_frame
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_sky import Frame

SENTENCE = (
    "The target is outside the frame: it lies 45.4 deg from the frame's centre, "
    "200.0000 -24.0000 deg; check the target's position and the frame's coordinates."
)


def failure(verdict: str) -> Explanation:
    pixels = np.random.default_rng(1).normal(size=(40, 40)).astype(np.float32)
    title = "PRIMARY: target_outside_frame"
    return Explanation(title, verdict, whole_frame=whole_frame(pixels))


@pytest.fixture
def success(field, frame_of: Callable[..., Frame], tmp_path: Path) -> Explanation:
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    (plane,) = reduce_frame(path, field.request, field.reference).planes
    assert plane.explanation is not None
    return plane.explanation


@pytest.mark.parametrize("verdict", ["Fine.", SENTENCE, f"{SENTENCE} Then try again."])
@pytest.mark.parametrize("draw", [summary_figure, detail_figure])
def test_a_verdict_covers_neither_title_nor_picture(draw, verdict: str) -> None:
    figure = draw(failure(verdict))
    figure.canvas.draw()
    title, told = (text.get_window_extent() for text in figure.texts)
    assert told.y1 < title.y0
    assert told.y0 > figure.axes[0].get_window_extent().y1


def test_the_data_draw_the_same_picture_again(success: Explanation) -> None:
    kept = json.loads(json.dumps(success.to_json(), allow_nan=False))
    again = explanation_from_json(kept)
    assert draw_summary(again) == draw_summary(success)
    assert draw_details(again, "png").startswith(b"\x89PNG")
    assert b"<svg" in draw_details(again, "svg")[:400]


def test_every_matched_star_is_told_of(success: Explanation) -> None:
    stars = success.stars
    assert stars is not None
    assert stars.used.sum() > 20
    for star, reason in zip(stars.used, stars.why_not, strict=True):
        assert bool(reason) != star
    good = stars.used
    assert np.abs(np.median(stars.residual[good])) < 0.01
    assert np.isfinite(stars.colour[good]).all()
    assert stars.colour_name == "g - r"
    assert [band["passband"] for band in success.bands if band["chosen"]] == [
        "GaiaSP/r"
    ]


def test_a_star_left_out_for_another_target_is_told_of_nowhere(
    field, frame_of: Callable[..., Frame], tmp_path: Path, success: Explanation
) -> None:
    """The suite's other targets may be private: their place must not show."""
    stars = success.stars
    assert stars is not None
    (number,) = np.flatnonzero(
        stars.reference_magnitude == np.min(stars.reference_magnitude[stars.used])
    )
    star = np.argmin(
        np.abs(field.sky.magnitude["r"] - stars.reference_magnitude[number])
    )
    place = (float(field.sky.ra_deg[star]), float(field.sky.dec_deg[star]))
    path = tmp_path / "again.fits"
    path.write_bytes(frame_of().fits_bytes)
    decisions = replace(field.request.decisions, other_targets=(place,))
    request = replace(field.request, decisions=decisions)
    (plane,) = reduce_frame(path, request, field.reference).planes
    assert plane.explanation is not None
    assert plane.explanation.stars is not None
    left = plane.explanation.stars
    assert len(left.used) == len(stars.used) - 1
    away = np.hypot(left.x_px - stars.x_px[number], left.y_px - stars.y_px[number])
    assert away.min() > 1
    assert "another target" not in json.dumps(plane.to_json())
    assert "another target" not in json.dumps(plane.explanation.to_json())
