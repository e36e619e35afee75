"""Faint stars of simulated frames: how many the suite finds, and how many sep does."""

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from tests.bench.figures import Figure
from tests.bench.injected_scenes import (
    GAIN,
    GAUSSIAN,
    MOFFAT,
    READ_E,
    SEEDS,
    WIDTHS_PX,
    Scene,
    scene,
)

if TYPE_CHECKING:
    from bhtom_cpcs.science.stars.detection import Sources
    from bhtom_cpcs.science.stars.psf_fluxes import PsfFluxes
    from bhtom_cpcs.science.targets.forced_fit import FrameLight

FloatArray = npt.NDArray[np.float64]
Image = npt.NDArray[np.float32]

COMMAND: Final = "make bench (tests/bench/injected_truth.py)"
# Thresholds of sep, from where noise is found to where only bright stars are.
PEER_SIGMA: Final = tuple(np.geomspace(1.8, 20.0, 45))
# More false sources than the reduction makes: what sep finds if it is allowed them.
GENEROUS: Final = {"sparse": 10, "crowded": 100}


def completeness(kind: str) -> Figure:
    """Share of the faint stars that are found, at the false rate of the reduction."""
    faint, own, peer = 0, np.zeros(2), np.zeros((2, len(PEER_SIGMA), 2))
    for beta in (MOFFAT, GAUSSIAN):
        for fwhm in WIDTHS_PX:
            taken = scene(kind, beta, fwhm, SEEDS[0])
            x, y, _ = reduced(taken)
            faint += int(np.sum(_faint(taken)))
            own += found_and_false(taken, x, y)
            peer += peer_curves(taken)
    needed = min(false_at(curve, own[0]) for curve in peer)
    best = np.nanmax([at_false_rate(curve, own[1]) for curve in peer] + [0.0])
    many = f"{needed:.0f} false" if needed < np.inf else "no threshold"
    return Figure(
        f"Injected truth, {kind}: faint stars (S/N 4 to 10) that are found",
        ">= sep's with the same kernel at the same false rate (one threshold of all "
        "frames, interpolated)",
        f"{own[0] / faint:.3f} of {faint}, {own[1]:.0f} false",
        f"sep.extract {_peer_text(peer, own[1], faint)}; "
        f"{_peer_text(peer, GENEROUS[kind], faint)}; as many as here with {many}",
        COMMAND,
        met=bool(own[0] >= best),
    )


def _faint(scene: Scene) -> npt.NDArray[np.bool_]:
    """Which stars are hard to find."""
    noise = scene.rms * np.sqrt(2.3) * scene.fwhm_px
    faint: npt.NDArray[np.bool_] = scene.flux > 4 * noise
    return faint & (scene.flux < 10 * noise)


def peer_curves(scene: Scene) -> FloatArray:
    """Faint stars and false sources that sep finds at each threshold.

    With the reduction's kernel; with its own deblending and with none, as deblending
    makes false sources of bright stars' wings. Shape (2, n_thresholds, 2).
    """
    import sep

    from bhtom_cpcs.science.stars.detection import gaussian_kernel, subtract_background
    from bhtom_cpcs.science.stars.first_look import first_look

    pixels = scene.pixels.copy()
    sky = subtract_background(pixels, None)
    kernel = gaussian_kernel(first_look(pixels, None, sky.rms))
    filtered = sky.rms * float(np.sqrt(np.sum(kernel.astype(np.float64) ** 2)))
    sep.set_extract_pixstack(pixels.size)
    curves = np.empty((2, len(PEER_SIGMA), 2))
    for contrast, curve in zip((0.005, 1.0), curves, strict=True):
        for number, sigma in enumerate(PEER_SIGMA):
            found = sep.extract(
                pixels, sigma * filtered, filter_kernel=kernel, deblend_cont=contrast
            )
            curve[number] = found_and_false(scene, found["x"], found["y"])
    return curves


def at_false_rate(curve: FloatArray, false: float) -> float:
    """Faint stars found with so many false sources, between thresholds interpolated.

    NaN where no threshold makes as few.
    """
    found, made = curve[:, 0], curve[:, 1]
    best = float(np.max(found, where=made <= false, initial=-np.inf))
    for one, other in pairwise(curve[:, ::-1].tolist()):
        (fewer, then), (more, at_more) = sorted((one, other))
        if fewer <= false < more:
            share = (false - fewer) / (more - fewer)
            best = max(best, then + share * (at_more - then))
    return best if np.isfinite(best) else np.nan


def false_at(curve: FloatArray, found: float) -> float:
    """Fewest false sources of the thresholds that find so many faint stars."""
    enough = curve[:, 0] >= found
    return float(curve[enough, 1].min()) if enough.any() else np.inf


def _peer_text(curves: FloatArray, false: float, faint: int) -> str:
    found = [at_false_rate(curve, false) for curve in curves]
    if np.all(np.isnan(found)):
        return f"never as few as {false:.0f} false"
    return f"{np.nanmax(found) / faint:.3f} with {false:.0f} false"


def found_and_false(scene: Scene, x: FloatArray, y: FloatArray) -> tuple[int, int]:
    """Faint stars among the matched, and sources that are no star."""
    index, truth = matched(scene, x, y)
    return int(np.sum(_faint(scene)[truth])), len(x) - len(index)


def reduced(
    scene: Scene,
) -> tuple[FloatArray, FloatArray, dict[str, tuple[FloatArray, FloatArray]]]:
    """Find and measure the stars as a reduction does."""
    _, sources, fluxes = stars_of(scene.pixels.copy())
    return (
        sources.x,
        sources.y,
        {
            "PSF": (fluxes.flux, fluxes.error),
            "optimal": (fluxes.optimal_flux, fluxes.optimal_error),
            "aperture": (fluxes.aperture_flux, fluxes.aperture_error),
        },
    )


def stars_of(pixels: Image) -> tuple["FrameLight", "Sources", "PsfFluxes"]:
    """Subtract a frame's sky in place, fit its PSF, find and fit its sources."""
    from bhtom_cpcs.science.frames.detector import Detector
    from bhtom_cpcs.science.frames.pixel_noise import PixelNoise, measure_pixel_noise
    from bhtom_cpcs.science.stars.detection import (
        detect,
        subtract_background,
    )
    from bhtom_cpcs.science.stars.first_look import first_look
    from bhtom_cpcs.science.stars.psf_fit import fit_psf
    from bhtom_cpcs.science.stars.psf_photometry import fit_sources
    from bhtom_cpcs.science.stars.psf_shape import Shape
    from bhtom_cpcs.science.targets.forced_fit import FrameLight

    sky = subtract_background(pixels, None)
    guess = first_look(pixels, None, sky.rms)
    sources = detect(pixels, None, sky.rms, guess)
    first = PixelNoise(sky.rms, GAIN, READ_E, 1.0, False)
    psf = fit_psf(pixels, None, sources, sources.flags == 0, Shape(guess), first)
    noise = measure_pixel_noise(
        pixels,
        None,
        (sources.x, sources.y, sources.flux),
        sky.rms,
        psf.fwhm_px,
        Detector(None, 0.0, GAIN, READ_E, False),
    )
    found = fit_sources(pixels, None, psf, noise, sources)
    light = FrameLight(pixels, None, found.psf, noise)
    return light, found.sources, found.fluxes


def matched(
    scene: Scene, x: FloatArray, y: FloatArray
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of found and true stars within half a FWHM, mutually nearest.

    Of true stars as near to each other as that, the brightest is meant.
    """
    order = np.argsort(-scene.flux, kind="stable")
    free = np.ones(len(x), dtype=bool)
    found, truth = [], []
    tree = cKDTree(np.stack([x, y], axis=1))
    for star in order:
        near = tree.query_ball_point(
            (scene.x[star], scene.y[star]), 0.5 * scene.fwhm_px
        )
        near = [other for other in near if free[other]]
        if near:
            distance = np.hypot(x[near] - scene.x[star], y[near] - scene.y[star])
            best = near[int(np.argmin(distance))]
            free[best] = False
            found.append(best)
            truth.append(star)
    return np.array(found, dtype=np.intp), np.array(truth, dtype=np.intp)
