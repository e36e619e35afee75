"""What the PSF misses of stars that are not all alike."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.detection import detect
from bhtom_cpcs.science.stars.psf_fit import fit_psf
from bhtom_cpcs.science.stars.psf_normalisation import (
    PsfNormalisation,
    fit_normalisation,
)
from bhtom_cpcs.science.stars.psf_photometry import fit_sources
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.targets.forced_fit import ForcedFit
from bhtom_cpcs.science.targets.measuring import Measuring
from bhtom_cpcs.science.targets.target_magnitude import normalisation_error
from bhtom_sky.rendering import add_stars

GAIN, READ_E, SKY_E = 1.5, 8.0, 300.0
RMS = np.sqrt(SKY_E + READ_E**2) / GAIN
NOISE = PixelNoise(RMS, GAIN, READ_E, 1.0, False)
SIDE = 900


def stars_that_miss(
    seed: int, flux_slope: float, place_slope: float, count: int = 40
) -> PsfNormalisation:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, SIDE, (2, count))
    flux = 10 ** rng.uniform(4, 5.3, count)
    missed = flux_slope * flux / flux.max() + place_slope * x / SIDE
    noise = 0.002 * np.sqrt(1e5 / flux)
    ratio = missed / 1.0857 + rng.normal(0, np.hypot(noise, 0.002))
    ratio[:3] += 0.2  # neighbours that nobody saw
    like = np.ones(count, dtype=bool)
    return fit_normalisation(x, y, flux, ratio, noise, like, (SIDE, SIDE))


def test_noise_is_no_change_with_flux_or_place() -> None:
    shown = sum(
        found.flux_slope != 0 or found.place_slopes != (0.0, 0.0)
        for found in (stars_that_miss(seed, 0.0, 0.0) for seed in range(200))
    )
    assert shown <= 6


def test_changes_with_flux_and_place_are_found() -> None:
    found = stars_that_miss(3, 0.03, -0.04)
    assert found.flux_slope == pytest.approx(0.03, abs=0.006)
    assert found.place_slopes[0] == pytest.approx(-0.02, abs=0.003)
    assert found.scatter_mag < 0.004
    brightest = found.brightest_adu
    corner, middle = found.missed_mag(np.array([SIDE, SIDE / 2]), SIDE / 2, brightest)
    assert corner - middle == pytest.approx(-0.02, abs=0.003)
    assert found.missed_mag(0.0, 0.0, 9 * brightest) == pytest.approx(
        found.missed_mag(0.0, 0.0, brightest)
    )
    assert found.missed_mag(5.0, 0.0, 0.0, by_place=False) == 0


def test_few_stars_tell_no_change() -> None:
    found = stars_that_miss(3, 0.05, 0.0, count=8)
    assert found.flux_slope == 0
    assert stars_that_miss(3, 0.05, 0.0, count=30).flux_slope > 0.03


def frame(
    seed: int, growth: float, change: float, power: int
) -> tuple[np.ndarray, ...]:
    """Stars whose width grows with their flux, and with x to a power."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(14), np.arange(14)), axis=-1).reshape(-1, 2)
    x, y = (40 + 62 * grid + rng.uniform(-8, 8, grid.shape)).T
    flux = 10 ** rng.uniform(3.6, 5.4, len(x))
    light = np.zeros((SIDE, SIDE), dtype=np.float32)
    across = (x - SIDE / 2) / (SIDE / 2)
    wide = 1 + growth * flux / flux.max() + change * across**power
    for star in range(len(x)):
        place = x[star : star + 1], y[star : star + 1], flux[star : star + 1]
        add_stars(light, place, float(3.0 * wide[star]), 3.0, 1e-3)
    electrons = rng.poisson(light * GAIN + SKY_E) + rng.normal(0, READ_E, light.shape)
    return ((electrons - SKY_E) / GAIN).astype(np.float32), x, y, flux


def pulls_in(
    seed: int, growth: float, change: float, power: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of all stars as targets, with what the PSF misses of them and without."""
    pixels, x, y, flux = frame(seed, growth, change, power)
    sources = detect(pixels, None, RMS, 3.0)
    psf = fit_psf(pixels, None, sources, sources.flags == 0, Shape(3.3), NOISE)
    fitted = fit_sources(pixels, None, psf, NOISE, sources)
    found, fluxes = fitted.sources, fitted.fluxes
    star = np.argmin(np.hypot(found.x[:, None] - x, found.y[:, None] - y), axis=0)
    magnitude = -2.5 * np.log10(fluxes.flux[star] / flux)
    error = 1.0857 * fluxes.error[star] / fluxes.flux[star]
    missed = psf.normalisation.missed_mag(x, y, fluxes.flux[star])
    weight = 1 / (error**2 + psf.normalisation.scatter_mag**2)
    left = magnitude - np.sum(weight * magnitude) / np.sum(weight)
    missed -= np.sum(weight * missed) / np.sum(weight)
    return left / np.sqrt(1 / weight + missed**2), left / error


@pytest.mark.parametrize(
    ("growth", "change", "power", "without"),
    [
        (0.0, 0.0, 1, 1.0),  # all alike
        (0.02, 0.0, 1, 1.2),  # brighter is fatter
        (0.02, 0.04, 1, 1.2),
        (0.0, 0.05, 2, 1.0),  # as the PSF's model may change
        (0.0, 0.08, 3, 1.5),  # as it may not
    ],
)
def test_errors_hold_where_stars_are_not_alike(
    growth: float, change: float, power: int, without: float
) -> None:
    found = [pulls_in(seed, growth, change, power) for seed in range(3)]
    pulls, bare = np.concatenate(found, axis=1)
    assert 0.9 < np.sqrt(np.mean(pulls**2)) < 1.1
    # the control: what the budget would be without
    assert np.sqrt(np.mean(bare**2)) > without - 0.1


@pytest.mark.parametrize(("spatial", "expected"), [(None, 0.014), (object(), 0.006)])
def test_what_stars_share_is_not_in_the_targets_error(
    spatial: object, expected: float
) -> None:
    """A zero point that follows the place has the place's part in it."""
    psf = SimpleNamespace(
        normalisation=PsfNormalisation(
            scatter_mag=0.0005,
            flux_slope=0.02,
            place_slopes=(0.008, 0.0),
            brightest_adu=1000.0,
            centre_px=(100.0, 100.0),
            scale_px=100.0,
        )
    )
    at = SimpleNamespace(
        light=SimpleNamespace(psf=psf),
        zero_point=SimpleNamespace(spatial_term=spatial),
        stars_missed_mag=0.004,
    )
    fit = SimpleNamespace(x=200.0, y=30.0, flux=500.0)
    found = normalisation_error(cast(Measuring, at), cast(ForcedFit, fit))
    assert found == pytest.approx(np.hypot(0.0005, expected))
