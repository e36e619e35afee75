"""Saturation and gain, on frames whose detector is known."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits
from scipy.signal import fftconvolve

from bhtom_cpcs.science.frames.detector import Detector, read_detector
from bhtom_cpcs.science.frames.gain import (
    Gain,
    StarsGain,
    settled_gain,
)
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import make_plane
from bhtom_cpcs.science.frames.saturation import pile_up_level
from bhtom_cpcs.science.frames.stated_gains import stated_gains
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.stars.detection import detect, subtract_background
from bhtom_cpcs.science.stars.first_look import first_look
from bhtom_cpcs.science.stars.flat_tops import flat_top_level
from bhtom_cpcs.science.stars.psf_fit import fit_psf
from bhtom_cpcs.science.stars.psf_shape import Shape

FloatArray = npt.NDArray[np.float64]

SIDE = 512
GAIN, READ_NOISE = 1.7, 9.0


def frame(
    seed: int = 1,
    *,
    sky: float | FloatArray = 800.0,
    brightest: float = 3e6,
    fwhm: float = 4.0,
    n_stars: int = 120,
    noise: int = 0,
) -> FloatArray:
    """Light in ADU, with photon and read noise of the camera above."""
    random = np.random.default_rng(seed)
    row, column = np.indices((SIDE, SIDE))
    light = np.zeros((SIDE, SIDE)) + sky
    sigma = fwhm / 2.3548
    for _ in range(n_stars):
        x, y = random.uniform(20, SIDE - 20, 2)
        box = np.s_[int(y) - 20 : int(y) + 21, int(x) - 20 : int(x) + 21]
        away = (column[box] - x) ** 2 + (row[box] - y) ** 2
        total = brightest * random.uniform() ** 4 + 500
        light[box] += total / (2 * np.pi * sigma**2) * np.exp(-away / 2 / sigma**2)
    random = np.random.default_rng((seed, noise))
    electrons = random.poisson(light * GAIN)
    return (electrons + random.normal(0, READ_NOISE, light.shape)) / GAIN


def header_of(cards: dict[str, Any]) -> fits.Header:
    header = fits.Header()
    for name, value in cards.items():
        header[name] = value
    return header


def detector(
    image: FloatArray, cards: dict[str, Any] | None = None, **camera: float
) -> Detector:
    plane = make_plane("image", header_of(cards or {}), image.astype(np.float32), ())
    return read_detector(plane, CameraSettings(**camera))  # type: ignore[arg-type]


def clipped(image: FloatArray, ceiling: float) -> FloatArray:
    return np.minimum(np.rint(image), ceiling)


def sky_and_stars(image: FloatArray, gain: float = GAIN) -> tuple[float, float | None]:
    """Level of the sky, and of the flat tops above it."""
    pixels = np.ascontiguousarray(image, dtype=np.float32)
    sky = subtract_background(pixels, None)
    width = first_look(pixels, None, sky.rms)
    found = detect(pixels, None, sky.rms, width)
    noise = PixelNoise(sky.rms, gain, None, 1.0, False)
    level: float | None = np.inf
    for _ in range(2):  # as the stage does: the second time without saturated stars
        whole = found.peak < (np.inf if level is None else level)
        psf = fit_psf(pixels, None, found, whole, Shape(width), noise)
        level = flat_top_level(pixels, None, found, psf, sky.rms)
    return sky.level, level


@pytest.mark.parametrize(("vignetting", "scale"), [(0.1, 1.0), (0.3, 1 / 65535)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_stars_with_flat_tops_tell_the_ceiling(
    seed: int, vignetting: float, scale: float
) -> None:
    row, column = np.indices((SIDE, SIDE)) / SIDE - 0.5
    flat = 1 - 2 * vignetting * (row**2 + column**2)
    flat *= np.random.default_rng(seed).normal(1, 0.01, row.shape)
    image = (clipped(frame(seed, brightest=3e6), 16383) - 310) / flat * scale
    sky, above = sky_and_stars(image, GAIN / scale)
    assert above is not None
    ceiling = (16383 - 310) * scale
    assert 0.93 * ceiling < sky + above < 1.1 * ceiling
    whole = (frame(seed, brightest=3e5) - 310) / flat * scale
    assert sky_and_stars(whole, GAIN / scale)[1] is None


def test_crowds_pairs_and_discs_have_no_flat_tops() -> None:
    for seed in range(4):
        assert sky_and_stars(frame(seed, brightest=4e5, n_stars=1500))[1] is None
    far = fftconvolve(frame(5, brightest=2e6) - 800, _disc(9), mode="same") + 800
    assert (
        sky_and_stars(far + np.random.default_rng(1).normal(0, 20, far.shape))[1]
        is None
    )


def _disc(radius_px: int) -> FloatArray:
    offset = np.arange(-radius_px, radius_px + 1)
    inside = offset[:, None] ** 2 + offset[None, :] ** 2 <= radius_px**2
    return inside / inside.sum()


def test_few_photons_are_no_ceiling() -> None:
    counts = np.random.default_rng(1).poisson(3, (SIDE, SIDE)).astype(np.float32)
    assert pile_up_level(counts) is None


def test_ceiling_of_a_converter_is_seen() -> None:
    for ceiling in (4095.0, 16383.0, 4 * 16383.0, 52000.0):
        level = pile_up_level(clipped(frame(), ceiling).astype(np.float32))
        assert level is not None
        assert 0.97 * ceiling < level <= ceiling


def test_ceiling_smeared_by_dark_and_flat_is_seen() -> None:
    row, column = np.indices((SIDE, SIDE)) / SIDE
    random = np.random.default_rng(8)
    vignetting = 1 - 0.12 * ((row - 0.5) ** 2 + (column - 0.5) ** 2)
    flat = vignetting * random.normal(1, 0.01, row.shape)
    for ceiling in (16383.0, 65535.0):
        image = (clipped(frame(brightest=8e6), ceiling) - 310) / flat
        level = pile_up_level(image.astype(np.float32))
        assert level is not None
        assert 0.9 * ceiling < level < 1.06 * ceiling
        saturated = frame(brightest=8e6) >= ceiling
        found = image >= level
        assert np.count_nonzero(found & saturated) > 0.85 * saturated.sum()


@pytest.mark.parametrize("fwhm", [2.0, 4.0, 9.0])
@pytest.mark.parametrize("brightest", [2e4, 2e5, 2e6])
def test_unsaturated_stars_have_no_ceiling(fwhm: float, brightest: float) -> None:
    for seed in (2, 3, 4):
        image = frame(seed, fwhm=fwhm, brightest=brightest)
        assert pile_up_level(np.rint(image).astype(np.float32)) is None


def test_pixels_correct_a_stated_limit_that_is_too_high() -> None:
    image = clipped(frame(), 16383.0)
    assert detector(image, {"SATURATE": 65535}).saturation_adu < 16384
    assert detector(image, {"SATURATE": 9000.0}).saturation_adu == 9000.0
    stated = detector(frame(), saturation_adu=40000.0)
    assert stated.saturation_adu == 40000.0
    assert stated.saturated_fraction == pytest.approx(
        np.mean(frame() >= 40000.0), abs=1e-5
    )


def test_limits_of_saturation_and_linearity_the_lower_counts() -> None:
    cards = {"SATURATE": 60000.0, "MAXLIN": 45000.0}
    assert detector(frame(), cards).saturation_adu == 45000.0
    # the brightest pixel of the data is no limit of the detector
    assert detector(frame(), {"DATAMAX": 20000.0}).saturation_adu is None
    said = {"DATAMAX": (20000.0, "maximum good data value")}
    assert detector(frame(), said).saturation_adu == 20000.0


@pytest.mark.parametrize(
    ("cards", "gain"),
    [
        ({"EGAIN": 1.14}, 1.14),
        ({"EGAIN": 1.14, "GAIN": 139}, 1.14),
        ({"GAIN": 1.5}, 1.5),
        ({"GAIN": (12.0, "e-/ADU")}, 12.0),
        ({"GAIN": (1.0, "[electrons/count] Pixel gain")}, 1.0),
        ({"GAIN": 100}, None),
        ({"GAIN": 20}, None),
        ({"GAIN": (8, "camera gain in 0.1 dB")}, None),
        ({"GAIN": (4, "ISO setting")}, None),
        ({"GAIN": 0}, None),
        ({"GAIN": "high"}, None),
        ({"BUNIT": "electrons", "GAIN": 2.0}, 1.0),
        ({"BUNIT": "ADU", "GAIN": 2.0}, 2.0),
        ({}, None),
    ],
)
def test_gain_cards(cards: dict[str, Any], gain: float | None) -> None:
    found = stated_gains(header_of(cards), CameraSettings())
    assert [each.value for each in found] == ([] if gain is None else [gain])


def test_a_stated_gain_that_the_sky_allows_is_kept() -> None:
    found = detector(frame(), {"EGAIN": GAIN, "RDNOISE": READ_NOISE})
    assert (found.gain_e_per_adu, found.noise_empirical) == (GAIN, False)
    assert detector(frame(), gain_e_per_adu=GAIN).gain_source == "camera"


@pytest.mark.parametrize("setting", [5.0, 7.5, 9.0, 30.5])
def test_a_gain_without_a_unit_that_the_sky_denies_is_a_setting(setting: float) -> None:
    found = detector(frame(), {"GAIN": setting, "RDNOISE": READ_NOISE})
    assert found.gain_source == "sky"
    assert found.gain_e_per_adu == pytest.approx(GAIN, rel=0.06)
    assert detector(frame(), {"GAIN": 2.0}).gain_e_per_adu == 2.0
    assert detector(frame() - 800, {"GAIN": GAIN}).gain_e_per_adu == GAIN
    said = detector(frame(), {"GAIN": (setting, "e-/ADU")})
    assert said.gain_source == "sky"  # even then: other noise must explain itself


def test_the_frames_own_gain_comes_before_the_camera_row() -> None:
    found = detector(frame(), {"EGAIN": GAIN}, gain_e_per_adu=1.0)
    assert (found.gain_e_per_adu, found.gain_source) == (GAIN, "header")
    found = detector(frame(), {"GAIN": 1.0}, gain_e_per_adu=GAIN)
    assert (found.gain_e_per_adu, found.gain_source) == (GAIN, "camera")


def test_photon_transfer_decides_between_gains_that_differ() -> None:
    gradient = np.linspace(300, 2500, SIDE)[None, :] + np.zeros((SIDE, 1))
    found = detector(frame(sky=gradient), {"EGAIN": 0.4}, gain_e_per_adu=GAIN)
    assert (found.gain_e_per_adu, found.gain_source) == (GAIN, "camera")
    found = detector(frame(sky=gradient), {"GAIN": 5.0})
    assert found.gain_source == "photon_transfer"
    assert found.gain_e_per_adu == pytest.approx(GAIN, rel=0.08)


def test_gain_of_the_sky_where_nobody_states_one() -> None:
    found = detector(frame(), {"RDNOISE": READ_NOISE, "GAIN": 139})
    assert found.noise_empirical
    assert found.gain_e_per_adu == pytest.approx(GAIN, rel=0.06)


@pytest.mark.parametrize("pedestal", [0.0, 1500.0])
def test_photon_transfer_over_an_uneven_sky_knows_no_pedestal(pedestal: float) -> None:
    gradient = np.linspace(300, 2500, SIDE)[None, :] + np.zeros((SIDE, 1))
    found = detector(frame(sky=gradient) + pedestal)
    assert found.gain_source == "photon_transfer"
    assert found.gain_e_per_adu == pytest.approx(GAIN, rel=0.08)


@pytest.mark.parametrize(
    ("factor", "cards"),
    [
        (9.0, {"EGAIN": GAIN, "NCOMBINE": 9}),  # the mean of nine frames
        (60.0, {"EGAIN": GAIN, "BUNIT": "ADU/s", "EXPTIME": 60.0}),
        (60.0, {"EGAIN": GAIN}),  # per second, and nobody says so
        (1 / 30.0, {"EGAIN": GAIN}),  # scaled up
    ],
)
def test_averaged_and_divided_frames_get_an_effective_gain(
    factor: float, cards: dict[str, Any]
) -> None:
    if "NCOMBINE" in cards:
        image = np.mean([frame(noise=number) for number in range(9)], axis=0)
    else:
        image = frame() / factor
    found = detector(image, {"RDNOISE": 0.1, **cards})
    assert found.gain_e_per_adu == pytest.approx(factor * GAIN, rel=0.15)
    assert found.noise_empirical == ("BUNIT" not in cards)


@pytest.mark.parametrize("factor", [0.1, 0.3, 3.0, 10.0])
@pytest.mark.parametrize("whole", [True, False])
def test_a_stated_gain_that_the_sky_denies_leaves_a_doubt(
    factor: float, whole: bool
) -> None:
    image = np.rint(frame()).astype(np.uint16) if whole else frame()
    header = header_of({"EGAIN": factor * GAIN, "RDNOISE": READ_NOISE})
    plane = make_plane("image", header, image.astype(image.dtype), ())
    evidence = read_detector(plane, CameraSettings()).gain_evidence
    assert evidence is not None
    both = [evidence.gain, *evidence.rivals]
    by_sky = next(gain for gain in both if gain.source == "sky")
    assert by_sky.value == pytest.approx(GAIN, rel=0.06)
    # whole numbers may have a pedestal: until stars tell, too little is believed
    assert evidence.gain.is_stated == (whole and factor < 1)
    for stars in (0.7 * GAIN, 1.3 * GAIN):
        assert settled_gain(evidence, by_stars(stars), 1.0) == by_sky
        # a sky that was put back, or dark current: the stars know neither
        told = settled_gain(evidence, by_stars(factor * stars), 1.0)
        assert told.value == factor * GAIN
    assert settled_gain(evidence, None, 1.0) == evidence.gain
    for useless in (by_stars(GAIN, 20.0), by_stars(0.01 * GAIN, misfit=0.1)):
        assert settled_gain(evidence, useless, 1.0) == evidence.gain


def by_stars(gain: float, error: float = 0.1, misfit: float = 0.01) -> StarsGain:
    return StarsGain(gain, error * gain, misfit)


def test_the_stars_gain_counts_where_nothing_else_is_near() -> None:
    evidence = detector(frame() - 800, {"EGAIN": GAIN}).gain_evidence
    assert evidence is not None
    for factor in (0.2, 5.0):
        found = settled_gain(evidence, by_stars(factor * GAIN), 1.0)
        assert found == Gain(factor * GAIN, "stars")
    # what is wrong with the PSF passes for noise, never for its absence
    assert settled_gain(evidence, by_stars(0.2 * GAIN, misfit=0.1), 1.0).is_stated
    assert not settled_gain(evidence, by_stars(5 * GAIN, misfit=0.1), 1.0).is_stated
    # resampled pixels, or stars too faint to be seen: either may be
    for gain in (GAIN, 4 * GAIN):
        assert settled_gain(evidence, by_stars(gain), 2.0) == Gain(GAIN, "header")
    assert settled_gain(evidence, by_stars(12 * GAIN), 2.0).value == 3 * GAIN
    nobody = detector(frame() - 800.5).gain_evidence
    assert nobody is not None
    assert settled_gain(nobody, by_stars(GAIN), 1.0) == Gain(GAIN, "stars")


def test_a_gain_that_the_sky_agrees_with_asks_no_star() -> None:
    evidence = detector(frame(), {"EGAIN": GAIN}).gain_evidence
    assert evidence is not None
    assert evidence.is_sure
    assert settled_gain(evidence, by_stars(9 * GAIN), 1.0) == Gain(GAIN, "header")


def test_sky_subtracted_frames_keep_the_stated_gain() -> None:
    found = detector(frame() - 800, {"EGAIN": GAIN})
    assert (found.gain_e_per_adu, found.gain_source) == (GAIN, "header")
    unknown = detector(frame() - 800.5)
    assert unknown.noise_empirical


def test_a_pedestal_is_no_sky() -> None:
    cards = {"PEDESTAL": -1000, "EGAIN": GAIN}
    assert detector(frame() + 1000, cards).gain_source == "header"


def test_whole_numbers_of_one_exposure_have_a_pedestal_no_average() -> None:
    raw = np.rint(frame() + 20000).astype(np.uint16)
    header = header_of({"EGAIN": GAIN})
    found = read_detector(make_plane("raw", header, raw, ()), CameraSettings())
    assert (found.gain_e_per_adu, found.gain_source) == (GAIN, "header")
    stacked = header_of({"EGAIN": GAIN, "NCOMBINE": 9})
    found = read_detector(make_plane("mean", stacked, raw, ()), CameraSettings())
    assert found.noise_empirical


def test_masked_frames_have_no_figures_of_their_own() -> None:
    header = fits.Header([("EGAIN", GAIN)])
    everything = np.ones((SIDE, SIDE), dtype=bool)
    plane = make_plane("image", header, frame().astype(np.float32), (), everything)
    found = read_detector(plane, CameraSettings())
    assert (found.gain_e_per_adu, found.sky_level_adu) == (GAIN, None)


def test_a_sky_of_single_photons_has_no_slope() -> None:
    counts = np.random.default_rng(8).poisson(0.6, (SIDE, SIDE))
    found = detector(counts.astype(float))
    assert found.sky_level_adu == 0.0
    assert found.gain_source == "none"
