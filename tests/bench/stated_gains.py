"""Stated gains that are wrong: what the errors of stars' fluxes are worth then.

Frames of known stars (`injected_scenes`), sparse, as cameras and pipelines hand them
out; the camera row states the true gain of one exposure times a factor.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tests.bench.figures import Figure
from tests.bench.found_stars import matched
from tests.bench.injected_scenes import (
    GAIN,
    GRADIENT,
    MOFFAT,
    READ_E,
    SKY_E,
    Scene,
    rendered,
    scene,
)
from tests.bench.injected_truth import Residuals, joined, residuals

if TYPE_CHECKING:
    from bhtom_cpcs.science.stages.plane_state import PlaneState

FloatArray = npt.NDArray[np.float64]
Taking = Callable[[Scene, int], npt.NDArray[Any]]

COMMAND: Final = "python -m tests.bench stated_gains"
FACTORS: Final = (0.1, 0.3, 1.0, 3.0, 10.0)
SEEDS: Final = (1, 2, 3, 4)
WIDTHS_PX: Final = (2.0, 3.0, 4.5)
STACKED, EXPOSURE_S, BIAS_ADU = 9, 60.0, 1000.0
PULLS: Final = (0.9, 1.1)


def exposure(of: Scene, number: int) -> FloatArray:
    """One exposure of a scene's sky and stars, sky included [ADU]."""
    side = len(of.pixels)
    light = np.full((side, side), SKY_E, dtype=np.float64)
    light *= 1 + GRADIENT * np.linspace(-0.5, 0.5, side)[:, None]
    light += GAIN * rendered(of.x, of.y, of.flux, of.fwhm_px, of.beta, side)
    random = np.random.default_rng([number, side])
    electrons = random.poisson(light) + random.normal(0, READ_E, light.shape)
    image: FloatArray = electrons / GAIN
    return image


def _stack(of: Scene, seed: int) -> FloatArray:
    first = seed * STACKED
    return np.stack([exposure(of, first + number) for number in range(STACKED)])


def _whole_numbers(image: FloatArray) -> npt.NDArray[np.uint16]:
    return np.clip(np.rint(image), 0, 65535).astype(np.uint16)


KINDS: Final[dict[str, Taking]] = {
    "whole numbers": lambda of, seed: _whole_numbers(exposure(of, seed)),
    "whole numbers with a bias": lambda of, seed: _whole_numbers(
        exposure(of, seed) + BIAS_ADU
    ),
    "floating point": exposure,
    "mean of 9": lambda of, seed: _stack(of, seed).mean(axis=0),
    "median of 9": lambda of, seed: np.median(_stack(of, seed), axis=0),
    "per second": lambda of, seed: exposure(of, seed) / EXPOSURE_S,
    "sky subtracted": lambda of, seed: exposure(of, seed) - SKY_E / GAIN,
}


def measure() -> list[Figure]:
    """A line for each kind of frame: pull widths by the factor of the stated gain."""
    return [_figure(kind) for kind in KINDS]


def _figure(kind: str) -> Figure:
    parts, pulls = [], []
    for factor in FACTORS:
        pull, sources = pull_of(kind, factor, WIDTHS_PX, SEEDS)
        used = ", ".join(f"{name} {sources.count(name)}" for name in sorted({*sources}))
        pulls.append(pull)
        parts.append(f"x{factor:g}: {pull:.2f} ({used})")
    return Figure(
        f"Stated gain times a factor, {kind}: pull width (S/N > 20), gain used",
        f"{PULLS[0]} to {PULLS[1]}",
        "; ".join(parts),
        f"{len(WIDTHS_PX) * len(SEEDS)} frames each",
        COMMAND,
        met=all(PULLS[0] <= pull <= PULLS[1] for pull in pulls),
    )


def pull_of(
    kind: str, factor: float, widths: tuple[float, ...], seeds: tuple[int, ...]
) -> tuple[float, list[str]]:
    """Pull width of the stars of some frames, and where their gains came from."""
    found: list[Residuals] = []
    sources = []
    for width in widths:
        for seed in seeds:
            taken = scene("sparse", MOFFAT, width, seed)
            state = found_sources(KINDS[kind](taken, seed), factor * GAIN)
            assert state.quality is not None
            sources.append(state.quality.gain_source)
            found.append(_residuals(taken, state, kind))
    return joined(found).pull(), sources


def found_sources(image: npt.NDArray[Any], stated: float) -> "PlaneState":
    """Run the stages that look at the detector and find sources."""
    from astropy.io import fits

    from bhtom_cpcs.science.frames.planes import make_plane
    from bhtom_cpcs.science.request import CameraSettings, ReductionRequest
    from bhtom_cpcs.science.stages.frame_stages import read_detector
    from bhtom_cpcs.science.stages.plane_state import PlaneState
    from bhtom_cpcs.science.stages.star_stages import find_sources

    if image.dtype.kind == "f":
        image = image.astype(np.float32)
    plane = make_plane("image", fits.Header(), image, ())
    camera = CameraSettings(gain_e_per_adu=stated, read_noise_e=READ_E)
    request = ReductionRequest(targets=(), camera=camera)
    state = PlaneState(plane, request, None)  # type: ignore[arg-type]
    read_detector(state)
    find_sources(state)
    return state


def _residuals(taken: Scene, state: "PlaneState", kind: str) -> Residuals:
    """Measured minus true magnitude of the stars; the bound plays no part here."""
    sources, fluxes = state.sources, state.source_fluxes
    assert sources is not None
    assert fluxes is not None
    index, truth = matched(taken, sources.x, sources.y)
    scale = EXPOSURE_S if kind == "per second" else 1.0
    flux, error = scale * fluxes.flux[index], scale * fluxes.error[index]
    return residuals(taken, truth, flux, error, np.maximum(error, 1e-9))
