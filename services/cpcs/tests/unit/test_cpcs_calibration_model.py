"""The zero point's terms: fitted where the stars show them, else absent."""

from dataclasses import replace

import numpy as np
import pytest

from bhtom_cpcs.science.calibration.linearity import is_not_linear, magnitude_slope
from bhtom_cpcs.science.calibration.zero_point_fit import fit_zero_point
from bhtom_cpcs.science.calibration.zero_point_model import fit_model
from bhtom_cpcs.science.calibration.zero_point_slopes import FittedStars

ZERO_POINT = 24.0


def stars(
    seed: int,
    n: int = 120,
    *,
    colour_slope: float = 0.0,
    tilt: tuple[float, float] = (0.0, 0.0),
    bowl: float = 0.0,
    extinction: float = 0.0,
    detector_slope: float = 1.0,
    wrong: float = 0.0,
    field_radius_deg: float = 0.2,
    noise: float = 0.02,
) -> FittedStars:
    """Stars whose differences from the reference have known causes."""
    rng = np.random.default_rng(seed)
    reference = rng.uniform(12, 16, n)
    colour = rng.normal(0.1, 0.35, n)
    u, v = rng.uniform(-1, 1, n), rng.uniform(-1, 1, n)
    air_mass = 1.5 + 0.1 * u + rng.normal(0, 0.001, n)
    error = np.full(n, noise)
    instrumental = detector_slope * (reference - 14) + 14 - ZERO_POINT
    difference = reference - instrumental + rng.normal(0, 1, n) * error
    difference += colour_slope * colour + tilt[0] * u + tilt[1] * v
    difference += bowl * (u**2 + v**2) - extinction * (air_mass - 1.5)
    bad = rng.random(n) < wrong
    difference[bad] -= rng.exponential(0.5, int(bad.sum()))
    return FittedStars(
        difference, error, reference, colour, u, v, air_mass, field_radius_deg
    )


def test_plain_frame_keeps_the_constant_to_the_bit() -> None:
    plain = 0
    for seed in range(40):
        one = stars(seed)
        model = fit_model(one)
        if (
            model.place is None
            and model.colour is not None
            and not model.colour.applied
        ):
            constant = fit_zero_point(one.difference, one.error)
            assert (model.value, model.error) == (constant.value, constant.error)
            plain += 1
    assert plain >= 38


@pytest.mark.parametrize("slope", [-0.3, 0.08, 0.98])
@pytest.mark.parametrize("wrong", [0.0, 0.3])
def test_colour_term_is_found(slope: float, wrong: float) -> None:
    pulls = []
    for seed in range(30):
        model = fit_model(stars(seed, colour_slope=slope, wrong=wrong))
        assert model.colour is not None
        assert model.colour.applied == pytest.approx(slope, abs=0.04)
        assert model.value == pytest.approx(ZERO_POINT, abs=0.02)
        pulls.append((model.colour.value - slope) / model.colour.error)
    assert 0.6 < np.std(pulls) < 1.4


@pytest.mark.parametrize("tilt", [(0.0, 0.0), (0.05, -0.03)])
def test_a_wrong_slope_has_no_effect_at_the_mean_colour(
    tilt: tuple[float, float],
) -> None:
    one = stars(5, tilt=tilt, wrong=0.2)
    one = replace(one, colour=one.colour + 0.5)
    plain = fit_model(one)
    assert plain.mean_colour is not None
    mean = plain.mean_colour
    assert mean.value == pytest.approx(0.6, abs=0.1)
    assert mean.lowest < mean.value < mean.highest
    assert (mean.error, mean.n_stars) == (0, plain.used.sum())
    assert not plain.weight[~plain.used].any()
    # a slope too small to be applied moves the zero point by its value at the mean
    moved = fit_model(replace(one, difference=one.difference + 1e-4 * one.colour))
    assert moved.colour is not None
    assert moved.colour.applied == 0
    change = moved.value - plain.value
    assert change == pytest.approx(1e-4 * mean.value, abs=5e-6)
    assert fit_model(replace(one, colour=np.full(120, np.nan))).mean_colour is None


def test_the_mean_colour_of_few_of_the_stars_is_as_sure_as_they_are_many() -> None:
    """Its error is what the other stars' colours turn out to make of it."""
    for known in (1, 3, 8, 40, 110):
        pulls, errors = [], []
        for seed in range(30):
            one = stars(seed)
            every = fit_model(one).mean_colour
            hidden = np.random.default_rng(seed).permutation(120)[known:]
            colour = one.colour.copy()
            colour[hidden] = np.nan
            some = fit_model(replace(one, colour=colour)).mean_colour
            assert every is not None
            assert some is not None
            assert every.error == 0
            assert some.n_stars <= known
            pulls.append((some.value - every.value) / some.error)
            errors.append(some.error)
        assert 0.6 < np.sqrt(np.mean(np.square(pulls))) < 1.4
        assert np.median(errors) < 0.5 / np.sqrt(known)


def test_shrinkage_and_significance() -> None:
    model = fit_model(stars(3, colour_slope=0.05))
    assert model.colour is not None
    assert 0 < model.colour.applied < model.colour.value
    few = fit_model(stars(3, n=14, colour_slope=0.03))
    assert few.colour is not None
    assert few.colour.applied == 0


def test_no_colours_no_colour_term() -> None:
    one = stars(1, colour_slope=0.4)
    unknown = replace(one, colour=np.full_like(one.colour, np.nan))
    assert fit_model(unknown).colour is None
    alike = replace(one, colour=np.full_like(one.colour, 0.2))
    assert fit_model(alike).colour is None


def test_stars_without_a_colour_are_left_out_of_a_colour_fit() -> None:
    one = stars(1, colour_slope=0.5)
    colour = one.colour.copy()
    colour[:20] = np.nan
    model = fit_model(replace(one, colour=colour))
    assert not model.used[:20].any()
    assert np.isnan(model.residual[:20]).all()
    assert model.value == pytest.approx(ZERO_POINT, abs=0.01)


def test_spatial_term_is_justified_or_absent() -> None:
    tilted = fit_model(stars(1, tilt=(0.05, -0.03)))
    assert tilted.place is not None
    assert tilted.place.order == 1
    assert tilted.place.coefficients == pytest.approx((0.05, -0.03), abs=0.012)
    bowl = fit_model(stars(2, n=300, bowl=0.08))
    assert bowl.place is not None
    assert bowl.place.order == 2
    assert bowl.value == pytest.approx(ZERO_POINT, abs=0.01)
    flat = [fit_model(stars(seed)).place for seed in range(40)]
    assert sum(place is not None for place in flat) <= 2
    few = fit_model(stars(1, n=20, tilt=(0.05, -0.03)))
    assert few.place is None


def test_extinction_across_a_wide_field() -> None:
    wide = fit_model(stars(1, n=400, extinction=0.3, field_radius_deg=2.0))
    assert wide.air_mass is not None
    assert wide.air_mass.applied == pytest.approx(-0.3, abs=0.05)
    assert wide.mean_air_mass == pytest.approx(1.5, abs=0.02)
    assert wide.place is None
    narrow = fit_model(stars(1, n=400, extinction=0.3, field_radius_deg=0.5))
    assert narrow.air_mass is None
    assert narrow.place is not None


def test_a_stretch_shows_in_few_stars_and_a_bend_in_many() -> None:
    for seed in range(20):
        assert is_not_linear(magnitude_slope(stars(seed, n=15, detector_slope=0.5)))
        assert is_not_linear(magnitude_slope(stars(seed, n=400, detector_slope=0.96)))
        assert not is_not_linear(magnitude_slope(stars(seed, n=15)))
        assert not is_not_linear(magnitude_slope(stars(seed, n=10, wrong=0.2)))


@pytest.mark.parametrize("slope", [0.5, 0.9, 1.1])
@pytest.mark.parametrize("wrong", [0.0, 0.2])
def test_stretched_frames_are_not_linear(slope: float, wrong: float) -> None:
    found = magnitude_slope(stars(1, detector_slope=slope, wrong=wrong))
    assert found is not None
    assert found[0] == pytest.approx(slope - 1, abs=0.02)
    assert is_not_linear(found)


def test_linear_frames_are_linear() -> None:
    for seed in range(40):
        assert not is_not_linear(magnitude_slope(stars(seed, wrong=0.2)))
    # redder where fainter, with a colour term: not the detector's fault
    one = stars(5, colour_slope=0.0)
    colour = one.colour + 0.15 * (one.reference_magnitude - 14)
    tinted = replace(one, colour=colour, difference=one.difference + 0.3 * colour)
    assert not is_not_linear(magnitude_slope(tinted))


def test_linearity_needs_bright_stars_over_a_range() -> None:
    assert magnitude_slope(stars(1, n=9)) is None
    assert magnitude_slope(stars(1, noise=0.1)) is None
    one = stars(1)
    alike = replace(one, reference_magnitude=14 + 0.1 * one.u)
    assert magnitude_slope(alike) is None
    assert not is_not_linear(None)
