"""Stars of known flux in simulated frames: what the suite makes of them.

Frames of Moffat and Gaussian stars, FWHM 2 to 6 px, sparse and at one source per
40 FWHM^2, each with four seeds. After a frame's own zero point its stars are held
against the truth, the Cramer-Rao bound, and SExtractor's MAG_AUTO on the same frame.

The bound's free parameters are flux, x and y of every star that was found, all at
once; PSF and sky are known to it, and stars that were not found are not there.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from tests.bench.figures import Figure
from tests.bench.found_stars import completeness, matched, reduced
from tests.bench.injected_scenes import (
    GAIN,
    STARS,
    Scene,
    cramer_rao,
    scenes,
)

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/injected_truth.py)"
BRIGHT_SN, SCATTER_SN = 100.0, 20.0
PAIR_FWHM = 1.0
# Text, least and most of bias [mmag], scatter and pull width.
GOALS: Final = {
    "sparse": (
        ("<= 3 mmag", -3.0, 3.0),
        ("<= 1.10", 0.0, 1.10),
        ("0.9 to 1.1", 0.9, 1.1),
    ),
    "crowded": (
        ("<= 10 mmag", -10.0, 10.0),
        ("<= 1.3", 0.0, 1.3),
        ("<= 1.2", 0.0, 1.2),
    ),
}
WIDTHS = "1.4826 MAD (plain rms without pairs within 1 FWHM; of all)"


@dataclass(frozen=True, slots=True)
class Residuals:
    """Measured minus true magnitude after the zero point, of stars that were found.

    `nearest_fwhm` is the distance of the true star next to each.
    """

    signal_to_noise: FloatArray
    magnitude: FloatArray
    error: FloatArray
    bound: FloatArray
    nearest_fwhm: FloatArray

    def bias_mmag(self) -> float:
        """Median of the bright stars."""
        bright = self.signal_to_noise > BRIGHT_SN
        return 1e3 * float(np.median(self.magnitude[bright]))

    def scatter(self) -> float:
        """Robust scatter (1.4826 MAD) in units of the bound."""
        return _robust(self._in_units_of(self.bound))

    def pull(self) -> float:
        """Robust width (1.4826 MAD) of the residuals in units of the quoted errors."""
        return _robust(self._in_units_of(self.error))

    def widths(self, unit: FloatArray) -> str:
        """1.4826 MAD of all, plain rms without pairs, plain rms of all."""
        residuals = self._in_units_of(unit)
        alone = self.nearest_fwhm[self.signal_to_noise > SCATTER_SN] > PAIR_FWHM
        found = _robust(residuals), _rms(residuals[alone]), _rms(residuals)
        return "{:.2f} ({:.2f}; {:.2f})".format(*found)

    def _in_units_of(self, unit: FloatArray) -> FloatArray:
        some = self.signal_to_noise > SCATTER_SN
        residuals: FloatArray = self.magnitude[some] / unit[some]
        return residuals


_Text = Callable[[Residuals], str]
_Value = Callable[[Residuals], float]


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
        figures.append(completeness(kind))
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
    return Residuals(
        1.0857 / bound_mag,
        magnitude + zero_point,
        error_mag,
        bound_mag,
        _nearest(scene, truth[good]),
    )


def _nearest(scene: Scene, star: npt.NDArray[np.intp]) -> FloatArray:
    """Distance of the nearest other true star [FWHM]."""
    places = np.stack([scene.x, scene.y], axis=1)
    distance, _ = cKDTree(places).query(places[star], k=2)
    nearest: FloatArray = distance[:, 1] / scene.fwhm_px
    return nearest


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


def joined(parts: list[Residuals]) -> Residuals:
    return Residuals(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in Residuals.__dataclass_fields__
        )
    )


def _robust(values: FloatArray) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _rms(values: FloatArray) -> float:
    """About the median, none left out."""
    return float(np.sqrt(np.mean((values - np.median(values)) ** 2)))


def _figures(kind: str, frames: int, found: dict[str, Residuals]) -> list[Figure]:
    """Lines of the table: bias, scatter and pull, every method beside the others."""
    goals = GOALS[kind]
    what: tuple[tuple[str, _Text, _Value], ...] = (
        (
            "bias of bright stars (S/N > 100)",
            lambda r: f"{r.bias_mmag():+.1f} mmag",
            Residuals.bias_mmag,
        ),
        (
            f"scatter over the Cramer-Rao bound (S/N > 20; free in the bound: flux, x"
            f" and y of every star found), {WIDTHS}",
            lambda r: r.widths(r.bound),
            Residuals.scatter,
        ),
        (
            f"pull width (S/N > 20), {WIDTHS}",
            lambda r: r.widths(r.error),
            Residuals.pull,
        ),
    )
    figures = []
    for (title, text, value), (goal, least, most) in zip(what, goals, strict=True):
        judged = [value(found[name]) for name in ("PSF", "optimal")]
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
                met=all(least <= one <= most for one in judged),
            )
        )
    return figures
