"""Cosmic rays: found, masked and told, and no star is mistaken for one."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_cpcs.science.stars.cosmic_rays import (
    find_strikes,
    light_beside,
    strikes_among,
)
from bhtom_cpcs.science.stars.detection import detect
from bhtom_cpcs.science.stars.psf_model import model_of
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_sky import Camera, Frame
from tests.bench import cosmic_rays as bench
from tests.bench import injected_scenes as scenes

NOISE = PixelNoise(8.0, 1.5, None, 1.0, False)


@pytest.mark.parametrize("kind", ["sparse", "crowded"])
@pytest.mark.parametrize(("fwhm", "beta"), [(1.8, 0.0), (1.8, 3.0), (2.2, 3.0)])
def test_sharp_stars_are_never_mistaken(kind: str, fwhm: float, beta: float) -> None:
    taken = scenes.scene(kind, beta, fwhm, 31)
    assert len(bench.found_in(taken.pixels).strikes) == 0


@pytest.mark.parametrize("fwhm", [1.8, 3.0, 5.0])
def test_tracks_in_the_sky_are_found(fwhm: float) -> None:
    taken = scenes.scene("sparse", 3.0, fwhm, 32, 60)
    hits = bench.in_sky(taken, np.random.default_rng(3), 40)
    found = bench.found_in(bench.struck(taken.pixels, hits))
    share = bench.recalled(found, hits, 10 * taken.rms)
    assert len(share) > 150
    assert share.mean() > 0.97


@pytest.mark.parametrize(("fwhm", "measured"), [(1.8, 0.5), (2.2, 0.8), (4.0, 0.95)])
def test_a_struck_target_is_flagged_and_its_flux_is_right(
    fwhm: float, measured: float
) -> None:
    found = bench.mended(scenes.scene("sparse", 3.0, fwhm, 33, 120), 5)
    assert found.flagged.mean() > 0.9
    assert found.measured.mean() > measured
    pull = found.pull[found.measured]
    assert abs(float(np.median(pull))) < 0.6
    assert float(np.quantile(np.abs(pull), 0.683)) < 1.6
    # what it would have been
    assert float(np.median(found.untouched)) > 15


@pytest.mark.parametrize("distance", [0.0, 1.5, 3.0])
@pytest.mark.parametrize("fwhm", [1.8, 2.5, 4.0])
def test_no_pair_of_stars_is_a_hit(fwhm: float, distance: float) -> None:
    """Wherever the stars are in their pixels."""
    rng = np.random.default_rng(6)
    psf = model_of(Shape(fwhm, softness=1 / 3), 0)
    for _ in range(20):
        x, y = rng.uniform(29.5, 30.5, 2)
        image = rng.normal(0, 8, (61, 61))
        for place, flux in ((x, 3e4), (x + distance, 2e4)):
            stamp = psf.stamps(np.array([place]), np.array([y]), 30)[0]
            image += flux * np.roll(stamp, round(place) - 30, 1)
        image += rng.normal(0, 1, image.shape) * np.sqrt(np.maximum(image, 0) / 1.5)
        assert len(find_strikes(image.astype(np.float32), None, psf, NOISE)) == 0


def flat_with(*spots: tuple[int, int, float]) -> np.ndarray:
    image = np.random.default_rng(9).normal(0, 8, (40, 40))
    for row, column, light in spots:
        image[row, column] += light
    return image.astype(np.float32)


def test_what_is_no_cosmic_ray() -> None:
    psf = model_of(Shape(3.0, softness=1 / 3), 0)
    hit = flat_with((20, 20, 900.0))
    assert len(find_strikes(hit, None, psf, NOISE)) == 1
    # beside a pixel that is masked, dead or saturated the steepness tells nothing
    mask = np.zeros(hit.shape, dtype=bool)
    mask[18:23, 18:23] = True
    mask[20, 20] = False
    assert len(find_strikes(hit, mask, psf, NOISE)) == 0
    dead = hit.copy()
    dead[18:23, 18:23] = -500.0
    dead[20, 20] = 900.0
    assert len(find_strikes(dead, None, psf, NOISE)) == 0
    bleeding = flat_with((20, 20, 60000.0), (21, 20, 60000.0), (22, 20, 9000.0))
    assert len(find_strikes(bleeding, None, psf, NOISE)) == 3
    assert len(find_strikes(bleeding, None, psf, NOISE, 50000.0)) == 0
    # and where stars are as sharp as hits, there is nothing to tell them by
    sharp = model_of(Shape(1.3, softness=1 / 3), 0)
    assert len(find_strikes(hit, None, sharp, NOISE)) == 0
    assert len(find_strikes(hit[:4, :4].copy(), None, psf, NOISE)) == 0


def test_light_that_is_left_of_a_source() -> None:
    image = flat_with((20, 20, 4000.0), (20, 21, 100.0))
    mask = np.zeros(image.shape, dtype=bool)
    mask[20, 20] = True
    place = np.array([20.0]), np.array([20.0])
    left = light_beside(image, mask, place, 1.0, 8.0)
    assert 4 < left[0] < 9  # 100 ADU in four pixels of 8 ADU rms


def reduced(
    frame: Frame, field, folder: Path, *hits: tuple[int, int]
) -> PlaneReduction:
    """Reduce a frame with single bright pixels added."""
    with fits.open(io.BytesIO(frame.fits_bytes)) as hdus:
        image, header = hdus[0].data.astype(np.float32), hdus[0].header.copy()
    header.remove("BZERO", ignore_missing=True)
    for row, column in hits:
        image[row, column] += 3000.0
    path = folder / "struck.fits"
    fits.PrimaryHDU(image, header).writeto(path, overwrite=True)
    (plane,) = reduce_frame(path, field.request, field.reference).planes
    return plane


def test_a_hit_on_target_and_stars_goes_through_the_whole_reduction(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    frame = frame_of(Camera(cosmic_rays=0))
    clean = reduced(frame, field, tmp_path)
    (before,) = clean.measurements
    assert "cosmic_ray" not in before.flags
    assert clean.explanation is not None
    assert clean.explanation.stars is not None
    assert "struck by a cosmic ray" not in clean.explanation.stars.why_not
    stars = clean.explanation.stars
    used = np.flatnonzero(stars.used)[-3:]
    places = [(round(stars.y_px[star]), round(stars.x_px[star]) + 2) for star in used]
    beside = round(before.y_px), round(before.x_px) + 2
    hit = reduced(frame, field, tmp_path, beside, *places)
    (after,) = hit.measurements
    assert after.outcome is Outcome.CALIBRATED
    assert "cosmic_ray" in after.flags
    assert after.error_budget_mag["cosmic_ray"] > 0
    assert after.magnitude == pytest.approx(
        before.magnitude, abs=2 * after.magnitude_error
    )
    assert hit.explanation is not None
    told = hit.explanation.stars
    assert told is not None
    for star in used:
        away = np.hypot(told.x_px - stars.x_px[star], told.y_px - stars.y_px[star])
        assert told.why_not[int(np.argmin(away))] == "struck by a cosmic ray"
    assert hit.zero_point.n_stars <= clean.zero_point.n_stars - len(used)
    assert hit.quality.masked_fraction == clean.quality.masked_fraction


def test_many_hits_are_no_sources(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    camera = Camera(fwhm_arcsec=1.6, cosmic_rays=0)
    clean = reduced(frame_of(camera), field, tmp_path)
    rained = reduced(frame_of(replace(camera, cosmic_rays=80)), field, tmp_path)
    assert rained.outcome is Outcome.CALIBRATED
    # those at the very edge stay
    assert rained.quality.n_sources < 1.2 * clean.quality.n_sources


def test_a_wrong_point_spread_function_strikes_no_stars() -> None:
    """Where the stars themselves seem too sharp, their model is wrong."""
    taken = scenes.scene("sparse", 3.0, 2.0, 34)
    light = bench.found_in(taken.pixels).light
    sources = detect(light.pixels, None, light.noise.sky_rms_adu, 2.0)
    too_wide = model_of(Shape(3.2, softness=1 / 3), 20)
    assert len(find_strikes(light.pixels, None, too_wide, light.noise)) > 20
    found, stars = strikes_among(light.pixels, None, sources, too_wide, light.noise)
    assert len(found) == 0
    assert stars.all()
    # nor where it is a guess
    hit = light.pixels.copy()
    hit[50, 50] += 3000.0
    for n_stars, number in ((20, 1), (0, 0)):
        psf = model_of(Shape(2.0, softness=1 / 3), n_stars)
        found, _ = strikes_among(hit, None, sources, psf, light.noise)
        assert len(found) == number
