"""How near the zero point is to the ideal one, and how often the band is right."""

import csv
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from bhtom_cpcs.science.calibration.ranking import (
    BandStars,
    BoolArray,
    FloatArray,
    rank_bands,
)
from bhtom_cpcs.science.calibration.zero_point_fit import fit_zero_point
from bhtom_sky import BANDS, make_sky
from tests.bench.figures import Figure

COMMAND: Final = "make bench (tests/bench/zero_points.py)"
N_STARS: Final = 100
N_COMMON: Final = 60
TRIALS: Final = 500
FRAMES: Final = 100
ERROR_MAG: Final = 0.03
WORST_MAG: Final = 0.03
CATALOGUE: Final = "catalogs/gaiadr3_gspc_ngc1566.csv"

Magnitudes = Mapping[str, FloatArray]


def measure() -> list[Figure]:
    """Zero points of spoilt stars, and bands of simulated and real populations."""
    rows = [
        _zero_point("0 % wrong", 0.0, None),
        _zero_point("30 % wrong", 0.3, 1.5),
        _zero_point("45 % mixed", 0.45, 2.0),
    ]
    rows += _band_choices("simulated sky, ten bands", _simulated, BANDS)
    rows.append(_never_ultraviolet())
    if (real := _real_population()) is not None:
        goal_bands = tuple(real)

        def drawn(rng: np.random.Generator) -> Magnitudes:
            index = rng.choice(len(real["r"]), N_COMMON, replace=False)
            return {band: values[index] for band, values in real.items()}

        rows += _band_choices("Gaia DR3 synthetic, six bands", drawn, goal_bands)
    return rows


def _zero_point(name: str, share: float, most: float | None) -> Figure:
    """Rms error of many fits, as a ratio to that of the good stars' mean."""
    rng = np.random.default_rng(20261122)
    error = np.full(N_STARS, ERROR_MAG)
    found, clipped, pulls = [], [], []
    for _ in range(TRIALS):
        difference = _spoilt(rng, share)
        fit = fit_zero_point(difference, error)
        found.append(fit.value)
        pulls.append(fit.value / fit.error)
        clipped.append(_sigma_clipped(difference))
    ideal = ERROR_MAG / np.sqrt(N_STARS * (1 - share))
    rms = float(np.sqrt(np.mean(np.square(found))))
    other = float(np.sqrt(np.mean(np.square(clipped))))
    return Figure(
        f"Zero point with {N_STARS} stars, {name}",
        f"rms <= {most:g} x ideal, none off by {WORST_MAG * 1000:.0f} mmag"
        if most
        else "the control",
        f"{rms / ideal:.2f} x ideal, worst of {TRIALS} {np.max(np.abs(found)):.3f} mag,"
        f" pull {np.std(pulls):.2f}",
        f"sigma-clipped mean {other / ideal:.1f} x ideal",
        COMMAND,
        met=rms <= most * ideal and np.max(np.abs(found)) < WORST_MAG if most else None,
    )


def _spoilt(rng: np.random.Generator, share: float) -> FloatArray:
    """Differences about zero; half of the wrong ones blends, half strangers."""
    good = rng.normal(0, ERROR_MAG, N_STARS)
    blends = -rng.exponential(0.4, N_STARS)
    strangers = rng.uniform(-4, 4, N_STARS)
    wrong = np.where(rng.random(N_STARS) < 0.5, blends, strangers)
    return np.where(rng.random(N_STARS) < share, wrong, good)


def _sigma_clipped(values: FloatArray) -> float:
    """The mean that everybody takes."""
    for _ in range(10):
        values = values[np.abs(values - values.mean()) <= 3 * values.std()]
    return float(values.mean())


def _simulated(rng: np.random.Generator) -> Magnitudes:
    sky = make_sky(int(rng.integers(1 << 31)), (10.0, 10.0), 0.2, N_COMMON)
    return sky.magnitude


def _real_population() -> Magnitudes | None:
    """Verified stars brighter than r = 16.5 in all six bands of a real field."""
    folder = os.environ.get("SKY_SAMPLE_DATA")
    if not folder:
        return None
    with (Path(folder) / CATALOGUE).open(encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if all(row[f"{b}mag"] and row[f"{b}Flag"] == "1" for b in "BVRgri")
        ]
    found = {b: np.array([float(row[f"{b}mag"]) for row in rows]) for b in "BVRgri"}
    bright = found["r"] < 16.5
    return {band: values[bright] for band, values in found.items()}


def _band_choices(
    name: str,
    population: Callable[[np.random.Generator], Magnitudes],
    bands: tuple[str, ...],
) -> list[Figure]:
    """Share of frames in which the best band is the right one.

    The peer knows which stars are wrong, and what the errors of the others are.
    """
    rows = []
    for share in (0.0, 0.2, 0.4):
        right, ideal = dict.fromkeys(bands, 0), dict.fromkeys(bands, 0)
        for band in bands:
            for number in range(FRAMES):
                stars, wrong = _frame(population, band, share, number)
                right[band] += _choice(stars) == band
                ideal[band] += _choice_with_truth(stars, ~wrong) == band
        worst = min(right, key=lambda band: right[band])
        mean = sum(right.values()) / (FRAMES * len(bands))
        rows.append(
            Figure(
                f"Band choice, {N_COMMON} common stars, {name}, {share:.0%} wrong",
                "right >= 95 %",
                f"{mean:.1%} right, worst band {worst} {right[worst] / FRAMES:.0%}",
                f"wrong stars known: {sum(ideal.values()) / (FRAMES * len(bands)):.1%}"
                f" right, {worst} {ideal[worst] / FRAMES:.0%}",
                COMMAND,
                met=mean >= 0.95,
            )
        )
    return rows


def _never_ultraviolet() -> Figure:
    """How many simulated r frames come out as U, of clean and of spoilt stars."""
    shares = (0.0, 0.2, 0.4)
    chosen = [
        _choice(_frame(_simulated, "r", share, n)[0])
        for share in shares
        for n in range(FRAMES)
    ]
    wrong = sum(band == "U" for band in chosen)
    return Figure(
        f"Simulated r frames with ten bands offered, {N_COMMON} common stars, 0 to 40 %"
        " wrong, that become U",
        "none",
        f"{wrong} of {len(chosen)}",
        f"r {sum(band == 'r' for band in chosen)} of {len(chosen)}",
        COMMAND,
        met=wrong == 0,
    )


def _frame(
    population: Callable[[np.random.Generator], Magnitudes],
    band: str,
    share: float,
    number: int,
) -> tuple[Mapping[str, BandStars], BoolArray]:
    """The stars of a frame taken in `band`, and which of them are wrong."""
    rng = np.random.default_rng([number, round(100 * share), ord(band)])
    magnitude = population(rng)
    noise = rng.normal(0, ERROR_MAG, N_COMMON)
    wrong = rng.random(N_COMMON) < share
    blended = -rng.exponential(0.4, N_COMMON)
    strange = rng.uniform(-4, 4, N_COMMON)
    spoilt = np.where(rng.random(N_COMMON) < 0.5, blended, strange)
    seen = magnitude[band] + noise + np.where(wrong, spoilt, 0.0)
    catalogue_error = 0.01
    error = np.full(N_COMMON, float(np.hypot(ERROR_MAG, catalogue_error)))
    stars = {
        name: BandStars(values + rng.normal(0, catalogue_error, N_COMMON) - seen, error)
        for name, values in magnitude.items()
    }
    return stars, wrong


def _choice(stars: Mapping[str, BandStars]) -> str:
    """The passband that a frame comes out as."""
    ranking = rank_bands(stars)
    return ranking.ties(ranking.ranked)[0]


def _choice_with_truth(stars: Mapping[str, BandStars], good: BoolArray) -> str:
    """The band of least squares of the good stars: the most likely one."""

    def misfit(band: str) -> float:
        difference = stars[band].difference[good]
        weight = stars[band].error[good] ** -2
        mean = np.sum(weight * difference) / np.sum(weight)
        return float(np.sum(weight * (difference - mean) ** 2))

    return min(stars, key=misfit)


if __name__ == "__main__":
    for figure in measure():
        sys.stdout.write(f"{figure}\n")
