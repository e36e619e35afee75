"""The light about targets that no star explains, frame by frame and together."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from astropy.io.fits import Header
from scipy.signal import fftconvolve

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, read_astrometry
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.scene_evidence import LightAbout, SceneEvidence
from bhtom_cpcs.science.stars.psf_model import PsfModel, model_of
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.stars.usual_fit import FrameStars
from bhtom_cpcs.science.targets.forced_fit import (
    FrameLight,
    PointSources,
    forced_fit,
)
from bhtom_cpcs.science.targets.host_evidence import light_about
from bhtom_cpcs.science.targets.host_learning import learn_host
from bhtom_cpcs.science.targets.ring_light import usual_ring

FloatArray = npt.NDArray[np.float64]
GAIN, RMS, SIDE, FLUX = 2.0, 10.0, 240, 8000.0
WIDTHS_PX = np.linspace(2.5, 4.0, 10)
COLUMN, ROW = (axis.ravel() for axis in np.meshgrid(*2 * [40.0 + 40.0 * np.arange(5)]))
MIDDLE = 12  # of the 25 stars, the target


def rendered(psf: PsfModel, sources: list[tuple[float, float, float]]) -> FloatArray:
    half, image = 30, np.zeros((SIDE, SIDE))
    for x, y, flux in sources:
        stamp = psf.stamps(np.array([x]), np.array([y]), half)[0] * flux
        left, bottom = round(x) - half, round(y) - half
        image[bottom : bottom + 61, left : left + 61] += stamp
    return image


def galaxy(psf: PsfModel, flux: float, east_px: float, scale_px: float) -> FloatArray:
    row, column = np.indices((SIDE, SIDE))
    away = np.hypot(column - COLUMN[MIDDLE] - east_px, row - ROW[MIDDLE])
    profile = np.exp(-away / scale_px)
    image = psf.stamps(np.array([20.0]), np.array([20.0]), 20)[0]
    seen: FloatArray = fftconvolve(profile, image / image.sum(), mode="same")
    return seen * flux / profile.sum()


def north_up(*, mirrored: bool = False) -> Astrometry:
    sign = 1 if mirrored else -1
    cards = {
        "CTYPE": ("RA---TAN", "DEC--TAN"),
        "CRVAL": (150.0, 20.0),
        "CRPIX": (121.0, 121.0),
        "CDELT": (sign / 3600, 1 / 3600),
    }
    header = Header()
    for name, (first, second) in cards.items():
        header[f"{name}1"], header[f"{name}2"] = first, second
    return read_astrometry(header, (SIDE, SIDE))


def told(
    fwhm: float,
    seed: int,
    *extra: tuple[float, float, float],
    host: tuple[float, float, float] = (0.0, 0.0, 3.0),
    wide: float = 1.0,
    mirrored: bool = False,
) -> LightAbout:
    """What a frame of 25 stars tells of the one in the middle."""
    psf = model_of(Shape(fwhm, softness=1 / 3), 0)
    true = model_of(Shape(wide * fwhm, softness=1 / 3), 0)
    places = [(x, y, FLUX) for x, y in zip(COLUMN, ROW, strict=True)]
    image = rendered(true, [*places, *extra]) + galaxy(true, *host)
    noise = np.random.default_rng(seed).normal(size=image.shape)
    pixels = image + noise * np.sqrt(RMS**2 + np.maximum(image, 0) / GAIN)
    light = FrameLight(
        pixels.astype(np.float32), None, psf, PixelNoise(RMS, GAIN, None, 1.0, False)
    )
    x, y = float(COLUMN[MIDDLE]), float(ROW[MIDDLE])
    fit = forced_fit(light, x, y, (np.zeros(0), np.zeros(0)), 0.05)
    others = np.arange(25) != MIDDLE
    flux = np.full(24, FLUX)
    every = COLUMN[others], ROW[others], flux, np.zeros(24)
    stars = FrameStars(*every, *every[:3])
    alone = PointSources(fit.stars_x, fit.stars_y, fit.stars_flux, 1)
    sky = north_up(mirrored=mirrored)
    found = light_about(light, fit, alone, stars, sky, said=False)
    assert found is not None
    return found


def history(**changes: object) -> Iterator[SceneEvidence]:
    for number, fwhm in enumerate(WIDTHS_PX):
        light = told(float(fwhm), number, **changes)  # type: ignore[arg-type]
        yield SceneEvidence(
            number, 61000.0 + number, number, "GaiaSP/r", float(fwhm), 20.0, (), light
        )


def test_a_faint_host_is_learnt_that_no_frame_is_sure_of() -> None:
    frames = list(history(host=(0.2 * FLUX, 1.0, 2.0)))
    for frame in frames:
        assert frame.light is not None
        assert sum(frame.light.sectors) < 5 * frame.light.error
    found = learn_host(frames)
    assert found is not None
    assert found.star.ra_deg == pytest.approx(150.0, abs=1e-3)


def test_stars_are_no_hosts() -> None:
    assert learn_host(list(history())) is None


def test_stars_wider_than_the_model_are_no_hosts() -> None:
    """All of them are: that is the PSF's fault, and taken off."""
    assert learn_host(list(history(wide=1.04))) is None


def test_a_faint_star_beside_is_in_no_more_than_two_directions() -> None:
    for angle in (0.0, 0.4, 1.0):
        frames = []
        for number, fwhm in enumerate(WIDTHS_PX):
            x = COLUMN[MIDDLE] + 7.0 * np.cos(angle)
            y = ROW[MIDDLE] + 7.0 * np.sin(angle)
            light = told(float(fwhm), number, (x, y, 0.06 * FLUX))
            frames.append(
                SceneEvidence(
                    number, 61000.0 + number, number, "r", fwhm, 20.0, (), light
                )
            )
        assert learn_host(frames) is None


@pytest.mark.parametrize("mirrored", [False, True])
def test_directions_are_those_of_the_sky(*, mirrored: bool) -> None:
    """A star to the image's left lies east, of a mirrored image west."""
    left = (COLUMN[MIDDLE] - 7.0, ROW[MIDDLE], 0.5 * FLUX)
    sectors = told(3.0, 1, left, mirrored=mirrored).sectors
    assert int(np.argmax(sectors)) == (6 if mirrored else 2)
    north = (COLUMN[MIDDLE], ROW[MIDDLE] + 7.0, 0.5 * FLUX)
    assert int(np.argmax(told(3.0, 1, north, mirrored=mirrored).sectors)) == 0


def test_few_stars_of_a_frame_tell_nothing() -> None:
    psf = model_of(Shape(3.0, softness=1 / 3), 0)
    light = FrameLight(
        np.zeros((SIDE, SIDE), dtype=np.float32),
        None,
        psf,
        PixelNoise(RMS, GAIN, None, 1.0, False),
    )
    few = COLUMN[:7], ROW[:7], np.full(7, FLUX)
    assert usual_ring(light, FrameStars(*few, np.zeros(7), *few), FLUX) is None
