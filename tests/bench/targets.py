"""Targets in simulated frames: a constant star beside a neighbour.

Whole reductions, from FITS file to magnitude. The neighbour lies 1.5 FWHM of the median
seeing away while the seeing goes from 2 to 5 px: from 2.6 to 1.05 of its own FWHM.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.calibration.settlement import observing_night
from bhtom_cpcs.science.decisions import Decisions, Scene
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_cpcs.science.scene_evidence import SceneEvidence
from bhtom_cpcs.science.targets.scene_learning import learn_star, with_stars
from bhtom_sky import Camera
from tests.bench.figures import Figure
from tests.bench.target_frames import (
    CENTRE,
    SCALE_ARCSEC,
    SITE,
    imported,
    moved,
    reduced_frame,
    star_field,
    without,
)

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/targets.py)"
SEEING_PX: Final = (2.0, 5.0)
MEDIAN_SEEING_PX: Final = 3.5
SEEDS: Final = (1, 2, 3, 4)
# Chance alone moves the reduced chi-square of so many by 0.18, of 24 by 0.29.
FRAMES: Final = 60
# What it is, its magnitude minus the target's, whether the catalogue has it.
NEIGHBOURS: Final = (
    ("equal neighbour", 0.0, True),
    ("neighbour 1 mag brighter", -1.0, True),
    ("neighbour 1 mag fainter in no catalogue", 1.0, False),
)


@dataclass(frozen=True, slots=True)
class LightCurve:
    """A constant star's magnitudes, their errors, and the seeing of each frame [px].

    The errors are without their colour terms: of one star and one camera those are the
    same shift of every point, which no curve scatters by. `colour` is their median.
    `scatter` is the part of them that these frames realise from point to point: without
    the floor for flat fields and air, which a simulation has not.
    `scene` holds the neighbours that were fitted, `evidence` what its frames tell of
    others.
    """

    magnitude: FloatArray
    error: FloatArray
    scatter: FloatArray
    seeing: FloatArray
    colour: float
    true: float
    scene: Scene
    evidence: tuple[SceneEvidence, ...]

    def learnt_scene(self) -> Scene:
        """Next version of the scene, with the star that the frames agree on."""
        learnt = learn_star(self.scene.stars, self.evidence)
        if learnt is None:
            raise RuntimeError("The frames agree on no star.")
        return with_stars(self.scene, [*self.scene.stars, learnt.star])

    def slope(self) -> tuple[float, float]:
        """Slope with the seeing and its 1 sigma error [mag/px], by the points' errors.

        Those alone: whether the points scatter as they say is what `chi2` tells.
        """
        weight = self.error**-2
        x = self.seeing - np.sum(weight * self.seeing) / np.sum(weight)
        slope = float(np.sum(weight * x * self.magnitude) / np.sum(weight * x**2))
        return slope, float(np.sum(weight * x**2) ** -0.5)

    def chi2(self, error: FloatArray | None = None) -> float:
        """Reduced chi-square about the weighted mean, by the whole errors or others."""
        weight = (self.error if error is None else error) ** -2
        mean = np.sum(weight * self.magnitude) / np.sum(weight)
        square = np.sum(weight * (self.magnitude - mean) ** 2)
        return float(square / (len(self.magnitude) - 1))

    def offset(self) -> float:
        """Weighted mean minus the truth [mag]."""
        weight = self.error**-2
        mean = np.sum(weight * self.magnitude) / np.sum(weight)
        return float(mean) - self.true


def constant_star(
    folder: Path,
    seed: int,
    *,
    n_frames: int,
    separation_fwhm: float = 1.5,
    fainter_mag: float = 0.0,
    known: bool = True,
    target_mag: float = 16.0,
    scene: Scene | None = None,
) -> LightCurve:
    """Light curve of a constant star with a neighbour, in frames of any seeing.

    `fainter_mag` is the neighbour's magnitude minus the target's; `known` says that
    the catalogue has the neighbour. Of three nights; the first frame makes the scene
    where none is given.
    """
    sky = star_field(seed, target_mag)
    away = separation_fwhm * MEDIAN_SEEING_PX * SCALE_ARCSEC / 3600
    angle = 2 * np.pi * seed / 7
    sky = moved(
        sky,
        1,
        CENTRE[0] + away * np.cos(angle) / np.cos(np.radians(CENTRE[1])),
        CENTRE[1] + away * np.sin(angle),
        target_mag + fainter_mag,
    )
    catalogue = imported(sky if known else without(sky, 1), folder)
    seeing = np.linspace(*SEEING_PX, n_frames)
    rng = np.random.default_rng(seed)
    points, evidence = [], []
    for number in rng.permutation(n_frames):
        camera = Camera(
            width_px=320,
            height_px=320,
            pixel_scale_arcsec=SCALE_ARCSEC,
            fwhm_arcsec=float(seeing[number]) * SCALE_ARCSEC,
            cosmic_rays=0.0,
        )
        shift = rng.uniform(-5, 5, 2) / 3600
        pointing = CENTRE[0] + float(shift[0]), CENTRE[1] + float(shift[1])
        plane = reduced_frame(
            folder,
            sky,
            camera,
            pointing,
            seed * 1000 + int(number),
            catalogue,
            [CENTRE],
            Decisions(scenes=() if scene is None else (scene,)),
            night=int(number) % 3,
        )
        measured = plane.measurements[0]
        if measured.magnitude is None or measured.magnitude_error is None:
            raise RuntimeError(f"A frame ended as {plane.outcome}: {plane.message}")
        scene = scene or measured.proposed_scene
        quality = plane.quality
        assert quality is not None
        colour = measured.error_budget_mag.get("colour", 0.0)
        error = float(np.sqrt(measured.magnitude_error**2 - colour**2))
        floor = measured.error_budget_mag["floor"]
        scatter = float(np.sqrt(error**2 - floor**2))
        points.append((measured.magnitude, error, scatter, quality.fwhm_px, colour))
        if measured.is_resolved:
            evidence.append(_evidence(int(number), plane))
    assert scene is not None
    magnitude, error, scatters, fwhm, colours = np.array(points).T
    return LightCurve(
        magnitude,
        error,
        scatters,
        fwhm,
        float(np.median(colours)),
        target_mag,
        scene,
        tuple(evidence),
    )


def _evidence(number: int, plane: PlaneReduction) -> SceneEvidence:
    """What a frame tells of the target's neighbourhood, as the service keeps it."""
    measured = plane.measurements[0]
    timing, quality, fitted = plane.timing, plane.quality, plane.zero_point
    assert timing is not None
    assert quality is not None
    assert fitted is not None
    assert measured.limit_5sigma is not None
    return SceneEvidence(
        calibration_id=number,
        mid_exposure_mjd=timing.mid_exposure_mjd_utc,
        night=observing_night(timing.mid_exposure_mjd_utc, SITE.longitude_deg),
        passband=passband_text(fitted.passband),
        fwhm_arcsec=quality.fwhm_px * SCALE_ARCSEC,
        depth=measured.limit_5sigma,
        stars=measured.stars_beside,
    )


def measure() -> list[Figure]:
    """Both figures; the neighbour that no catalogue has shows what that costs."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for text, fainter_mag, known in NEIGHBOURS:
            curves = []
            again = []
            for seed in SEEDS:
                part = folder / f"{len(figures)}{seed}"
                part.mkdir()
                curve = constant_star(
                    part, seed, n_frames=FRAMES, fainter_mag=fainter_mag, known=known
                )
                curves.append(curve)
                if not known:
                    learnt = constant_star(
                        part,
                        seed,
                        n_frames=FRAMES,
                        fainter_mag=fainter_mag,
                        known=False,
                        scene=curve.learnt_scene(),
                    )
                    again.append(learnt)
            # Nobody can know a neighbour before the scene has learnt it.
            figures.append(_curve_figure(text, curves, is_judged=not again))
            if again:
                figures.append(_curve_figure(f"{text}, learnt from frames,", again))
    return figures


def _curve_figure(
    text: str, curves: Sequence[LightCurve], *, is_judged: bool = True
) -> Figure:
    slopes = [curve.slope() for curve in curves]
    sigma = [slope / error for slope, error in slopes]
    mean = sum(s / e**2 for s, e in slopes) / sum(e**-2 for _, e in slopes)
    error = sum(e**-2 for _, e in slopes) ** -0.5
    chi2 = [curve.chi2(curve.scatter) for curve in curves]
    whole = [curve.chi2() for curve in curves]
    chance = (2 / (len(curves[0].magnitude) - 1)) ** 0.5
    colour = 1000 * float(np.median([curve.colour for curve in curves]))
    offset = [curve.offset() for curve in curves]
    return Figure(
        f"Constant star, {text} at 1.5 FWHM, seeing 2-5 px",
        "slope with seeing zero within 2 sigma, reduced chi-square 0.7-1.4"
        if is_judged
        else "as seen",
        f"slope {1000 * mean:+.2f} +- {1000 * error:.2f} mmag/px "
        f"({', '.join(f'{s:+.1f}' for s in sigma)} sigma), chi-square "
        f"{', '.join(f'{c:.2f}' for c in chi2)} (mean {np.mean(chi2):.2f}; by the "
        f"whole errors {', '.join(f'{c:.2f}' for c in whole)}), offset "
        f"{1000 * float(np.mean(offset)):+.1f} mmag",
        f"{len(curves)} seeds of {len(curves[0].magnitude)} frames, chance alone "
        f"+- {chance:.2f} each; by the terms that scatter in these frames: not colour "
        f"({colour:.1f} mmag), one shift of every point, nor the floor (3 mmag)",
        COMMAND,
        met=all(abs(one) <= 2.0 for one in sigma)
        and all(0.7 <= one <= 1.4 for one in chi2)
        if is_judged
        else None,
    )


if __name__ == "__main__":
    for figure in measure():
        sys.stdout.write(f"{figure}\n")
