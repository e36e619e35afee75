"""Stars of which some are wrong, nobody knows which, and what they say of a band."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bhtom_cpcs.science.calibration.ranking import BandStars, rank_bands
from bhtom_cpcs.science.calibration.star_likelihoods import log_likelihoods
from bhtom_sky import BANDS, make_sky

ERROR_MAG = 0.03


def spoilt(
    rng: np.random.Generator, n: int, share: float, scatter: float = 0.0
) -> np.ndarray:
    """Differences about 20 mag, a share of them those of blends and strangers."""
    good = rng.normal(20, np.hypot(ERROR_MAG, scatter), n)
    blends, strangers = rng.exponential(0.4, n), rng.uniform(-4, 4, n)
    wrong = np.where(rng.random(n) < 0.5, blends, strangers)
    return good + np.where(rng.random(n) < share, wrong, 0.0)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4])
def test_the_likelihood_is_that_of_the_truth_or_better(share: float) -> None:
    """It is the greatest of all, so that even the truth beats it by little."""
    for seed in range(20):
        difference = spoilt(np.random.default_rng(seed), 60, share, 0.02)
        error = np.full(60, ERROR_MAG)
        found = log_likelihoods(difference, error, 20.05, 0.1).sum()
        variance = ERROR_MAG**2 + 0.02**2
        off = difference - 20
        good = np.exp(-(off**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
        wrong = (1 / 8 + np.exp(-np.abs(off) / 0.4) / 0.8) / 2
        truth = np.log((1 - share) * good + share * wrong).sum()
        # the share of wrong stars is never quite none
        assert found > truth - 1.5


def test_a_wrong_star_costs_as_much_wherever_it_is() -> None:
    rng = np.random.default_rng(4)
    difference, error = spoilt(rng, 40, 0.0), np.full(40, ERROR_MAG)
    near, far = difference.copy(), difference.copy()
    near[0], far[0] = 22.0, 24.0
    costs = [
        log_likelihoods(values, error, 20.0, 0.001).sum()
        for values in (difference, near, far)
    ]
    assert costs[0] > costs[1] >= costs[2]
    assert costs[1] - costs[2] < 1


@given(
    st.lists(st.floats(-40, 40), min_size=5, max_size=30),
    st.floats(1e-6, 2),
    st.floats(-40, 40),
    st.floats(-1, 100),
)
@settings(max_examples=80, deadline=None)
def test_any_stars_have_a_likelihood(
    difference: list[float], error: float, start: float, variance: float
) -> None:
    values = np.array(difference)
    errors = np.full(len(values), error)
    found = log_likelihoods(values, errors, start, variance)
    assert np.isfinite(found).all()
    again = log_likelihoods(values, errors, start, variance)
    assert (found == again).all()


@pytest.mark.parametrize(("n", "least"), [(8, 87), (12, 95)])
def test_the_right_band_is_found_among_few_stars_and_wrong_ones(
    n: int, least: int
) -> None:
    """Of a hundred frames; by plain scatter of those that agree it was 79 and 86."""
    right = 0
    for seed in range(10):
        magnitude = make_sky(seed, (10.0, 10.0), 0.2, n, faintest=17.0).magnitude
        for band in BANDS:
            rng = np.random.default_rng([seed, n, ord(band)])
            seen = magnitude[band] - spoilt(rng, n, 0.3) + 20
            stars = {
                name: BandStars(values - seen, np.full(n, ERROR_MAG))
                for name, values in magnitude.items()
            }
            ranking = rank_bands(stars)
            right += ranking.ties(ranking.ranked)[0] == band
    assert right >= least
