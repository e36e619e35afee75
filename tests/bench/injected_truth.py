"""Stars of known flux in simulated frames: what the suite makes of them.

Frames of Moffat and Gaussian stars, FWHM 2 to 6 px, sparse and at one source per
40 FWHM^2, each with four seeds. After a frame's own zero point its stars are held
against the truth, the Cramer-Rao bound, and SExtractor's MAG_AUTO on the same frame.

The bound's free parameters are flux, x and y of every star that was found, all at
once; PSF and sky are known to it, and stars that were not found are not there.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array
from scipy.spatial import cKDTree
from scipy.special import erf

from tests.bench.figures import Figure

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/injected_truth.py)"
SEEDS: Final = (1, 2, 3, 4)
WIDTHS_PX: Final = (2.0, 3.0, 4.5, 6.0)
MOFFAT, GAUSSIAN = 3.0, 0.0  # exponents; 0 stands for a Gaussian
GAIN, READ_E, SKY_E, GRADIENT = 1.5, 8.0, 300.0, 0.05
STARS: Final = {"sparse": 150, "crowded": 400}
FWHM2_A_STAR: Final = {"sparse": 600.0, "crowded": 40.0}
SLOPE, RANGE_MAG = 0.2, 7.5
BRIGHT_SN, SCATTER_SN = 100.0, 20.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A frame's pixels [ADU], sky included, and the stars in it."""

    pixels: npt.NDArray[np.float32]
    x: FloatArray
    y: FloatArray
    flux: FloatArray
    fwhm_px: float
    beta: float

    @property
    def rms(self) -> float:
        """Noise of a pixel of sky [ADU]."""
        return float(np.sqrt(SKY_E + READ_E**2)) / GAIN


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
    """All figures, sparse and crowded, of the PSF, optimal and SExtractor's fluxes."""
    figures = []
    for kind in STARS:
        results: dict[str, list[Residuals]] = {}
        frames = 0
        for scene in scenes(kind):
            frames += 1
            for name, found in _measured(scene).items():
                results.setdefault(name, []).append(found)
        whole = {name: joined(parts) for name, parts in results.items()}
        figures += _figures(kind, frames, whole)
        figures.append(_completeness(kind))
    return figures


def scenes(kind: str) -> Iterator[Scene]:
    """The frames of a kind, all profiles, widths and seeds."""
    for beta in (MOFFAT, GAUSSIAN):
        for fwhm in WIDTHS_PX:
            for seed in SEEDS:
                yield scene(kind, beta, fwhm, seed)


def scene(kind: str, beta: float, fwhm: float, seed: int, count: int = 0) -> Scene:
    """One frame; counts rise by 10^0.2 a magnitude from the brightest to 4 sigma."""
    rng = np.random.default_rng([seed, round(10 * fwhm), round(beta), len(kind)])
    count = count or STARS[kind]
    side = round(np.sqrt(count * FWHM2_A_STAR[kind]) * fwhm)
    x, y = rng.uniform(-1, side, (2, count))
    rms = np.sqrt(SKY_E + READ_E**2) / GAIN
    faintest = 4.0 * rms * np.sqrt(2.4) * fwhm  # about 4 sigma
    uniform = rng.uniform(0, 1, count)
    magnitude = np.log10(1 + uniform * (10 ** (SLOPE * RANGE_MAG) - 1)) / SLOPE
    flux = faintest * 10 ** (0.4 * (RANGE_MAG - magnitude))
    image = np.full((side, side), SKY_E, dtype=np.float64)
    image *= 1 + GRADIENT * np.linspace(-0.5, 0.5, side)[:, None]
    image += GAIN * rendered(x, y, flux, fwhm, beta, side)
    electrons = rng.poisson(image) + rng.normal(0, READ_E, image.shape)
    return Scene((electrons / GAIN).astype(np.float32), x, y, flux, fwhm, beta)


def rendered(
    x: FloatArray, y: FloatArray, flux: FloatArray, fwhm: float, beta: float, side: int
) -> FloatArray:
    """Noiseless light of stars [the flux's unit]."""
    from bhtom_sky.rendering import add_stars

    if beta:
        image = np.zeros((side, side), dtype=np.float32)
        add_stars(image, (x, y, flux), fwhm, beta, 0.005)
        return image.astype(np.float64)
    light = np.zeros((side, side))
    half = int(np.ceil(3 * fwhm))
    for stamp, rows, columns in _gaussian_stamps(x, y, fwhm, half, side):
        light[rows, columns] += flux[stamp[0]] * stamp[1]
    return light


def _gaussian_stamps(
    x: FloatArray, y: FloatArray, fwhm: float, half: int, side: int
) -> Iterator[tuple[tuple[int, FloatArray], slice, slice]]:
    """Pixel-integrated Gaussians of light 1 and where they lie."""
    scale = fwhm / 2.3548200450309493 * np.sqrt(2)
    for number, place in enumerate(zip(x, y, strict=True)):
        axes, parts = [], []
        for centre in place:
            first = max(round(centre) - half, 0)
            last = min(round(centre) + half + 1, side)
            edge = (np.arange(first, max(last, first) + 1) - 0.5 - centre) / scale
            axes.append(0.5 * np.diff(erf(edge)))
            parts.append(slice(first, max(last, first)))
        yield (number, axes[1][:, None] * axes[0][None, :]), parts[1], parts[0]


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
        first_look,
        subtract_background,
    )
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


def cramer_rao(scene: Scene, truth: npt.NDArray[np.intp]) -> FloatArray:
    """Least error of each found star's flux [ADU]; flux, x, y of all found are free."""
    side = len(scene.pixels)
    light = rendered(scene.x, scene.y, scene.flux, scene.fwhm_px, scene.beta, side)
    variance = scene.rms**2 + light / GAIN
    rows, columns, values = [], [], []
    step = 0.02
    for number, star in enumerate(truth):
        half = int(np.ceil(5 * scene.fwhm_px))
        column, row = round(float(scene.x[star])), round(float(scene.y[star]))
        width = 2 * half + 1
        dx, dy = scene.x[star] - column, scene.y[star] - row
        shifts = ((0, 0), (step, 0), (-step, 0), (0, step), (0, -step))
        stamps = [
            rendered(
                np.array([half + dx + sx]),
                np.array([half + dy + sy]),
                np.ones(1),
                scene.fwhm_px,
                scene.beta,
                width,
            )
            for sx, sy in shifts
        ]
        brightness = scene.flux[star] / (2 * step)
        parameters = (
            stamps[0],
            brightness * (stamps[1] - stamps[2]),
            brightness * (stamps[3] - stamps[4]),
        )
        y, x = np.indices((width, width))
        y, x = y + row - half, x + column - half
        inside = (y >= 0) & (y < side) & (x >= 0) & (x < side)
        pixel = (y * side + x)[inside]
        for offset, stamp in enumerate(parameters):
            rows.append(pixel)
            columns.append(np.full(len(pixel), 3 * number + offset))
            values.append(stamp[inside] / np.sqrt(variance.ravel()[pixel]))
    place = np.concatenate(rows), np.concatenate(columns)
    design = csc_array((np.concatenate(values), place), shape=(side**2, 3 * len(truth)))
    information = (design.T @ design).toarray()
    scale = 1 / np.sqrt(np.diag(information))
    covariance = np.linalg.inv(information * scale[:, None] * scale[None, :])
    bound: FloatArray = (np.sqrt(np.diag(covariance)) * scale)[::3]
    return bound


def _extracted(scene: Scene) -> Residuals:
    """SExtractor's MAG_AUTO of the frame, after its own zero point."""
    from astropy.io import fits

    from tests.bench.source_extractor import extraction_of

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "scene.fits"
        fits.PrimaryHDU(scene.pixels).writeto(path)
        extraction_of(folder, path, scene.fwhm_px, GAIN)()
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
        own = [f"{name} {text(found[name])}" for name in ("PSF", "optimal")]
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
