"""What a camera version brings along is used, and nothing without it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.calibration.borrowed import borrowed_value
from bhtom_cpcs.science.calibration.residual_map import residual_map
from bhtom_cpcs.science.calibration.zero_point_model import fit_model
from bhtom_cpcs.science.calibration.zero_point_slopes import FittedStars, LearnedSlope
from bhtom_cpcs.science.decisions import BorrowedZeroPoint
from bhtom_cpcs.science.frames.flat_residuals import flatten, residual_grid
from bhtom_cpcs.science.learned_camera import LearnedCamera, LearnedCell, LearnedFlat
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import CameraSettings
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


@pytest.mark.parametrize("shape", [(64, 96), (33, 200)])
def test_a_flat_map_is_divided_out(shape: tuple[int, int]) -> None:
    cells = [
        LearnedCell(c, r, 0.1 * (c - 1.5), 0.001) for c in range(4) for r in (0, 1)
    ]
    flat = LearnedFlat(4, 2, tuple(cells))
    pixels = np.full(shape, 1000.0, dtype=np.float32)
    flatten(pixels, flat)
    assert np.ptp(pixels, axis=0).max() < 1e-3
    made_fainter = -2.5 * np.log10(pixels[0] / 1000)
    assert made_fainter[0] == pytest.approx(-0.15, abs=1e-3)
    assert made_fainter[-1] == pytest.approx(0.15, abs=1e-3)
    assert (np.diff(made_fainter) >= -1e-6).all()


def test_doubtful_cells_are_left_alone() -> None:
    cells = (LearnedCell(0, 0, 0.02, 0.01), LearnedCell(1, 0, 0.02, 0.001))
    grid = residual_grid(LearnedFlat(2, 1, cells))
    assert grid[0, 0] == 0
    assert grid[0, 1] == pytest.approx(0.02, rel=0.01)


def test_a_vignetted_camera_learns_and_is_mended(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    """Half of the image responds 10 % less; the map of that frame takes it out."""
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    with fits.open(path) as hdus:
        image = hdus[0].data.astype(np.float32)
        header = hdus[0].header
    image[:, image.shape[1] // 2 :] *= 0.9
    fits.writeto(path, image, header, overwrite=True)
    half = (LearnedCell(0, 0, 0.0572, 1e-4), LearnedCell(1, 0, -0.0572, 1e-4))
    learned = LearnedCamera(flat=LearnedFlat(2, 1, half))
    camera = replace(CameraSettings(), learned=learned)
    before, after = (
        step_across(reduce_frame(path, request, field.reference).planes[0])
        for request in (field.request, replace(field.request, camera=camera))
    )
    assert before == pytest.approx(0.114, abs=0.03)
    assert after == pytest.approx(0.0, abs=0.03)


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


def test_the_map_tells_of_the_image_as_it_was() -> None:
    x, y, zero = np.array([10.0]), np.array([10.0]), np.zeros(1)
    applied = np.full((8, 8), 0.03)
    error = np.array([0.1])
    (cell,) = residual_map(x, y, zero, error, (100, 100), applied).cells
    assert cell.weighted_residual / cell.weight == pytest.approx(0.03)


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
