"""The limits that a frame states, held against stars put at them.

Whole reductions. Stars of the magnitude that a frame states as its limit at a place
are put there in another exposure of the same sky; half should come out above it.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.decisions import Decisions
from bhtom_sky import Camera, Sky, make_sky
from tests.bench.figures import Figure
from tests.bench.target_frames import (
    CENTRE,
    SCALE_ARCSEC,
    imported,
    reduced_frame,
    with_stars_at,
)

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/limits.py)"


@dataclass(frozen=True, slots=True)
class Limits:
    """Signal to noise of stars injected at the 3 and the 5 sigma limit, and pulls."""

    at_3: FloatArray
    at_5: FloatArray
    empty: FloatArray

    @staticmethod
    def joined(parts: Sequence["Limits"]) -> "Limits":
        """All of several frames."""
        return Limits(
            np.concatenate([part.at_3 for part in parts]),
            np.concatenate([part.at_5 for part in parts]),
            np.concatenate([part.empty for part in parts]),
        )


def depth_error(signal_to_noise: FloatArray, sigma: float) -> float:
    """By how much the stated limit is too shallow [mag]; negative: too deep.

    The magnitude at which half of the stars would come out above `sigma`, minus the
    stated one: the signal is proportional to the flux.
    """
    return 2.5 * float(np.log10(np.median(signal_to_noise) / sigma))


def limits_in(
    folder: Path, seed: int, *, crowded: bool, n_places: int, side_px: int = 640
) -> Limits:
    """Limits of one frame held against stars put at them in two other exposures."""
    fwhm_px = 3.0
    camera = Camera(
        width_px=side_px,
        height_px=side_px,
        pixel_scale_arcsec=SCALE_ARCSEC,
        fwhm_arcsec=fwhm_px * SCALE_ARCSEC,
        cosmic_rays=0.0,
    )
    radius = camera.radius_deg * 1.15
    in_frame = side_px**2 / ((40 if crowded else 1500) * fwhm_px**2)
    count = round(in_frame * np.pi * radius**2 / (side_px * SCALE_ARCSEC / 3600) ** 2)
    sky = make_sky(
        seed,
        CENTRE,
        radius,
        count,
        brightest=13.5,
        faintest=20.0,
        variable_amplitude_mag=0.0,
    )
    catalogue = imported(sky, folder / f"l{seed}{crowded}")
    places = _places(sky, camera, seed, n_places, crowded=crowded)
    first = reduced_frame(
        folder, sky, camera, CENTRE, 10 * seed, catalogue, places, Decisions()
    )
    measured = [m for m in first.measurements if m.limit_3sigma is not None]
    places = [places[m.target_id] for m in measured]
    array = np.array(places)
    empty = [m.signal_to_noise or 0.0 for m in measured]
    found = []
    for step, name in enumerate(("limit_3sigma", "limit_5sigma"), start=1):
        stated = np.array([getattr(m, name) for m in measured])
        with_stars = with_stars_at(sky, array, stated)
        plane = reduced_frame(
            folder,
            with_stars,
            camera,
            CENTRE,
            10 * seed + step,
            catalogue,
            places,
            Decisions(),
        )
        found.append(np.array([m.signal_to_noise for m in plane.measurements]))
    return Limits(found[0], found[1], np.array(empty))


def _places(
    sky: Sky, camera: Camera, seed: int, count: int, *, crowded: bool
) -> list[tuple[float, float]]:
    """Random places: no star within 1 FWHM in a crowd, within 6 FWHM in empty sky.

    They lie 8 FWHM apart, so that no injected star is another's neighbour.
    """
    rng = np.random.default_rng(77 + seed)
    stretch = np.cos(np.radians(CENTRE[1]))
    half = (camera.width_px / 2 - 25) * camera.pixel_scale_arcsec / 3600
    clear = (1.0 if crowded else 6.0) * camera.fwhm_arcsec / 3600
    apart = 8.0 * camera.fwhm_arcsec / 3600
    chosen: list[tuple[float, float]] = []
    for _ in range(60 * count):
        dx, dy = rng.uniform(-half, half, 2)
        ra, dec = CENTRE[0] + float(dx) / stretch, CENTRE[1] + float(dy)
        star = np.hypot((sky.ra_deg - ra) * stretch, sky.dec_deg - dec).min()
        others = [np.hypot((o[0] - ra) * stretch, o[1] - dec) for o in chosen]
        if star > clear and (not others or min(others) > apart):
            chosen.append((ra, dec))
        if len(chosen) == count:
            break
    return chosen


def measure() -> list[Figure]:
    """Both figures, of six fields each."""
    figures = []
    with tempfile.TemporaryDirectory() as name:
        for crowded in (False, True):
            parts = [
                limits_in(Path(name), seed, crowded=crowded, n_places=180)
                for seed in range(1, 7)
            ]
            figures.append(_limit_figure(Limits.joined(parts), crowded=crowded))
    return figures


def _limit_figure(limits: Limits, *, crowded: bool) -> Figure:
    where = "empty sky"
    if crowded:
        where = "a crowd (1 source per 40 FWHM^2), at places 1 FWHM from any star"
    goal = 0.15 if crowded else 0.05
    pull = 1.4826 * float(np.median(np.abs(limits.empty - np.median(limits.empty))))
    errors = depth_error(limits.at_3, 3), depth_error(limits.at_5, 5)
    half = [float(np.mean(limits.at_3 > 3)), float(np.mean(limits.at_5 > 5))]
    return Figure(
        f"Limits in {where}",
        f"half of the stars at the limit come out above it, within {goal:.2f} mag",
        f"3 sigma: {errors[0]:+.3f} mag ({half[0]:.0%} above), "
        f"5 sigma: {errors[1]:+.3f} mag ({half[1]:.0%} above)",
        f"{len(limits.at_3)} + {len(limits.at_5)} injections; pull of the empty places "
        f"{float(np.median(limits.empty)):+.2f} +- "
        f"{pull:.2f}",
        COMMAND,
        met=max(map(abs, errors)) <= goal,
    )


if __name__ == "__main__":
    for figure in measure():
        sys.stdout.write(f"{figure}\n")
