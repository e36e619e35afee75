"""What a camera version brings along is used, and nothing without it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.calibration.borrowed import borrowed_value
from bhtom_cpcs.science.calibration.flat_term import flat_residual, flat_term
from bhtom_cpcs.science.calibration.zero_point_model import fit_model
from bhtom_cpcs.science.calibration.zero_point_slopes import FittedStars, LearnedSlope
from bhtom_cpcs.science.decisions import BorrowedZeroPoint
from bhtom_cpcs.science.learned_camera import LearnedCamera, LearnedFlat
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import ReductionRequest
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_sky import Frame


def stars(slope: float, count: int, seed: int = 2) -> FittedStars:
    rng = np.random.default_rng(seed)
    colour = rng.normal(0.0, 0.35, count)
    error = np.full(count, 0.02)
    flat = np.zeros(count)
    return FittedStars(
        difference=25.0 + slope * colour + rng.normal(0, 0.02, count),
        error=error,
        reference_magnitude=rng.uniform(13, 17, count),
        colour=colour,
        u=flat,
        v=flat,
        air_mass=np.full(count, np.nan),
    )


def test_a_learned_colour_term_joins_the_frames_own_by_weight() -> None:
    alone = fit_model(stars(0.06, 20)).colour
    joined = fit_model(stars(0.06, 20), LearnedSlope(0.06, 0.001)).colour
    assert alone is not None
    assert joined is not None
    assert abs(joined.applied - 0.06) < 0.002 < abs(alone.applied - 0.06)
    # what the frame itself says is kept as it is: nothing is learnt twice
    assert (joined.value, joined.error) == (alone.value, alone.error)


def test_a_frame_that_contradicts_keeps_its_own_colour_term() -> None:
    alone = fit_model(stars(0.2, 60)).colour
    assert fit_model(stars(0.2, 60), LearnedSlope(-0.1, 0.005)).colour == alone


def test_few_stars_take_the_learned_colour_term() -> None:
    few = fit_model(stars(0.05, 8), LearnedSlope(0.05, 0.004)).colour
    assert fit_model(stars(0.05, 8)).colour is None
    assert few is not None
    assert (few.applied, few.n_stars) == (0.05, 0)


def test_a_learned_colour_term_needs_stars_with_a_colour() -> None:
    """Without them there is no zero point to apply it to: it is left, no crash."""
    alike, learned = stars(0.05, 40), LearnedSlope(0.05, 0.004)
    for with_colour, applied in ((4, 0.0), (5, 0.05)):
        colour = np.where(np.arange(40) < with_colour, alike.colour, np.nan)
        found = fit_model(replace(alike, colour=colour), learned)
        assert (found.colour.applied if found.colour else 0.0) == applied
        assert int(found.used.sum()) <= (40 if not applied else with_colour)
    none = fit_model(replace(alike, colour=np.full(40, np.nan)), learned)
    assert none.colour is None


def a_map(residuals: list[float], columns: int, **parts: Any) -> LearnedFlat:
    """A map of the simulated frames' size with sure cells."""
    values: dict[str, Any] = {
        "passband": "GaiaSP/r",
        "columns": columns,
        "rows": len(residuals) // columns,
        "residuals": tuple(residuals),
        "errors": (1e-4,) * len(residuals),
        "width_px": 256,
        "height_px": 256,
    }
    return LearnedFlat(**(values | parts))


@pytest.mark.parametrize("shape", [(64, 96), (33, 200)])
def test_a_flat_map_is_a_term_of_the_zero_point(shape: tuple[int, int]) -> None:
    height, width = shape
    residuals = [0.1 * (column - 1.5) for column in range(4)] * 2
    flat = a_map(residuals, 4, width_px=width, height_px=height)
    term = flat_term((flat,), "GaiaSP/r")
    assert term is not None
    x = np.arange(width, dtype=float)
    rows = [flat_residual(term, x, np.full(width, y)) for y in (0.0, height - 1.0)]
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-12)
    assert rows[0][0] == pytest.approx(-0.15, abs=1e-3)
    assert rows[0][-1] == pytest.approx(0.15, abs=1e-3)
    assert (np.diff(rows[0]) >= -1e-12).all()
    beyond = flat_residual(term, np.array([-50.0]), np.array([9e9]))
    assert beyond[0] == rows[0][0]


def test_doubtful_cells_are_left_alone() -> None:
    flat = a_map([0.02, 0.02, 0.5], 3, errors=(0.01, 0.001, None))
    term = flat_term((flat,), "GaiaSP/r")
    assert term is not None
    assert (term.residuals[0], term.residuals[2]) == (0, 0)
    assert term.residuals[1] == pytest.approx(0.02, rel=0.01)


@pytest.fixture
def vignetted(frame_of: Callable[..., Frame], tmp_path: Path) -> Path:
    """A frame half of which responds 10 % less."""
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    with fits.open(path) as hdus:
        image = hdus[0].data.astype(np.float32)
        header = hdus[0].header
    image[:, image.shape[1] // 2 :] *= 0.9
    fits.writeto(path, image, header, overwrite=True)
    return path


def with_learned(request: ReductionRequest, **learned: Any) -> ReductionRequest:
    camera = replace(request.camera, learned=LearnedCamera(**learned))
    return replace(request, camera=camera)


STEP = [0.0572, -0.0572]


def test_a_vignetted_camera_learns_and_is_mended(field, vignetted: Path) -> None:
    """The map of that band takes it out of the stars and out of the target."""
    asked = with_learned(field.request, flats=(a_map(STEP, 2),))
    before, after = (
        reduce_frame(vignetted, request, field.reference).planes[0]
        for request in (field.request, asked)
    )
    assert step_across(before) == pytest.approx(0.114, abs=0.03)
    assert step_across(after) == pytest.approx(0.0, abs=0.03)
    assert after.zero_point is not None
    term = after.zero_point.flat_term
    assert term is not None
    # The map that the frame teaches is of the image as it was.
    assert before.residual_map is not None
    assert after.residual_map is not None
    taught = [
        sum(cell.weighted_residual for cell in one.cells if cell.column < 4)
        / sum(cell.weight for cell in one.cells if cell.column < 4)
        for one in (before.residual_map, after.residual_map)
    ]
    assert taught[1] == pytest.approx(taught[0], abs=0.01)
    assert after.zero_point.scatter < before.zero_point.scatter


def test_a_target_is_measured_as_if_the_flat_were_right(
    field, frame_of: Callable[..., Frame], vignetted: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "flat.fits"
    flat.write_bytes(frame_of().fits_bytes)
    asked = with_learned(field.request, flats=(a_map(STEP, 2),))
    truth, mended = (
        reduce_frame(path, request, field.reference).planes[0].measurements[0]
        for path, request in ((flat, field.request), (vignetted, asked))
    )
    assert truth.magnitude is not None
    assert mended.magnitude is not None
    assert mended.magnitude == pytest.approx(truth.magnitude, abs=0.03)


@pytest.mark.parametrize(
    ("parts", "learned"),
    [
        ({"passband": "GaiaSP/g"}, {}),
        ({"image": "2 N2"}, {}),
        ({"colour": "G"}, {}),
        ({"binning": "2x2"}, {}),
        ({"width_px": 512}, {}),
        ({}, {"flats": (), "has_mixed_flat": True}),
    ],
)
def test_a_map_of_anything_else_is_taken_out_of_nothing_and_that_is_said(
    field, vignetted: Path, parts: dict[str, Any], learned: dict[str, Any]
) -> None:
    given = {"flats": (a_map(STEP, 2, **parts),)} | learned
    asked = with_learned(field.request, **given)
    before, after = (
        reduce_frame(vignetted, request, field.reference).planes[0]
        for request in (field.request, asked)
    )
    assert before.zero_point == after.zero_point
    (said,) = set(after.warnings) - set(before.warnings)
    assert "flat-field map" in said


def step_across(plane: PlaneReduction) -> float:
    """Bright stars' zero points in the left quarter minus those in the right one."""
    assert plane.explanation is not None
    stars = plane.explanation.stars
    assert stars is not None
    bright = stars.error < 0.03
    left = bright & (stars.x_px < 64)
    right = bright & (stars.x_px > 192)
    value = stars.star_zero_point
    return float(np.median(value[left]) - np.median(value[right]))


def test_a_borrowed_zero_point_knows_the_shutter() -> None:
    borrowed = BorrowedZeroPoint(
        passband="GaiaSP/r",
        value=25.0,
        error=0.01,
        exposure_time_s=60.0,
        air_mass=1.2,
        calibration_id=1,
        filter_card="r",
        mid_exposure_mjd=61000.0,
    )
    plain, _ = borrowed_value(borrowed, 1.0, 1.2)
    known, _ = borrowed_value(borrowed, 1.0, 1.2, 0.1)
    assert known - plain == pytest.approx(2.5 * np.log10(1.1 / (60.1 / 60)), abs=1e-9)
