"""Targets beside galaxies and beside stars: which of them is said to be on a host.

Frames of a grid of targets, each with a companion: galaxies of 0.5 to 3 FWHM half-light
radius (exponential discs and de Vaucouleurs spheroids of axis ratio 0.7), or one star,
in the target's scene or in no list; 0 to 3 FWHM away, 0.3 to 30 times as bright as the
target. The PSF is fitted to other stars of the same frame. A host matters where its
light makes more than 2 per cent of what a star's image at the target would hold. What
many frames of different seeing decide together is measured beside what each says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from tests.bench.figures import Figure
from tests.bench.host_frames import Companion, Told, exposed

if TYPE_CHECKING:
    from bhtom_cpcs.science.scene_evidence import SceneEvidence

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/hosts.py)"
HALF_LIGHT_FWHM: Final = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
SERSIC: Final = (1.0, 4.0)
APART_FWHM: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.4, 3.0)
TIMES: Final = (0.3, 1.0, 3.0, 10.0, 30.0)
WIDTHS_PX: Final = (2.2, 3.0, 4.5)
MATTERS: Final = 0.02
# Of light curves: companions that a single frame seldom tells, and stars too faint to
# be found in one.
FAINT_TIMES: Final = (0.3, 1.0)
UNSEEN_TIMES: Final = (0.03, 0.06, 0.1, 0.2, 0.4, 1.0)
UNSEEN_APART_FWHM: Final = (0.6, 1.0, 1.5, 1.9, 2.3, 2.7)
# Of a light curve: frames, nights, seeing, and the one that companions are told in.
FRAMES, NIGHTS, SEEING_PX, MIDDLE_PX = 20, 4, (2.2, 4.5), 3.0


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
    angle = np.random.default_rng([seed, 7]).uniform(0, 2 * np.pi, len(companions))
    for one, told in zip(
        companions, exposed(companions, fwhm, seed, angle), strict=True
    ):
        yield Seen(one, told.share, told.host, told.bias, told.error)


@dataclass(frozen=True, slots=True)
class Followed:
    """What the frames of a light curve say of one target.

    `share` as in a frame of middling seeing; `said` of the frames show a host by
    themselves; `learnt` says that together they do.
    """

    companion: Companion
    share: float
    said: int
    learnt: bool


def followed(
    companions: Sequence[Companion], seed: int, n_frames: int = FRAMES
) -> list[Followed]:
    """Expose frames of different seeing and have the targets' scenes learn."""
    from bhtom_cpcs.science.targets.host_learning import learn_host

    angle = np.random.default_rng([seed, 7]).uniform(0, 2 * np.pi, len(companions))
    every: list[list[Told]] = []
    for number, fwhm in enumerate(np.linspace(*SEEING_PX, n_frames)):
        ratio = MIDDLE_PX / float(fwhm)
        there = [
            replace(one, half_light=one.half_light * ratio, apart=one.apart * ratio)
            for one in companions
        ]
        every.append(list(exposed(there, float(fwhm), 100 * seed + number, angle)))
    middle = len(every) // 3
    return [
        Followed(
            companions[number],
            told[middle].share,
            sum(one.host for one in told),
            learn_host(_evidence(told)) is not None,
        )
        for number, told in enumerate(zip(*every, strict=True))
    ]


def _evidence(told: Sequence[Told]) -> "list[SceneEvidence]":
    from bhtom_cpcs.science.scene_evidence import SceneEvidence

    widths = np.linspace(*SEEING_PX, len(told))
    return [
        SceneEvidence(
            calibration_id=number,
            mid_exposure_mjd=61000.0 + number % NIGHTS + 0.01 * number,
            night=number % NIGHTS,
            passband="GaiaSP/r",
            fwhm_arcsec=float(widths[number]),
            depth=20.0,
            light=one.light,
        )
        for number, one in enumerate(told)
        if one.light is not None
    ]


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
    return [host_figure(hosts), star_figure(stars), *many_frames()]


def many_frames() -> list[Figure]:
    """Hosts that the frames of a light curve tell together, and stars that they do."""
    galaxies = [
        Companion(half_light, sersic, apart, times)
        for half_light in (0.5, 0.8, 1.5)
        for sersic in SERSIC
        for apart in (0.0, 1.0, 2.0)
        for times in FAINT_TIMES
    ]
    unseen = [
        Companion(0.0, 1.0, apart, times)
        for apart in UNSEEN_APART_FWHM
        for times in UNSEEN_TIMES
    ]
    hosts = [one for one in followed(galaxies, 1) if one.share > MATTERS]
    stars = followed(unseen, 1)
    parts = []
    for times in FAINT_TIMES:
        some = [one for one in hosts if one.companion.times == times]
        alone = sum(one.said for one in some) / (FRAMES * max(len(some), 1))
        parts.append(
            f"{times:g} times the target's light {sum(one.learnt for one in some)} of "
            f"{len(some)} (a frame alone {alone:.0%})"
        )
    together = sum(one.learnt for one in hosts) / len(hosts)
    alone_in_all = sum(one.said for one in hosts) / (FRAMES * len(hosts))
    return [
        Figure(
            f"Hosts that {FRAMES} frames of a light curve tell together, seeing "
            f"{SEEING_PX[0]:g} to {SEEING_PX[1]:g} px",
            "more than a frame alone",
            "; ".join(parts),
            "-",
            COMMAND,
            met=together > alone_in_all,
        ),
        Figure(
            f"Stars in no list beside a target, called hosts by {FRAMES} frames "
            "together (0.03 to 1 times its light)",
            "0",
            f"{sum(one.learnt for one in stars)} of {len(stars)}",
            "-",
            COMMAND,
            met=not any(one.learnt for one in stars),
        ),
    ]


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
