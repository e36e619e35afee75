"""Targets in simulated frames: a constant star beside a neighbour, and the limits.

Whole reductions, from FITS file to magnitude. The neighbour lies 1.5 FWHM of the median
seeing away while the seeing goes from 2 to 5 px: from 2.6 to 1.05 of its own FWHM.
Limits: stars of the magnitude that a frame states as its limit at a place are put there
in another exposure of the same sky, and half of them should come out above it.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.calibration.settlement import observing_night
from bhtom_cpcs.science.decisions import Decisions, Scene
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.reference import ReferenceCatalogue
from bhtom_cpcs.science.request import (
    CameraSettings,
    ReductionRequest,
    Site,
    TargetPosition,
)
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_cpcs.science.scene_evidence import SceneEvidence
from bhtom_cpcs.science.targets.scene_learning import learn_star, with_stars
from bhtom_sky import Camera, Sky, make_sky, render_frame, write_catalogue
from tests.bench.figures import Figure

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/targets.py)"
CENTRE: Final = (150.0, 20.0)
SCALE_ARCSEC: Final = 0.8
SEEING_PX: Final = (2.0, 5.0)
MEDIAN_SEEING_PX: Final = 3.5
EVENING: Final = datetime(2026, 3, 1, 1, tzinfo=UTC)
SITE: Final = Site(28.3, -16.5, 2390.0)
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
    `scene` holds the neighbours that were fitted, `evidence` what its frames tell of
    others.
    """

    magnitude: FloatArray
    error: FloatArray
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

    def chi2(self) -> float:
        """Reduced chi-square about the weighted mean."""
        weight = self.error**-2
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
    sky = _field(seed, target_mag)
    away = separation_fwhm * MEDIAN_SEEING_PX * SCALE_ARCSEC / 3600
    angle = 2 * np.pi * seed / 7
    sky = _moved(
        sky,
        1,
        CENTRE[0] + away * np.cos(angle) / np.cos(np.radians(CENTRE[1])),
        CENTRE[1] + away * np.sin(angle),
        target_mag + fainter_mag,
    )
    catalogue = _imported(sky if known else _without(sky, 1), folder)
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
        plane = _reduced(
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
        points.append((measured.magnitude, error, quality.fwhm_px, colour))
        if measured.is_resolved:
            evidence.append(_evidence(int(number), plane))
    assert scene is not None
    magnitude, error, fwhm, colours = np.array(points).T
    return LightCurve(
        magnitude,
        error,
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


def _field(seed: int, target_mag: float) -> Sky:
    return make_sky(
        seed,
        CENTRE,
        0.06,
        260,
        variable_magnitude=target_mag,
        variable_amplitude_mag=0.0,
        isolation_arcsec=20.0,
    )


def _moved(sky: Sky, star: int, ra: float, dec: float, magnitude: float) -> Sky:
    """Put a star elsewhere, with another brightness in all bands."""
    ra_deg, dec_deg = sky.ra_deg.copy(), sky.dec_deg.copy()
    ra_deg[star], dec_deg[star] = ra, dec
    difference = magnitude - sky.magnitude["r"][star]
    brightness = {band: value.copy() for band, value in sky.magnitude.items()}
    for value in brightness.values():
        value[star] += difference
    return replace(sky, ra_deg=ra_deg, dec_deg=dec_deg, magnitude=brightness)


def _without(sky: Sky, star: int) -> Sky:
    """Leave a star out; the variable is number 0."""
    keep = np.arange(len(sky.ra_deg)) != star
    brightness = {band: value[keep] for band, value in sky.magnitude.items()}
    return replace(
        sky, ra_deg=sky.ra_deg[keep], dec_deg=sky.dec_deg[keep], magnitude=brightness
    )


def _with_stars(sky: Sky, places: FloatArray, magnitude: FloatArray) -> Sky:
    """Add stars that no catalogue knows."""
    brightness = {
        band: np.concatenate([value, magnitude])
        for band, value in sky.magnitude.items()
    }
    return replace(
        sky,
        ra_deg=np.concatenate([sky.ra_deg, places[:, 0]]),
        dec_deg=np.concatenate([sky.dec_deg, places[:, 1]]),
        magnitude=brightness,
    )


def _imported(sky: Sky, root: Path) -> ReferenceCatalogue:
    root.mkdir(parents=True, exist_ok=True)
    write_catalogue(sky, root / "stars.csv")
    import_slice(root, root / "stars.csv", Cone(*CENTRE, sky.radius_deg))
    return open_catalogue(root, "GaiaSP")


def _reduced(
    folder: Path,
    sky: Sky,
    camera: Camera,
    pointing: tuple[float, float],
    seed: int,
    catalogue: ReferenceCatalogue,
    places: Sequence[tuple[float, float]],
    decisions: Decisions,
    night: int = 0,
) -> PlaneReduction:
    """Expose, write, reduce."""
    moment = EVENING + timedelta(days=night, minutes=seed % 400)
    frame = render_frame(sky, camera, moment, 60.0, pointing, "GaiaSP/r", seed)
    path = folder / "frame.fits"
    path.write_bytes(frame.fits_bytes)
    request = ReductionRequest(
        targets=tuple(
            TargetPosition(number, ra, dec, error_arcsec=0.05)
            for number, (ra, dec) in enumerate(places)
        ),
        site=SITE,
        camera=CameraSettings(
            gain_e_per_adu=camera.gain_e_per_adu,
            read_noise_e=camera.read_noise_e,
            saturation_adu=camera.saturation_adu,
        ),
        requested_filter="GaiaSP/r",
        decisions=decisions,
    )
    return reduce_frame(path, request, catalogue).planes[0]


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
    catalogue = _imported(sky, folder / f"l{seed}{crowded}")
    places = _places(sky, camera, seed, n_places, crowded=crowded)
    first = _reduced(
        folder, sky, camera, CENTRE, 10 * seed, catalogue, places, Decisions()
    )
    measured = [m for m in first.measurements if m.limit_3sigma is not None]
    places = [places[m.target_id] for m in measured]
    array = np.array(places)
    empty = [m.signal_to_noise or 0.0 for m in measured]
    found = []
    for step, name in enumerate(("limit_3sigma", "limit_5sigma"), start=1):
        stated = np.array([getattr(m, name) for m in measured])
        with_stars = _with_stars(sky, array, stated)
        plane = _reduced(
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
    """Both figures; the neighbour that no catalogue has shows what that costs."""
    figures = []
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
            figures.append(_curve_figure(text, curves))
            if again:
                figures.append(_curve_figure(f"{text}, learnt from frames,", again))
        for crowded in (False, True):
            parts = []
            for seed in (1, 2, 3, 4, 5, 6):
                parts.append(limits_in(folder, seed, crowded=crowded, n_places=180))
            figures.append(_limit_figure(Limits.joined(parts), crowded=crowded))
    return figures


def _curve_figure(text: str, curves: Sequence[LightCurve]) -> Figure:
    slopes = [curve.slope() for curve in curves]
    sigma = [slope / error for slope, error in slopes]
    mean = sum(s / e**2 for s, e in slopes) / sum(e**-2 for _, e in slopes)
    error = sum(e**-2 for _, e in slopes) ** -0.5
    chi2 = [curve.chi2() for curve in curves]
    colour = 1000 * float(np.median([curve.colour for curve in curves]))
    offset = [curve.offset() for curve in curves]
    return Figure(
        f"Constant star, {text} at 1.5 FWHM, seeing 2-5 px",
        "slope with seeing zero within 2 sigma, reduced chi-square 0.7-1.4",
        f"slope {1000 * mean:+.2f} +- {1000 * error:.2f} mmag/px "
        f"({', '.join(f'{s:+.1f}' for s in sigma)} sigma), chi-square "
        f"{', '.join(f'{c:.2f}' for c in chi2)} (mean {np.mean(chi2):.2f}), offset "
        f"{1000 * float(np.mean(offset)):+.1f} mmag",
        f"{len(curves)} seeds of {len(curves[0].magnitude)} frames; errors without "
        f"the colour term ({colour:.1f} mmag), one shift of every point",
        COMMAND,
    )


def _limit_figure(limits: Limits, *, crowded: bool) -> Figure:
    where = "empty sky"
    if crowded:
        where = "a crowd (1 source per 40 FWHM^2), at places 1 FWHM from any star"
    goal = 0.15 if crowded else 0.05
    pull = 1.4826 * float(np.median(np.abs(limits.empty - np.median(limits.empty))))
    half = [float(np.mean(limits.at_3 > 3)), float(np.mean(limits.at_5 > 5))]
    return Figure(
        f"Limits in {where}",
        f"half of the stars at the limit come out above it, within {goal:.2f} mag",
        f"3 sigma: {depth_error(limits.at_3, 3):+.3f} mag ({half[0]:.0%} above), "
        f"5 sigma: {depth_error(limits.at_5, 5):+.3f} mag ({half[1]:.0%} above)",
        f"{len(limits.at_3)} + {len(limits.at_5)} injections; pull of the empty places "
        f"{float(np.median(limits.empty)):+.2f} +- "
        f"{pull:.2f}",
        COMMAND,
    )


if __name__ == "__main__":
    for figure in measure():
        sys.stdout.write(f"{figure}\n")
