"""The robust zero point stands wrong stars and says how sure it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bhtom_cpcs.science.calibration.robust_regression import half_sample_mode
from bhtom_cpcs.science.calibration.zero_point_fit import (
    TooFewStars,
    fit_zero_point,
)

TRIALS = 200


def spoilt(rng: np.random.Generator, share: float, n: int) -> np.ndarray:
    """Differences about 25.0 with 0.03 mag errors, a share of them wrong."""
    good = 25.0 + rng.normal(0, 0.03, n)
    wrong = rng.random(n) < share
    blends = 25.0 - rng.exponential(0.4, n)
    strangers = 25.0 + rng.uniform(-4, 4, n)
    return np.where(wrong, np.where(rng.random(n) < 0.5, blends, strangers), good)


@pytest.mark.parametrize(("share", "factor"), [(0.0, 1.15), (0.3, 1.8), (0.45, 2.5)])
def test_error_against_the_ideal(share: float, factor: float) -> None:
    rng = np.random.default_rng(1)
    error = np.full(100, 0.03)
    found = [
        fit_zero_point(spoilt(rng, share, 100), error).value - 25 for _ in range(TRIALS)
    ]
    ideal = 0.03 / np.sqrt(100 * (1 - share))
    assert np.sqrt(np.mean(np.square(found))) < factor * ideal
    assert np.max(np.abs(found)) < 0.03


def test_stated_error_matches_the_spread() -> None:
    rng = np.random.default_rng(2)
    error = np.full(60, 0.03)
    fits = [fit_zero_point(spoilt(rng, 0.1, 60), error) for _ in range(TRIALS)]
    pulls = [(fit.value - 25) / fit.error for fit in fits]
    assert 0.75 < np.std(pulls) < 1.2


def test_plain_mean_fails_where_the_fit_holds() -> None:
    """The control: what 45 % wrong stars do to the estimators everybody knows."""
    difference = spoilt(np.random.default_rng(3), 0.45, 100)
    assert abs(difference.mean() - 25) > 0.1
    assert abs(fit_zero_point(difference, np.full(100, 0.03)).value - 25) < 0.02


def test_faint_stars_do_not_pass_for_scatter() -> None:
    rng = np.random.default_rng(4)
    error = np.concatenate([np.full(200, 0.01), np.full(200, 0.15)])
    fit = fit_zero_point(25 + rng.normal(0, 1, 400) * error, error)
    assert abs(fit.intrinsic_variance) < 0.005**2
    assert fit.error < 0.003


def test_outlier_fraction_and_used_agree() -> None:
    fit = fit_zero_point(spoilt(np.random.default_rng(5), 0.3, 200), np.full(200, 0.03))
    assert 0.15 < fit.outlier_fraction < 0.35
    assert fit.outlier_fraction == pytest.approx(1 - fit.used.mean())


def test_too_few_stars() -> None:
    with pytest.raises(TooFewStars):
        fit_zero_point(np.zeros(4), np.ones(4))


@given(
    st.lists(st.integers(-5120, 5120), min_size=5, max_size=60),
    st.integers(-30720, 30720),
)
@settings(max_examples=200, deadline=None)
def test_moves_with_the_data_and_forgets_their_order(
    steps: list[int], shift_steps: int
) -> None:
    # of 1/1024 mag, which add up exactly: two heaps that tie before tie after the shift
    difference, error = np.array(steps) / 1024, np.full(len(steps), 0.05)
    shift = shift_steps / 1024
    fit = fit_zero_point(difference, error)
    assert np.isfinite([fit.value, fit.error, fit.scatter]).all()
    assert difference.min() - 1e-6 <= fit.value <= difference.max() + 1e-6
    moved = fit_zero_point(difference[::-1] + shift, error)
    assert moved.value == pytest.approx(fit.value + shift, abs=1e-4)


def test_half_sample_mode_finds_the_crowd() -> None:
    rng = np.random.default_rng(6)
    values = np.concatenate([rng.normal(3, 0.05, 60), rng.uniform(-10, 10, 50)])
    assert half_sample_mode(values) == pytest.approx(3, abs=0.1)
