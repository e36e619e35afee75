"""Targets that are not fitted as the frame's stars are: cut off, double, wide."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.stars.psf_model import PsfModel, model_of
from bhtom_cpcs.science.stars.psf_photometry import fit_positions
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.stars.usual_fit import NO_FRAME_STARS, UsualFit, usual_fit
from bhtom_cpcs.science.targets.fit_verdict import FitVerdict, judge_fit
from bhtom_cpcs.science.targets.forced_fit import FrameLight, forced_fit
from bhtom_sky import Camera, Frame

FloatArray = npt.NDArray[np.float64]
SIDE, RMS, GAIN, FLUX = 101, 10.0, 2.0, 4e5
MIDDLE = (50.3, 49.8)
WIDTHS_PX = (2.2, 3.0, 4.5)


def psf_of(fwhm: float) -> PsfModel:
    return model_of(Shape(fwhm, softness=1 / 3), 0)


def image_of(psf: PsfModel, *stars: tuple[float, float, float]) -> FloatArray:
    """Stars (FWHM along x and y from the middle, flux) without noise."""
    image, half = np.zeros((SIDE, SIDE)), 40
    for dx, dy, flux in stars:
        x, y = MIDDLE[0] + dx * psf.fwhm_px, MIDDLE[1] + dy * psf.fwhm_px
        stamp = psf.stamps(np.array([x]), np.array([y]), half)[0] * flux
        left, bottom = round(x) - half, round(y) - half
        image[bottom : bottom + 81, left : left + 81] += stamp
    return image


def usual(by_model: float = 0.3) -> UsualFit:
    """Of a frame whose stars are fitted well."""
    rng = np.random.default_rng(4)
    share = np.sort(rng.uniform(0.3, 1.0, 80))
    return UsualFit(
        1.0, by_model, share, rng.normal(0, 0.12, 80), 0.0, 0.012, NO_FRAME_STARS
    )


def verdict(
    image: FloatArray, psf: PsfModel, seed: int = 1
) -> tuple[FitVerdict, float]:
    """What is said of the target, and its fitted flux."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=image.shape) * np.sqrt(RMS**2 + np.maximum(image, 0) / GAIN)
    noise_of = PixelNoise(RMS, GAIN, None, 1.0, False)
    light = FrameLight((image + noise).astype(np.float32), None, psf, noise_of)
    fit = forced_fit(light, *MIDDLE, (np.zeros(0), np.zeros(0)), 0.3)
    return judge_fit(light, fit, fit.star, usual(), 0.0), fit.flux


@pytest.mark.parametrize("fwhm", WIDTHS_PX)
@pytest.mark.parametrize("ratio", [1.4, 1.8, 3.0])
def test_a_star_that_is_cut_off_is_saturated(fwhm: float, ratio: float) -> None:
    """Also behind a flat field: the pixels of its top differ by 1 per cent."""
    image = image_of(psf_of(fwhm), (0, 0, FLUX))
    flat = np.random.default_rng(3).normal(1, 0.01, image.shape)
    level = float(image.max()) / ratio
    found, _ = verdict(np.minimum(image, level / flat), psf_of(fwhm))
    assert found.saturated_at == pytest.approx(level, rel=0.04)


@pytest.mark.parametrize("fwhm", WIDTHS_PX)
def test_no_star_far_below_the_brightest_is_saturated(fwhm: float) -> None:
    psf = psf_of(fwhm)
    image = image_of(psf, (0, 0, FLUX))
    level = float(image.max()) / 1.8
    noise_of = PixelNoise(RMS, GAIN, None, 1.0, False)
    light = FrameLight(np.minimum(image, level).astype(np.float32), None, psf, noise_of)
    fit = forced_fit(light, *MIDDLE, (np.zeros(0), np.zeros(0)), 0.3)
    found = judge_fit(light, fit, fit.star, usual(), 2 * level)
    assert found.poor
    assert found.saturated_at is None


@pytest.mark.parametrize("fwhm", WIDTHS_PX)
def test_what_is_double_or_wide_is_poor_but_not_saturated(fwhm: float) -> None:
    psf = psf_of(fwhm)
    doubles = [
        image_of(psf, (0, 0, FLUX), (0.6 * apart, 0.8 * apart, ratio * FLUX))
        for apart in (0.5, 0.7, 0.9)
        for ratio in (0.4, 1.0)
    ]
    wide = [image_of(psf_of(fwhm * by), (0, 0, FLUX)) for by in (1.1, 1.3)]
    for image in doubles + wide:
        found, flux = verdict(image, psf)
        assert found.saturated_at is None
        assert found.poor
        assert found.misfit > 0.03 * flux


@pytest.mark.parametrize("fwhm", WIDTHS_PX)
def test_good_stars_are_neither(fwhm: float) -> None:
    psf = psf_of(fwhm)
    for flux in (0.0, 3e3, 3e4, FLUX):
        for seed in range(10):
            found, _ = verdict(image_of(psf, (0, 0, flux)), psf, seed)
            assert found == FitVerdict()


def test_the_error_covers_what_a_slight_cut_takes() -> None:
    """Where it is not certain that the star is cut off."""
    doubtful = 0
    for fwhm in WIDTHS_PX:
        image = image_of(psf_of(fwhm), (0, 0, FLUX))
        whole = verdict(image, psf_of(fwhm))[1]
        for ratio in (1.05, 1.1, 1.15, 1.2):
            cut = np.minimum(image, float(image.max()) / ratio)
            found, flux = verdict(cut, psf_of(fwhm))
            if found.saturated_at is None:
                lost = whole - flux
                assert lost < max(2 * found.misfit, 0.012 * whole)
                doubtful += found.poor
    assert doubtful


def test_what_is_usual_follows_the_stars_brightness() -> None:
    """A PSF that is wrong by 6 per cent: bright stars' fits are worse by that."""
    psf, true = psf_of(3.0), psf_of(3.2)
    rng = np.random.default_rng(8)
    places = np.arange(20.0, 400, 20)
    x, y = (axis.ravel() for axis in np.meshgrid(places, places))
    flux = 10 ** rng.uniform(3.3, 5.5, len(x))
    image = np.zeros((420, 420))
    for star in range(len(x)):
        stamp = true.stamps(x[[star]], y[[star]], 9)[0]
        column, row = round(x[star]), round(y[star])
        image[row - 9 : row + 10, column - 9 : column + 10] += flux[star] * stamp
    image += rng.normal(size=image.shape) * np.sqrt(RMS**2 + image / GAIN)
    noise = PixelNoise(RMS, GAIN, None, 1.0, False)
    found = fit_positions(image.astype(np.float32), None, psf, noise, x, y)
    told = usual_fit(found, np.ones(len(x), dtype=bool), x, y)
    assert told.by_noise == pytest.approx(1.0, abs=0.15)
    assert told.by_model > 2
    poor = told.is_poor(found.chi2, found.noise_share)
    assert np.mean(poor) < 0.01
    assert told.core < -0.02
    few = usual_fit(found, np.arange(len(x)) < 3, x, y)
    assert (few.by_noise, few.by_model) == (1.0, 1.0)
    assert float(few.limit(1.0)[0]) == 4.0
    assert np.isnan(few.missing_core(0.5, 0.01))


def test_a_lone_star_cut_off_behind_a_flat_field_has_no_magnitude(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    """The whole reduction; no card tells the detector's limit."""
    sky = field.sky
    brightness = {band: values.copy() for band, values in sky.magnitude.items()}
    for values in brightness.values():
        values[:] = np.maximum(values, values[0] - 2.0)
        values[0] -= 3.2
    lone = replace(sky, magnitude=brightness)
    path = tmp_path / "frame.fits"
    found = []
    for ratio in (1.0, 1.6):
        frame = frame_of(Camera(cosmic_rays=0.0), sky=lone)
        path.write_bytes(frame.fits_bytes)
        with fits.open(path, mode="update") as hdus:
            image = hdus[0].data.astype(np.float64)
            flat = np.random.default_rng(6).normal(1, 0.01, image.shape)
            middle = image[118:139, 118:139]
            level = float(middle.max()) / ratio
            hdus[0].data = (np.minimum(image, level) / flat).astype(np.float32)
            del hdus[0].header["SATURATE"]
        (plane,) = reduce_frame(path, field.request, field.reference).planes
        found.append(plane.measurements[0])
    assert found[0].outcome is Outcome.CALIBRATED
    assert FlagWord.POOR_FIT not in found[0].flags
    assert found[1].outcome is Outcome.TARGET_SATURATED
    assert found[1].magnitude is None
    assert found[1].limit_3sigma is None
    assert "shorter exposure" in found[1].message
