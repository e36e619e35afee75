"""Stars of known flux in simulated frames: what the suite makes of them.

Frames of Moffat and Gaussian stars, FWHM 2 to 6 px, sparse and at one source per
40 FWHM^2, each with four seeds. After a frame's own zero point its stars are held
against the truth, the Cramer-Rao bound, and SExtractor's MAG_AUTO on the same frame.

The bound's free parameters are flux, x and y of every star that was found, all at
once; PSF and sky are known to it, and stars that were not found are not there.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
    STARS,
    WIDTHS_PX,
    Scene,
    cramer_rao,
    scene,
    scenes,
)

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/injected_truth.py)"
BRIGHT_SN, SCATTER_SN = 100.0, 20.0


@dataclass(frozen=True, slots=True)
class Residuals:
    """Measured minus true magnitude after the zero point, of stars that were found."""

    signal_to_noise: FloatArray
    magnitude: FloatArray
    error: FloatArray
    bound: FloatArray

    def bias_mmag(self) -> float:
        """Median of the bright stars."""
        bright = self.signal_to_noise > BRIGHT_SN
        return 1e3 * float(np.median(self.magnitude[bright]))

    def scatter(self) -> float:
        """Robust scatter in units of the bound."""
        some = self.signal_to_noise > SCATTER_SN
        return _robust(self.magnitude[some] / self.bound[some])

    def pull(self) -> float:
        """Robust width of the residuals in units of the quoted errors."""
        some = self.signal_to_noise > SCATTER_SN
        return _robust(self.magnitude[some] / self.error[some])


def measure() -> list[Figure]:
    """All figures of the PSF, optimal, aperture and SExtractor's fluxes."""
    figures = []
    for kind in STARS:
        results: dict[str, list[Residuals]] = {}
        frames = 0
        for taken in scenes(kind):
            frames += 1
            for name, found in _measured(taken).items():
                results.setdefault(name, []).append(found)
        whole = {name: joined(parts) for name, parts in results.items()}
        figures += _figures(kind, frames, whole)
        figures.append(_completeness(kind))
    return figures


def _measured(scene: Scene) -> dict[str, Residuals]:
    """What each method makes of a frame, on the stars that it finds itself."""
    found = {}
    x, y, methods = reduced(scene)
    index, truth = matched(scene, x, y)
    bound = cramer_rao(scene, truth)
    for name, (flux, error) in methods.items():
        found[name] = residuals(scene, truth, flux[index], error[index], bound)
    if shutil.which("source-extractor"):
        found["SExtractor MAG_AUTO"] = _extracted(scene)
    return found


def reduced(
    scene: Scene,
) -> tuple[FloatArray, FloatArray, dict[str, tuple[FloatArray, FloatArray]]]:
    """Find and measure the stars as a reduction does."""
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

    pixels = scene.pixels.copy()
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
    sources, fluxes = fit_sources(pixels, None, psf, noise, sources)
    return (
        sources.x,
        sources.y,
        {
            "PSF": (fluxes.flux, fluxes.error),
            "optimal": (fluxes.optimal_flux, fluxes.optimal_error),
            "aperture": (fluxes.aperture_flux, fluxes.aperture_error),
        },
    )


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


def residuals(
    scene: Scene,
    truth: npt.NDArray[np.intp],
    flux: FloatArray,
    error: FloatArray,
    bound: FloatArray,
) -> Residuals:
    """Residuals after the zero point of the frame's stars, those near an edge out."""
    from bhtom_cpcs.science.calibration.zero_point_fit import fit_zero_point

    side = len(scene.pixels)
    margin = 2.5 * scene.fwhm_px
    inside = np.minimum(scene.x[truth], scene.y[truth]) > margin
    inside &= np.maximum(scene.x[truth], scene.y[truth]) < side - 1 - margin
    with np.errstate(invalid="ignore"):
        good = inside & (flux > 5 * error)
    flux, error, bound, true = flux[good], error[good], bound[good], scene.flux[truth]
    magnitude = -2.5 * np.log10(flux / true[good])
    error_mag, bound_mag = 1.0857 * error / flux, 1.0857 * bound / true[good]
    bright = bound_mag < 1.0857 / SCATTER_SN
    zero_point = fit_zero_point(-magnitude[bright], error_mag[bright]).value
    return Residuals(1.0857 / bound_mag, magnitude + zero_point, error_mag, bound_mag)


def _extracted(scene: Scene) -> Residuals:
    """SExtractor's MAG_AUTO of the frame, after its own zero point."""
    from astropy.io import fits

    from tests.bench.source_extractor import AUTO, extraction_of

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "scene.fits"
        fits.PrimaryHDU(scene.pixels).writeto(path)
        extraction_of(folder, path, scene.fwhm_px, GAIN, AUTO)()
        table = fits.getdata(folder / "bench.cat", 1)
    index, truth = matched(scene, table["XWIN_IMAGE"] - 1.0, table["YWIN_IMAGE"] - 1.0)
    flux = 10 ** (-0.4 * table["MAG_AUTO"].astype(float))[index]
    error = table["MAGERR_AUTO"].astype(float)[index] * flux / 1.0857
    return residuals(scene, truth, flux, error, cramer_rao(scene, truth))


def _completeness(kind: str) -> Figure:
    """Share of the faint stars that are found, at the false rate of the reduction."""
    totals = np.zeros(5)
    for beta in (MOFFAT, GAUSSIAN):
        for fwhm in WIDTHS_PX:
            totals += found_and_false(scene(kind, beta, fwhm, SEEDS[0]))
    faint, own, own_false, peer, peer_false = totals
    return Figure(
        f"Injected truth, {kind}: faint stars (S/N 4 to 10) that are found",
        ">= sep's with the same kernel at the same false rate",
        f"{own / faint:.3f} of {faint:.0f}, {own_false:.0f} false",
        f"sep.extract {peer / faint:.3f}, {peer_false:.0f} false",
        COMMAND,
    )


def found_and_false(scene: Scene) -> FloatArray:
    """Faint stars, and found ones and false ones of the reduction and of sep.

    sep has the same kernel and its other settings as they come; its threshold is the
    lowest that makes no more false sources than the reduction.
    """
    import sep

    from bhtom_cpcs.science.stars.detection import gaussian_kernel, subtract_background

    pixels = scene.pixels.copy()
    sky = subtract_background(pixels, None)
    kernel = gaussian_kernel(scene.fwhm_px)
    filtered = sky.rms * float(np.sqrt(np.sum(kernel.astype(np.float64) ** 2)))
    noise = scene.rms * np.sqrt(2.3) * scene.fwhm_px
    faint = (scene.flux > 4 * noise) & (scene.flux < 10 * noise)
    x, y, _ = reduced(scene)
    own, own_false = _found(scene, faint, x, y)
    best = (0, 0)
    for sigma in (6.0, 5.5, 5.0, 4.5, 4.0, 3.5):
        found = sep.extract(pixels, sigma * filtered, filter_kernel=kernel)
        peer, peer_false = _found(scene, faint, found["x"], found["y"])
        if peer_false <= own_false and peer > best[0]:
            best = peer, peer_false
    return np.array([np.sum(faint), own, own_false, *best], dtype=float)


def _found(
    scene: Scene, faint: npt.NDArray[np.bool_], x: FloatArray, y: FloatArray
) -> tuple[int, int]:
    """Faint stars among the matched, and sources that are no star."""
    index, truth = matched(scene, x, y)
    return int(np.sum(faint[truth])), len(x) - len(index)


def joined(parts: list[Residuals]) -> Residuals:
    return Residuals(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in Residuals.__dataclass_fields__
        )
    )


def _robust(values: FloatArray) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _figures(kind: str, frames: int, found: dict[str, Residuals]) -> list[Figure]:
    """Lines of the table: bias, scatter and pull, every method beside the others."""
    goals = {
        "sparse": ("<= 3 mmag", "<= 1.10", "0.9 to 1.1"),
        "crowded": ("<= 10 mmag", "<= 1.3", "<= 1.2"),
    }[kind]
    what = (
        ("bias of bright stars (S/N > 100)", lambda r: f"{r.bias_mmag():+.1f} mmag"),
        (
            "scatter over the Cramer-Rao bound (S/N > 20)",
            lambda r: f"{r.scatter():.2f}",
        ),
        ("pull width (S/N > 20)", lambda r: f"{r.pull():.2f}"),
    )
    figures = []
    for (title, text), goal in zip(what, goals, strict=True):
        own = [f"{name} {text(found[name])}" for name in ("PSF", "optimal", "aperture")]
        peer = found.get("SExtractor MAG_AUTO")
        count = int(np.sum(found["PSF"].signal_to_noise > SCATTER_SN))
        figures.append(
            Figure(
                f"Injected truth, {kind}: {title}",
                goal,
                f"{', '.join(own)} ({frames} frames, {count} stars)",
                "none" if peer is None else f"SExtractor MAG_AUTO {text(peer)}",
                COMMAND,
            )
        )
    return figures
