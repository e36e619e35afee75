"""Targets beside galaxies and beside stars: which of them is said to be on a host.

Frames of a grid of targets, each with a companion: galaxies of 0.5 to 3 FWHM half-light
radius (exponential discs and de Vaucouleurs spheroids of axis ratio 0.7), or one star,
in the target's scene or in no list; 0 to 3 FWHM away, 0.3 to 30 times as bright as the
target. The PSF is fitted to other stars of the same frame. A host matters where its
light makes more than 2 per cent of what a star's image at the target would hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from tests.bench.figures import Figure
from tests.bench.found_stars import stars_of
from tests.bench.injected_scenes import GAIN, READ_E, SKY_E

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/hosts.py)"
HALF_LIGHT_FWHM: Final = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
SERSIC: Final = (1.0, 4.0)
APART_FWHM: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.4, 3.0)
TIMES: Final = (0.3, 1.0, 3.0, 10.0, 30.0)
WIDTHS_PX: Final = (2.2, 3.0, 4.5)
MATTERS: Final = 0.02
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
class Seen:
    """What was said of a target beside its companion.

    `share` is the companion's light in a star's image at the target, over the target's
    own; `bias` the measured flux over the true one, minus 1, `error` its stated error.
    """

    companion: Companion
    share: float
    host: bool
    bias: float
    error: float


def grid(
    half_light: float, sersic: float = 1.0, *, known: bool = False
) -> list[Companion]:
    """Every distance with every brightness."""
    return [
        Companion(half_light, sersic, apart, times, known)
        for apart in APART_FWHM
        for times in TIMES
        if half_light or apart > 0.4  # nearer, two stars are one
    ]


def seen(companions: Sequence[Companion], fwhm: float, seed: int) -> Iterator[Seen]:
    """Expose a frame of targets with these companions and measure each."""
    from bhtom_cpcs.science.stars.usual_fit import usual_fit
    from bhtom_cpcs.science.targets.forced_fit import forced_fit
    from bhtom_cpcs.science.targets.host_light import extended_light
    from bhtom_cpcs.science.targets.unmodelled_light import unmodelled_light

    rng = np.random.default_rng([seed, round(10 * fwhm), len(companions)])
    side = int(np.ceil(np.sqrt(len(companions))))
    cell = round(_CELL_FWHM * fwhm)
    place = np.arange(len(companions))
    x = (place % side + 0.5) * cell + rng.uniform(-0.5, 0.5, len(place))
    y = (place // side + 0.5) * cell + rng.uniform(-0.5, 0.5, len(place))
    angle = rng.uniform(0, 2 * np.pi, len(place))
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
    whole = sources.flags == 0
    stars = usual_fit(fluxes, whole, sources.x, sources.y).stars
    for i, one in enumerate(companions):
        listed = beside[i] if one.known else ([], [])
        neighbours = np.atleast_1d(listed[0]), np.atleast_1d(listed[1])
        fit = forced_fit(light, float(x[i]), float(y[i]), neighbours, 0.1)
        found = unmodelled_light(light, fit, sources)
        host = extended_light(light, fit, found.fitted, stars).found
        share = _share(hosts[i], x[i], y[i], fwhm)
        yield Seen(one, share, host, fit.flux / TARGET_ADU - 1, fit.error / TARGET_ADU)


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


def measure() -> list[Figure]:
    """Hosts that are said, and stars that are called hosts."""
    hosts, stars = [], []
    for fwhm in WIDTHS_PX:
        for number, half_light in enumerate(HALF_LIGHT_FWHM):
            for sersic in SERSIC:
                hosts += seen(grid(half_light, sersic), fwhm, number + 1)
        for known in (False, True):
            for seed in (1, 2, 3):
                stars += seen(grid(0.0, known=known), fwhm, 10 * seed + known)
    return [host_figure(hosts), star_figure(stars)]


def host_figure(found: Sequence[Seen]) -> Figure:
    """Share of the hosts that matter that are said, by their light."""
    matter = [one for one in found if one.share > MATTERS]
    parts = []
    for times in TIMES:
        some = [one.host for one in matter if one.companion.times == times]
        parts.append(f"{times:g} times the target's light {sum(some)}/{len(some)}")
    compact = [
        one.host
        for one in matter
        if one.companion.half_light <= 1.0 and one.companion.times >= 3.0
    ]
    said = [one.host for one in matter]
    return Figure(
        "Hosts of 0.5 to 3 FWHM half-light radius, 0 to 3 FWHM from the target, with "
        "more than 2 % of its light in its image",
        "none stated (said as `host_included`)",
        f"{np.mean(said):.1%} of {len(said)}; {', '.join(parts)}; compact (to 1 FWHM) "
        f"and 3 times as bright or more {np.mean(compact):.1%} of {len(compact)}",
        f"flux too high by {_biases(matter)}",
        COMMAND,
    )


def star_figure(found: Sequence[Seen]) -> Figure:
    """Share of star neighbours that are called hosts."""
    parts = []
    for known, text in ((True, "in the scene"), (False, "in no list")):
        some = [one for one in found if one.companion.known is known]
        called = sum(one.host for one in some)
        bias = np.median([abs(one.bias) for one in some])
        parts.append(
            f"{text} {called} of {len(some)} (median |bias| of the flux {bias:.1%})"
        )
    return Figure(
        "Stars beside a target (0.5 to 3 FWHM, 0.3 to 30 times its light) called hosts",
        "0",
        "; ".join(parts),
        "-",
        COMMAND,
        met=not any(one.host for one in found),
    )


def _biases(found: Sequence[Seen]) -> str:
    """Median biases of the targets that are said to be on a host, and of the others."""
    parts = []
    for host, text in ((True, "where said"), (False, "where not")):
        some = [one.bias for one in found if one.host is host]
        if some:
            parts.append(f"{np.median(some):.1%} {text}")
    return ", ".join(parts)
