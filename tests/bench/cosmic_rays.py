"""Cosmic rays on frames of known stars: what is found, what is mistaken, what is left.

Frames of `injected_scenes`, their point-spread function fitted as in a reduction.
Clean ones count stars' pixels that are mistaken for hits; in others straight tracks of
1 to 12 pixels strike the sky and, aimed, the stars.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tests.bench.figures import Figure
from tests.bench.injected_scenes import GAIN, GAUSSIAN, MOFFAT, READ_E, Scene, scene

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/cosmic_rays.py)"
WIDTHS_PX: Final = (1.8, 2.2, 3.0, 5.0)
SEEDS: Final = (21, 22)
CHARGE_E: Final = (300.0, 3000.0)  # of a pixel of a track
SIDE_PX: Final = 4096


@dataclass(frozen=True, slots=True)
class Found:
    """A frame's light, point-spread function, noise and struck pixels."""

    light: Any  # FrameLight, its mask with the strikes
    strikes: Any


@dataclass(frozen=True, slots=True)
class Track:
    """Pixels of a hit and its light in each [ADU]."""

    row: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]
    light: FloatArray


def track(rng: np.random.Generator, x: float, y: float) -> Track:
    """A straight track that passes through a place."""
    length = int(rng.integers(1, 13))
    angle = rng.uniform(0, 2 * np.pi)
    along = np.arange(length) - rng.integers(length)
    cells = np.rint(np.stack([y + along * np.sin(angle), x + along * np.cos(angle)]))
    row, column = np.unique(cells.astype(np.intp), axis=1)
    charge = rng.uniform(*CHARGE_E) * rng.uniform(0.5, 1.5, len(row))
    return Track(row, column, charge / GAIN)


def struck(pixels: npt.NDArray[np.float32], hits: list[Track]) -> Any:
    """The pixels with the tracks' light added."""
    hit = pixels.copy()
    for one in hits:
        np.add.at(hit, (one.row, one.column), one.light.astype(np.float32))
    return hit


def found_in(pixels: npt.NDArray[np.float32]) -> Found:
    """Fit the frame's point-spread function and look for strikes, as a reduction."""
    from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
    from bhtom_cpcs.science.stars.cosmic_rays import find_strikes
    from bhtom_cpcs.science.stars.detection import detect, subtract_background
    from bhtom_cpcs.science.stars.first_look import first_look
    from bhtom_cpcs.science.stars.psf_fit import fit_psf
    from bhtom_cpcs.science.stars.psf_shape import Shape
    from bhtom_cpcs.science.targets.forced_fit import FrameLight

    pixels = pixels.copy()
    sky = subtract_background(pixels, None)
    guess = first_look(pixels, None, sky.rms)
    sources = detect(pixels, None, sky.rms, guess)
    noise = PixelNoise(sky.rms, GAIN, READ_E, 1.0, False)
    psf = fit_psf(pixels, None, sources, sources.flags == 0, Shape(guess), noise)
    strikes = find_strikes(pixels, None, psf, noise)
    mask = strikes.masked(None, pixels.shape)
    return Found(FrameLight(pixels, mask, psf, noise), strikes)


def recalled(found: Found, hits: list[Track], least_adu: float) -> FloatArray:
    """Whether each track's pixels above a light were found, one element a pixel."""
    marked = np.zeros(found.light.pixels.shape, dtype=bool)
    marked[found.strikes.row, found.strikes.column] = True
    parts = [marked[h.row, h.column][h.light > least_adu] for h in hits]
    return np.concatenate([*parts, np.zeros(0, dtype=bool)]).astype(float)


def in_sky(taken: Scene, rng: np.random.Generator, count: int) -> list[Track]:
    """Tracks anywhere in a frame, not over its edge."""
    places = rng.uniform(15, len(taken.pixels) - 16, (count, 2))
    return [track(rng, x, y) for x, y in places]


def on_stars(
    taken: Scene, rng: np.random.Generator, count: int
) -> tuple[npt.NDArray[np.intp], list[Track]]:
    """Tracks through the middle FWHM of stars, well inside of the frame, one each."""
    margin = 15 + 3 * taken.fwhm_px
    inside = np.minimum(taken.x, taken.y) > margin
    inside &= np.maximum(taken.x, taken.y) < len(taken.pixels) - margin
    stars = rng.permutation(np.flatnonzero(inside))[:count]
    off = rng.uniform(-0.5, 0.5, (len(stars), 2)) * taken.fwhm_px
    hits = [
        track(rng, taken.x[star] + dx, taken.y[star] + dy)
        for star, (dx, dy) in zip(stars, off, strict=True)
    ]
    return stars, hits


@dataclass(frozen=True, slots=True)
class Mended:
    """Pulls of struck stars' fluxes as targets', with and without the mask."""

    flagged: npt.NDArray[np.bool_]
    measured: npt.NDArray[np.bool_]
    pull: FloatArray
    untouched: FloatArray


def mended(taken: Scene, seed: int, count: int = 40) -> Mended:
    """Strike stars one by one and measure each as a target at its true place."""
    from bhtom_cpcs.science.targets.error_budget import (
        Circumstances,
        flux_terms,
        in_quadrature,
    )
    from bhtom_cpcs.science.targets.forced_fit import forced_fit
    from bhtom_cpcs.science.targets.target_pixels import (
        FEWEST_BESIDE_A_STRIKE,
        look_at_pixels,
        without_flanks,
    )

    rng = np.random.default_rng(seed)
    stars, hits = on_stars(taken, rng, count)
    found = found_in(struck(taken.pixels, hits))
    rows = []
    for star in stars:
        x, y, true = (float(a[star]) for a in (taken.x, taken.y, taken.flux))
        away = np.hypot(taken.x - x, taken.y - y)
        near = np.flatnonzero((away > 0) & (away < 8 * taken.fwhm_px))
        beside = taken.x[near], taken.y[near]
        bare = type(found.light)(
            found.light.pixels, None, found.light.psf, found.light.noise
        )
        seen = look_at_pixels(found.light, x, y, 0.0, None, found.strikes)
        if seen.struck:
            seen = without_flanks(seen, x, y, beside, 0.05)
        fit = forced_fit(seen.light, x, y, beside, 0.05)
        raw = forced_fit(bare, x, y, beside, 0.05)
        lost = 1 - fit.coverage if seen.struck else 0.0
        at = Circumstances(0.0, taken.fwhm_px, 0.0, 0.0, lost_share=lost)
        error = in_quadrature(flux_terms(fit, at))
        pull, untouched = (fit.flux - true) / error, (raw.flux - true) / raw.error
        ok = fit.coverage >= FEWEST_BESIDE_A_STRIKE
        rows.append((seen.struck, ok, pull, untouched))
    flagged, measured, pull, untouched = map(np.array, zip(*rows, strict=True))
    return Mended(flagged, measured, pull, untouched)


def clean_frames() -> Iterator[Scene]:
    """Frames without any hit: sharp and wide, sparse and crowded."""
    for kind in ("sparse", "crowded"):
        for beta in (MOFFAT, GAUSSIAN):
            for fwhm in WIDTHS_PX:
                for seed in SEEDS:
                    yield scene(kind, beta, fwhm, seed)


def measure() -> list[Figure]:
    """All figures."""
    return [_mistaken(), *_recall(), *_targets(), _seconds()]


def _mistaken() -> Figure:
    stars = pixels = false = 0
    for taken in clean_frames():
        stars += len(taken.x)
        pixels += taken.pixels.size
        false += len(found_in(taken.pixels).strikes)
    return Figure(
        "Cosmic rays: pixels mistaken for hits, frames without any (FWHM 1.8 to 5 px)",
        "undersampled stars never mistaken",
        f"{false} of {pixels / 1e6:.1f} million ({stars} stars)",
        "none",
        COMMAND,
        met=false == 0,
    )


def _recall() -> list[Figure]:
    figures = []
    for fwhm in WIDTHS_PX:
        parts = []
        for seed in SEEDS:
            taken = scene("sparse", MOFFAT, fwhm, seed, 600)
            hits = in_sky(taken, np.random.default_rng(seed), 150)
            found = found_in(struck(taken.pixels, hits))
            parts.append(recalled(found, hits, 10 * taken.rms))
        share = np.concatenate(parts)
        figures.append(
            Figure(
                f"Cosmic rays: struck pixels above 10 sigma found, FWHM {fwhm} px",
                "none stated",
                f"{share.mean():.1%} of {len(share)}",
                "none",
                COMMAND,
            )
        )
    return figures


def _targets() -> list[Figure]:
    figures = []
    for fwhm in WIDTHS_PX:
        all_ = [mended(scene("sparse", MOFFAT, fwhm, s, 300), s, 120) for s in SEEDS]
        flagged = np.concatenate([m.flagged for m in all_])
        good = np.concatenate([m.measured for m in all_])
        pull = np.concatenate([m.pull for m in all_])[good]
        raw = np.concatenate([m.untouched for m in all_])
        figures.append(
            Figure(
                f"Cosmic rays on targets, FWHM {fwhm} px: error of the flux",
                "flagged, and the flux right",
                f"{flagged.mean():.1%} of {len(flagged)} flagged, {good.mean():.1%} "
                f"measured; median {np.median(pull):+.2f} sigma, 68 % within "
                f"{np.quantile(np.abs(pull), 0.683):.2f}, 95 % within "
                f"{np.quantile(np.abs(pull), 0.954):.1f} sigma",
                f"not masked: median {np.median(raw):+.1f} sigma",
                COMMAND,
            )
        )
    return figures


def _seconds() -> Figure:
    from bhtom_cpcs.science.stars.cosmic_rays import find_strikes
    from bhtom_cpcs.science.stars.detection import subtract_background

    taken = scene("sparse", MOFFAT, 3.0, 5, 5000)
    found = found_in(taken.pixels)
    times = round(SIDE_PX / len(taken.pixels) + 0.5)
    whole = np.tile(taken.pixels, (times, times))[:SIDE_PX, :SIDE_PX].copy()
    subtract_background(whole, None)
    psf, noise = found.light.psf, found.light.noise
    spent = []
    for _ in range(5):
        started = time.perf_counter()
        find_strikes(whole, None, psf, noise)
        spent.append(time.perf_counter() - started)
    return Figure(
        "Cosmic rays: looking for them in a frame of 4k x 4k",
        "<= 0.1 s",
        f"{min(spent):.3f} s",
        "none",
        COMMAND,
        met=min(spent) <= 0.1,
    )
