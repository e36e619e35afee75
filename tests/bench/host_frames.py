"""Frames of targets beside galaxies and beside stars, for the benchmark of hosts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from tests.bench.found_stars import stars_of
from tests.bench.injected_scenes import GAIN, READ_E, SKY_E

if TYPE_CHECKING:
    from bhtom_cpcs.science.astrometry.coordinates import Astrometry
    from bhtom_cpcs.science.scene_evidence import LightAbout

FloatArray = npt.NDArray[np.float64]

# Light of a target [ADU], so that its signal to noise is about 100 at 3 px.
TARGET_ADU: Final = 8000.0
_CELL_FWHM, _STARS, _BETA = 22, 120, 3.0
_RINGS, _SPOKES, _AXIS_RATIO = 16, 12, 0.7


@dataclass(frozen=True, slots=True)
class Companion:
    """What lies beside a target; `half_light` in FWHM, 0 of a star."""

    half_light: float
    sersic: float
    apart: float
    times: float
    known: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What one frame tells of one target.

    `share` is the companion's light in a star's image at the target, over the target's
    own; `bias` the measured flux over the true one, minus 1, `error` its stated error;
    `light` is evidence for the target's scene.
    """

    share: float
    host: bool
    bias: float
    error: float
    light: "LightAbout | None"


def exposed(
    companions: Sequence[Companion], fwhm: float, seed: int, angle: FloatArray
) -> Iterator[Told]:
    """Expose a frame of targets, their companions in these directions."""
    from bhtom_cpcs.science.stars.usual_fit import usual_fit
    from bhtom_cpcs.science.targets.forced_fit import forced_fit
    from bhtom_cpcs.science.targets.host_evidence import light_about
    from bhtom_cpcs.science.targets.host_light import extended_light
    from bhtom_cpcs.science.targets.unmodelled_light import unmodelled_light

    rng = np.random.default_rng([seed, round(10 * fwhm), len(companions)])
    side = int(np.ceil(np.sqrt(len(companions))))
    cell = round(_CELL_FWHM * fwhm)
    place = np.arange(len(companions))
    x = (place % side + 0.5) * cell + rng.uniform(-0.5, 0.5, len(place))
    y = (place // side + 0.5) * cell + rng.uniform(-0.5, 0.5, len(place))
    beside = [
        (
            x[i] + one.apart * fwhm * np.cos(angle[i]),
            y[i] + one.apart * fwhm * np.sin(angle[i]),
        )
        for i, one in enumerate(companions)
    ]
    shape = ((side + 6) * cell, side * cell)
    hosts = [
        _spread(one, fwhm, *where, angle[i])
        for i, (one, where) in enumerate(zip(companions, beside, strict=True))
    ]
    targets = x, y, np.full(len(x), TARGET_ADU)
    every = [targets, _psf_stars(rng, side, cell), *hosts]
    x_of, y_of, flux = (np.concatenate(axis) for axis in zip(*every, strict=True))
    image = _rendered((x_of, y_of, flux), fwhm, shape)
    electrons = rng.poisson(GAIN * image + SKY_E) + rng.normal(0, READ_E, shape)
    light, sources, fluxes = stars_of((electrons / GAIN).astype(np.float32))
    # a frame has many more stars than galaxies of a target's brightness
    whole = (sources.flags == 0) & (sources.y > side * cell)
    stars = usual_fit(fluxes, whole, sources.x, sources.y).stars
    sky = north_up(shape)
    for i, one in enumerate(companions):
        listed = beside[i] if one.known else ([], [])
        neighbours = np.atleast_1d(listed[0]), np.atleast_1d(listed[1])
        fit = forced_fit(light, float(x[i]), float(y[i]), neighbours, 0.1)
        found = unmodelled_light(light, fit, sources)
        host = extended_light(light, fit, found.fitted, stars).found
        share = _share(hosts[i], x[i], y[i], fwhm)
        about = None
        if found.is_resolved:
            about = light_about(light, fit, found.fitted, stars, sky, said=host)
        yield Told(
            share, host, fit.flux / TARGET_ADU - 1, fit.error / TARGET_ADU, about
        )


def north_up(shape: tuple[int, int]) -> "Astrometry":
    """A field of 1 arcsec a pixel."""
    from astropy.io.fits import Header

    from bhtom_cpcs.science.astrometry.coordinates import read_astrometry

    cards = {"CRVAL": (150.0, 20.0), "CDELT": (-1 / 3600, 1 / 3600)}
    header = Header()
    for axis, kind in enumerate(("RA---TAN", "DEC--TAN")):
        header[f"CTYPE{axis + 1}"] = kind
        header[f"CRPIX{axis + 1}"] = shape[1 - axis] / 2
        for name, values in cards.items():
            header[f"{name}{axis + 1}"] = values[axis]
    return read_astrometry(header, shape)


def _spread(
    one: Companion, fwhm: float, x: float, y: float, angle: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A companion's light as points on ellipses of equal light; a star's as one."""
    flux = one.times * TARGET_ADU
    if not one.half_light:
        return np.array([x]), np.array([y]), np.array([flux])
    part = (np.arange(_RINGS) + 0.5) / _RINGS
    unit = gammaincinv(2 * one.sersic, part) / gammaincinv(2 * one.sersic, 0.5)
    radius = one.half_light * fwhm * unit**one.sersic
    turn = 2 * np.pi * (np.arange(_SPOKES) + 0.5) / _SPOKES
    long = (radius[:, None] * np.cos(turn) / np.sqrt(_AXIS_RATIO)).ravel()
    short = (radius[:, None] * np.sin(turn) * np.sqrt(_AXIS_RATIO)).ravel()
    points = _RINGS * _SPOKES
    return (
        x + long * np.cos(angle + 1) - short * np.sin(angle + 1),
        y + long * np.sin(angle + 1) + short * np.cos(angle + 1),
        np.full(points, flux / points),
    )


def _psf_stars(
    rng: np.random.Generator, side: int, cell: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Stars alone in the rows above the targets."""
    columns = int(np.ceil(_STARS / 12))
    place = np.arange(_STARS)
    step = side * cell / (columns + 1), 6 * cell / 13
    x = (place % columns + 1) * step[0] + rng.uniform(-1, 1, _STARS)
    y = side * cell + (place // columns + 1) * step[1] + rng.uniform(-1, 1, _STARS)
    return x, y, TARGET_ADU * 10 ** rng.uniform(-0.5, 1.6, _STARS)


def _rendered(
    stars: tuple[FloatArray, FloatArray, FloatArray],
    fwhm: float,
    shape: tuple[int, int],
) -> FloatArray:
    from bhtom_sky.rendering import add_stars

    image = np.zeros(shape, dtype=np.float32)
    add_stars(image, stars, fwhm, _BETA, 0.005)
    return image.astype(np.float64)


def _share(
    host: tuple[FloatArray, FloatArray, FloatArray], x: float, y: float, fwhm: float
) -> float:
    """The flux of a star's image at the target that fits the companion's light."""
    half = round(8 * fwhm)
    shape = 2 * half + 1, 2 * half + 1
    left, bottom = round(x) - half, round(y) - half
    star = _rendered(
        (np.array([x - left]), np.array([y - bottom]), np.ones(1)), fwhm, shape
    )
    light = _rendered((host[0] - left, host[1] - bottom, host[2]), fwhm, shape)
    return float(np.sum(star * light) / np.sum(star**2)) / TARGET_ADU
