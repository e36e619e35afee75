"""The point-spread model, and fluxes fitted with it, on stars whose truth is known."""

import numpy as np
import pytest

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.detection import detect
from bhtom_cpcs.science.stars.psf_fit import fit_psf
from bhtom_cpcs.science.stars.psf_model import PsfModel, model_of
from bhtom_cpcs.science.stars.psf_photometry import fit_positions, fit_sources
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_sky.rendering import add_stars

GAIN, READ_E, SKY_E = 1.5, 8.0, 300.0
RMS = np.sqrt(SKY_E + READ_E**2) / GAIN
NOISE = PixelNoise(RMS, GAIN, READ_E, 1.0, False)


def light_within(radius: float, fwhm: float, beta: float) -> float:
    """Share of a Moffat star's light within a radius."""
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    return 1 - (1 + (radius / alpha) ** 2) ** (1 - beta)


def starlight(
    x: np.ndarray, y: np.ndarray, flux: np.ndarray, fwhm: float, side: int
) -> np.ndarray:
    image = np.zeros((side, side), dtype=np.float32)
    add_stars(image, (x, y, flux), fwhm, 3.0, 1e-4)
    return image


def exposed(light: np.ndarray, seed: int) -> np.ndarray:
    """Photon and read noise on light [ADU], sky subtracted."""
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(light * GAIN + SKY_E) + rng.normal(0, READ_E, light.shape)
    return ((electrons - SKY_E) / GAIN).astype(np.float32)


@pytest.mark.parametrize("fwhm", [1.6, 2.5, 5.0, 9.0])
def test_stamps_are_the_light_in_the_pixels(fwhm: float) -> None:
    rng = np.random.default_rng(1)
    psf = model_of(Shape(fwhm, softness=1 / 3), 0)
    x, y = rng.uniform(60, 61, (2, 20))
    half = psf.half_px
    stamps = psf.stamps(x, y, half)
    scale = light_within(psf.normalisation_radius_px, fwhm, 3.0)
    for number in range(len(x)):
        place = x[number : number + 1], y[number : number + 1]
        image = starlight(*place, np.ones(1), fwhm, 121) / scale
        column, row = round(float(x[number])), round(float(y[number]))
        part = image[row - half : row + half + 1, column - half : column + half + 1]
        assert np.abs(stamps[number] - part).max() < 2e-3 * part.max()
        assert np.abs((stamps[number] - part).sum()) < 2e-3


def test_gradients_are_the_stamps_derivatives() -> None:
    psf = model_of(Shape(2.2, 0.1, -0.05, 0.3), 10)
    x, y, step = np.array([7.13, 8.4]), np.array([9.31, 4.77]), 1e-4
    by_x, by_y = psf.gradients(x, y, 8)
    assert np.allclose(
        by_x, (psf.stamps(x + step, y, 8) - psf.stamps(x - step, y, 8)) / (2 * step)
    )
    assert np.allclose(
        by_y, (psf.stamps(x, y + step, 8) - psf.stamps(x, y - step, 8)) / (2 * step)
    )


def crowd(seed: int, fwhm: float, count: int, side: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(10, side - 10, (2, count))
    return x, y, 10 ** rng.uniform(2.8, 5.3, count)


@pytest.mark.parametrize(("count", "widest"), [(40, 1.12), (420, 1.15)])
def test_errors_are_those_of_the_fluxes(count: int, widest: float) -> None:
    """Sparse, and at one star per 40 FWHM^2."""
    pulls, empty = [], []
    psf = model_of(Shape(3.0, softness=1 / 3), 0)
    for seed in range(3):
        x, y, flux = crowd(seed, 3.0, count, 400)
        pixels = exposed(starlight(x, y, flux, 3.0, 400), seed + 10)
        nothing = np.random.default_rng(seed).uniform(20, 380, (2, 60))
        found = fit_positions(
            pixels, None, psf, NOISE, *np.concatenate([[x, y], nothing], axis=1)
        )
        truth = np.concatenate([flux * light_within(12.0, 3.0, 3.0), np.zeros(60)])
        off = found.flux - truth
        pulls.append(off[:count] / found.error[:count])
        empty.append(off[count:] / found.empty_error[count:])
        assert 0.9 < np.median(found.chi2) < 1.1
    pull, at_nothing = np.concatenate(pulls), np.concatenate(empty)
    assert 1 / widest < np.std(pull) < widest
    assert abs(np.mean(pull)) < 4 / np.sqrt(len(pull))
    assert 0.8 < np.std(at_nothing) < 1.2


def test_edges_masks_and_nowhere_are_said() -> None:
    place = np.array([30.2]), np.array([30.4])
    pixels = exposed(starlight(*place, np.array([2e4]), 3.0, 60), 1)
    mask = np.zeros(pixels.shape, dtype=bool)
    mask[30, 30] = mask[0, 0] = True
    psf = model_of(Shape(3.0, softness=1 / 3), 0)
    x = np.array([30.2, 0.3, np.nan, -40.0, 12.0])
    y = np.array([30.4, 20.0, 4.0, 20.0, 12.0])
    found = fit_positions(pixels, mask, psf, NOISE, x, y)
    assert found.complete.tolist() == [False, False, False, False, True]
    assert np.isfinite(found.flux).tolist() == [True, True, False, False, True]
    assert np.isfinite(found.empty_error).tolist() == [True, True, False, False, True]
    # the pixels that are left still tell the star's flux
    assert abs(found.flux[0] - 2e4 * light_within(12, 3, 3)) < 4 * found.error[0]
    assert len(fit_positions(pixels, None, psf, NOISE, x[:0], y[:0]).flux) == 0


def test_two_stars_in_one_place_have_no_flux_each() -> None:
    place = np.array([30.0]), np.array([30.0])
    pixels = exposed(starlight(*place, np.array([1e4]), 3.0, 60), 2)
    psf: PsfModel = model_of(Shape(3.0, softness=1 / 3), 0)
    twice = np.array([30.0, 30.0])
    found = fit_positions(pixels, None, psf, NOISE, twice, twice)
    assert np.all(np.isfinite(found.flux))
    assert np.all(found.error > 100 * found.photon_error)
    assert found.flux.sum() == pytest.approx(1e4, rel=0.05)


def lopsided(
    x: np.ndarray, y: np.ndarray, flux: np.ndarray, side: int, *, varying: bool
) -> np.ndarray:
    """Stars with a fainter, wider companion image: no Moffat profile fits them."""
    image = np.zeros((side, side))
    half = 26
    for place_x, place_y, light in zip(x, y, flux, strict=True):
        u = (place_x - side / 2) / side if varying else 0.0
        parts = ((0.8, 0.0, 3.0 * (1 + 0.25 * u)), (0.2, 1.1, 4.0 * (1 + 0.25 * u)))
        for share, shift, fwhm in parts:
            at_x, at_y = np.array([place_x + shift]), np.array([place_y + shift / 2])
            shape = Shape(fwhm, 0.15 * u, 0.0, 0.3)
            stamp = model_of(shape, 1).stamps(at_x, at_y, half)[0]
            row, column = int(np.rint(at_y[0])), int(np.rint(at_x[0]))
            rows = slice(row - half, row + half + 1)
            image[rows, column - half : column + half + 1] += share * light * stamp
    return image


@pytest.mark.parametrize("varying", [False, True])
def test_psf_follows_the_stars(varying: bool) -> None:
    """A form that is no Moffat profile, and one that changes over the frame."""
    rng = np.random.default_rng(12)
    side, count = 700, 130
    x, y = rng.uniform(30, side - 30, (2, count))
    flux = 10 ** rng.uniform(3.3, 5.3, count)
    pixels = exposed(lopsided(x, y, flux, side, varying=varying), 3)
    sources = detect(pixels, None, RMS, 3.0)
    psf = fit_psf(pixels, None, sources, sources.flags == 0, Shape(3.6), NOISE)
    assert (psf.variation is not None) == varying
    fitted = fit_sources(pixels, None, psf, NOISE, sources)
    found, fluxes = fitted.sources, fitted.fluxes
    distance = np.hypot(found.x[:, None] - x, found.y[:, None] - y)
    star = np.argmin(distance, axis=0)
    alone = np.sum(distance < 9.0, axis=0) == 1
    assert alone.sum() > 80
    ratio = -2.5 * np.log10(fluxes.flux[star] / flux)[alone]
    error = (1.0857 * fluxes.error / fluxes.flux)[star][alone]
    bright = flux[alone] > 2e4
    assert np.median(fluxes.chi2[star][alone][bright]) < 1.25
    pull = (ratio - np.median(ratio[bright])) / error
    assert 1.4826 * np.median(np.abs(pull)) < 1.25
    assert abs(np.median(ratio[bright]) - np.median(ratio[~bright])) < 0.01
    assert psf.normalisation.scatter_mag < 0.006


def test_same_psf_everywhere_stays_the_same() -> None:
    """Noise is not taken for a change over the frame, nor for a form."""
    for seed in range(3):
        x, y, flux = crowd(40 + seed, 3.0, 90, 600)
        pixels = exposed(starlight(x, y, flux, 3.0, 600), seed)
        sources = detect(pixels, None, RMS, 3.0)
        psf = fit_psf(pixels, None, sources, sources.flags == 0, Shape(3.6), NOISE)
        analytic = model_of(psf.shape, 1)
        place = np.array([300.2]), np.array([300.4])
        change = psf.stamps(*place, 8) - analytic.stamps(*place, 8)
        assert psf.variation is None
        assert np.abs(change).max() < 5e-3 * analytic.stamps(*place, 8).max()


def test_a_guessed_psf_is_less_certain() -> None:
    x, y, flux = crowd(40, 3.0, 90, 600)
    pixels = exposed(starlight(x, y, flux, 3.0, 600), 1)
    sources = detect(pixels, None, RMS, 3.0)
    told, guessed = (
        fit_psf(pixels, None, sources, usable, Shape(3.6), NOISE)
        for usable in (sources.flags == 0, sources.flags < 0)
    )
    assert told.n_stars > 20
    assert guessed.n_stars == 0
    assert guessed.normalisation.scatter_mag > 0.03 > told.normalisation.scatter_mag


@pytest.mark.parametrize("fwhm", [1.0, 1.2])
def test_stars_of_one_pixel_keep_their_width(fwhm: float) -> None:
    """On the way there the profile is as soft as it may be; it must not stay so."""
    rng = np.random.default_rng(8)
    x, y = rng.uniform(12, 388, (2, 150))
    flux = 10 ** rng.uniform(3.3, 5.0, 150)
    pixels = exposed(starlight(x, y, flux, fwhm, 400), 1)
    sources = detect(pixels, None, RMS, 2.8)
    psf = fit_psf(pixels, None, sources, sources.flags == 0, Shape(2.85), NOISE)
    assert psf.fwhm_px == pytest.approx(fwhm, rel=0.01)
    assert psf.shape.softness == pytest.approx(1 / 3, abs=0.02)


def test_few_stars_give_a_round_profile() -> None:
    x, y, flux = np.array([60.3, 130.1]), np.array([70.2, 90.7]), np.array([9e4, 6e4])
    pixels = exposed(starlight(x, y, flux, 3.0, 200), 1)
    sources = detect(pixels, None, RMS, 3.0)
    psf = fit_psf(pixels, None, sources, sources.flags == 0, Shape(4.5), NOISE)
    assert psf.n_stars == 2
    assert psf.ellipticity == 0
    assert psf.fwhm_px == pytest.approx(3.0, rel=0.05)
