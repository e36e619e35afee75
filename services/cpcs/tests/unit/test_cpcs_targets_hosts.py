"""Galaxies under and beside a target, and stars that are none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits
from scipy.signal import fftconvolve

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.stars.detection import detect
from bhtom_cpcs.science.stars.psf_model import model_of
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.stars.usual_fit import NO_FRAME_STARS, FrameStars
from bhtom_cpcs.science.targets.compact_host import compact_host
from bhtom_cpcs.science.targets.error_budget import (
    FLOOR_MAG,
    Circumstances,
    calibration_terms,
    magnitude_terms,
)
from bhtom_cpcs.science.targets.forced_fit import (
    FrameLight,
    Piece,
    PointSources,
    forced_fit,
    pinned_fit,
)
from bhtom_cpcs.science.targets.host_light import aperture_flux, extended_light
from bhtom_cpcs.science.targets.unmodelled_light import unmodelled_light
from bhtom_sky import Frame

FloatArray = npt.NDArray[np.float64]
FWHM, GAIN, RMS, SIDE, FLUX = 3.0, 2.0, 10.0, 121, 8000.0
PSF = model_of(Shape(FWHM, softness=1 / 3), 0)
MIDDLE = (60.3, 59.8)
NOBODY = (np.zeros(0), np.zeros(0))
ROW, COLUMN = np.indices((SIDE, SIDE))


def stars(*places: tuple[float, float, float], psf=PSF) -> FloatArray:
    """Stars (x, y, flux) without noise."""
    half, image = 40, np.zeros((SIDE, SIDE))
    for x, y, flux in places:
        stamp = psf.stamps(np.array([x]), np.array([y]), half)[0] * flux
        left, bottom = round(x) - half, round(y) - half
        here = (slice(bottom, bottom + 81), slice(left, left + 81))
        image[here] += stamp
    return image


def galaxy(offset_fwhm: float, flux: float, scale_px: float, sersic=1) -> FloatArray:
    """A galaxy of a Sersic profile, seen through the PSF."""
    radius = np.hypot(COLUMN - MIDDLE[0] - offset_fwhm * FWHM, ROW - MIDDLE[1])
    profile = np.exp(-((np.maximum(radius, 0.3) / scale_px) ** (1 / sersic)))
    image = PSF.stamps(np.array([20.0]), np.array([20.0]), 20)[0]
    seen: FloatArray = fftconvolve(profile, image / image.sum(), mode="same")
    return seen * flux / profile.sum()


def light_of(image: FloatArray, seed: int = 2) -> FrameLight:
    noise = np.random.default_rng(seed).normal(size=image.shape)
    pixels = image + noise * np.sqrt(RMS**2 + np.maximum(image, 0) / GAIN)
    noise_of = PixelNoise(RMS, GAIN, None, 1.0, False)
    return FrameLight(pixels.astype(np.float32), None, PSF, noise_of)


def has_host(light: FrameLight) -> bool:
    """What a reduction says of the target."""
    sources = detect(light.pixels.copy(), None, RMS, FWHM)
    fit = forced_fit(light, *MIDDLE, NOBODY, 0.3)
    found = unmodelled_light(light, fit, sources)
    return extended_light(light, fit, found.fitted).found


@pytest.mark.parametrize("offset", [0.0, 0.7, 1.0, 1.5, 2.0, 2.4, 3.0])
def test_a_galaxy_is_a_host_wherever_its_core_is(offset: float) -> None:
    for flux in (3e4, 1e5):
        for scale, sersic in ((2.0, 1), (4.0, 1), (8.0, 1), (0.002, 4)):
            image = galaxy(offset, flux, scale, sersic)
            image += stars((*MIDDLE, FLUX))
            assert has_host(light_of(image)), (flux, scale)


@pytest.mark.parametrize("offset", [0.0, 1.0, 1.5, 2.0, 2.4])
def test_a_compact_galaxy_is_a_host(offset: float) -> None:
    """Half-light radii of 0.5 and 0.8 FWHM: little light farther out tells of them."""
    for scale in (0.9, 1.45):
        for flux in (8e4, 2e5):
            image = galaxy(offset, flux, scale) + stars((*MIDDLE, FLUX))
            assert has_host(light_of(image)), (scale, flux)


@pytest.mark.parametrize("known", [False, True])
def test_as_wide_as_the_frames_stars_is_no_galaxy(*, known: bool) -> None:
    """On a plate the images of bright stars are wider than those of faint ones."""
    wide = model_of(Shape(1.3 * FWHM, softness=1 / 3), 0)
    another = (42.3, 76.8)
    light = light_of(stars((*MIDDLE, 2e5), (*another, 2e5), psf=wide))
    fit = forced_fit(light, *MIDDLE, NOBODY, 0.3)
    others = FrameStars(*(np.full(9, value) for value in (*another, 2e5, 0.0)))
    alone = PointSources(fit.stars_x, fit.stars_y, fit.stars_flux, 1)
    piece = Piece.about(light, fit.x, fit.y, 24)
    told = others if known else NO_FRAME_STARS
    assert compact_host(light, piece, alone, 0.0, told) is not known


@pytest.mark.parametrize("width", [1.0, 1.02, 0.98])
def test_close_pairs_of_stars_are_no_hosts(width: float) -> None:
    """Nor with a model of the PSF whose width is wrong by 2 per cent."""
    psf = model_of(Shape(width * FWHM, softness=1 / 3), 0)
    for offset in (0.5, 0.8, 0.9, 1.0, 1.5, 2.0, 2.4, 3.0):
        for ratio in (0.3, 1.0, 4.0, 12.0):
            beside = (MIDDLE[0] + offset * FWHM, MIDDLE[1], ratio * FLUX)
            image = stars((*MIDDLE, FLUX), beside, psf=psf)
            assert not has_host(light_of(image, seed=3)), (offset, ratio)


@pytest.mark.parametrize("flux", [0.0, 800.0, 20000.0, 400000.0])
def test_a_star_is_no_galaxy(flux: float) -> None:
    beside = (MIDDLE[0] - 5.0, MIDDLE[1] + 2.0)
    for seed in range(8):
        assert not has_host(light_of(stars((*MIDDLE, flux), (*beside, 8000.0)), seed))


def test_a_star_of_the_scene_beyond_the_edge_spoils_nothing() -> None:
    """Its flux is not known, and another star beside the target has all fitted anew."""
    image = stars((*MIDDLE, FLUX), (MIDDLE[0] + 6.0, MIDDLE[1], FLUX))[:, 52:]
    light = light_of(image)
    x, y = MIDDLE[0] - 52, MIDDLE[1]
    sources = detect(light.pixels.copy(), None, RMS, FWHM)
    beyond = (np.array([-9.0]), np.array([y]))
    fit = forced_fit(light, x, y, beyond, 0.3)
    found = unmodelled_light(light, fit, sources)
    assert len(found.stars) == 1
    assert np.isfinite(found.fitted.flux).all()
    assert not extended_light(light, fit, found.fitted).found


@pytest.mark.parametrize("beyond", [0.3, 1.0, 1.7])
def test_a_star_beyond_the_edge_is_no_galaxy(beyond: float) -> None:
    """Half of its image is light beside the target that nothing explains."""
    edge = 55
    for inside in (1.0, 1.6, 2.4):
        for flux in (3e4, 3e5):
            x = edge + inside * FWHM
            image = stars((x, MIDDLE[1], FLUX), (edge - beyond * FWHM, 60.0, flux))
            light = light_of(image[:, edge:])
            sources = detect(light.pixels.copy(), None, RMS, FWHM)
            fit = forced_fit(light, x - edge, MIDDLE[1], NOBODY, 0.3)
            found = unmodelled_light(light, fit, sources)
            host = extended_light(light, fit, found.fitted).found
            assert not host, (inside, flux)


def test_a_galaxy_near_the_edge_is_a_host() -> None:
    x = 2.5 * FWHM
    image = galaxy(0.0, 1e5, 4.0) + stars((*MIDDLE, FLUX))
    light = light_of(image[:, int(MIDDLE[0] - x) :])
    sources = detect(light.pixels.copy(), None, RMS, FWHM)
    fit = forced_fit(light, MIDDLE[0] - int(MIDDLE[0] - x), MIDDLE[1], NOBODY, 0.3)
    found = unmodelled_light(light, fit, sources)
    assert extended_light(light, fit, found.fitted).found


def test_the_fixed_aperture_holds_all_the_light() -> None:
    under = galaxy(1 / 3, 60000.0, 4.0)
    light = light_of(under + stars((*MIDDLE, 5000.0)))
    fit = pinned_fit(light, *MIDDLE, NOBODY)
    found = aperture_flux(light, fit, 0.8, 5.0)
    assert found is not None
    inside = np.hypot(COLUMN - MIDDLE[0], ROW - MIDDLE[1]) < 5 / 0.8
    assert found.flux == pytest.approx(5000.0 + under[inside].sum(), rel=0.15)
    # a larger seeing than the aperture measures nothing
    assert aperture_flux(light, fit, 4.0, 5.0) is None


def test_the_calibration_is_in_the_error_of_any_magnitude() -> None:
    at = Circumstances(
        zero_point_error_mag=0.02,
        fwhm_px=FWHM,
        normalisation_error_mag=0.01,
        exposure_time_s=60.0,
        colour_error_mag=0.04,
    )
    terms = calibration_terms(at)
    assert terms == {
        "zero_point": 0.02,
        "colour": 0.04,
        "psf_normalisation": 0.01,
        "floor": FLOOR_MAG,
    }
    fit = pinned_fit(light_of(stars((*MIDDLE, FLUX))), *MIDDLE, NOBODY)
    assert magnitude_terms(fit, at, {}) == terms
    wide = replace(at, aperture_m=0.5, air_mass=1.5)
    assert calibration_terms(wide)["scintillation"] > 0


def test_a_supernova_beside_a_core_says_so(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    """The whole reduction: flags, and all the light in the fixed aperture."""
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    (plain,) = reduce_frame(path, field.request, field.reference).planes
    (alone,) = plain.measurements
    assert FlagWord.HOST_INCLUDED not in alone.flags
    assert alone.fixed_aperture_flux_adu is None
    assert plain.quality is not None
    with fits.open(path, mode="update") as hdus:
        image = next(hdu for hdu in hdus if hdu.data is not None)
        row, column = np.indices(image.data.shape)
        core = alone.x_px + 1.5 * plain.quality.fwhm_px
        profile = np.exp(-np.hypot(column - core, row - alone.y_px) / 5.0)
        light = 5 * alone.flux_adu * profile / profile.sum()
        image.data = (image.data + light).astype(image.data.dtype)
    (plane,) = reduce_frame(path, field.request, field.reference).planes
    (found,) = plane.measurements
    assert FlagWord.HOST_INCLUDED in found.flags
    # pieces of a galaxy are no stars for the target's scene
    assert found.stars_beside == ()
    assert not found.is_resolved
    assert found.fixed_aperture_arcsec == 5.0
    assert found.fixed_aperture_flux_adu > 1.5 * alone.flux_adu
    assert found.fixed_aperture_flux_error_adu > 0
    assert found.fixed_aperture_magnitude < alone.magnitude
    terms = ("zero_point", "psf_normalisation", "floor")
    least = np.sqrt(sum(found.error_budget_mag[name] ** 2 for name in terms))
    assert found.fixed_aperture_magnitude_error > least
