"""How long a frame's reduction takes, beside Debian's SExtractor on the same frame."""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bhtom_cpcs.calibrations.reduction_process import limit_threads
from tests.bench.figures import Figure

COMMAND: Final = "make bench (tests/bench/reduction.py)"
GOAL: Final = "ratio <= 1.5"
PROGRAM: Final = "source-extractor"
REPEATS: Final = 5
# 4096 pixels of 0.8 arcsec; the disc of stars reaches over the frame's corners.
SIDE_PX: Final = 4096
STARS_IN_FRAME: Final = 5000
CENTRE: Final = (150.0, -24.0)
RADIUS_DEG: Final = 0.68

# The measurements that the reduction makes of every source: windowed centroids,
# moments, three apertures and their errors.
_PARAMETERS: Final = (
    "NUMBER X_IMAGE Y_IMAGE XWIN_IMAGE YWIN_IMAGE ALPHA_J2000 DELTA_J2000 "
    "FLUX_APER(3) FLUXERR_APER(3) MAG_AUTO MAGERR_AUTO A_IMAGE B_IMAGE THETA_IMAGE "
    "FWHM_IMAGE FLAGS BACKGROUND"
)


def measure() -> list[Figure]:
    """The reduction's time as a ratio to SExtractor's, medians of alternating runs."""
    name = "Reduction of a 4k x 4k frame with 5,000 stars"
    if shutil.which(PROGRAM) is None:
        why = f"not measured: Debian's {PROGRAM} is not installed"
        return [Figure(name, GOAL, why, PROGRAM, COMMAND)]
    with tempfile.TemporaryDirectory() as folder:
        reduce, extract = _prepared(Path(folder))
        # Once without a clock: imports, caches, and what both of them find.
        found, peer_found = reduce(), extract()
        reduction, extraction = _alternate(reduce, extract)
    ratio = statistics.median(reduction) / statistics.median(extraction)
    return [
        Figure(
            name,
            GOAL,
            f"{ratio:.2f} ({statistics.median(reduction):.2f} s, {found} sources)",
            f"{PROGRAM} {statistics.median(extraction):.2f} s, {peer_found} sources",
            COMMAND,
        )
    ]


def _prepared(folder: Path) -> tuple[Callable[[], int], Callable[[], int]]:
    """The two things to be timed, on one frame with its catalogue."""
    limit_threads()
    from astropy.io import fits

    from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
    from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
    from bhtom_cpcs.science.reduction import reduce_frame
    from bhtom_cpcs.science.request import (
        CameraSettings,
        ReductionRequest,
        Site,
        TargetPosition,
    )
    from bhtom_sky import Camera, make_sky, render_frame, write_catalogue

    side_deg = SIDE_PX * 0.8 / 3600
    count = round(STARS_IN_FRAME * 3.1416 * RADIUS_DEG**2 / side_deg**2)
    sky = make_sky(7, CENTRE, RADIUS_DEG, count, faintest=18.0)
    camera = Camera(width_px=SIDE_PX, height_px=SIDE_PX, cosmic_rays=200)
    moment = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    frame = render_frame(
        sky, camera, moment, 60.0, CENTRE, "GaiaSP/r", seed=3, name="large.fits"
    )
    path = folder / frame.name
    path.write_bytes(frame.fits_bytes)
    write_catalogue(sky, folder / "stars.csv")
    import_slice(folder, folder / "stars.csv", Cone(*CENTRE, RADIUS_DEG))
    request = ReductionRequest(
        targets=(TargetPosition(1, *CENTRE),),
        site=Site(-24.6, -70.4, 2400.0),
        camera=CameraSettings(
            gain_e_per_adu=camera.gain_e_per_adu,
            read_noise_e=camera.read_noise_e,
            saturation_adu=camera.saturation_adu,
        ),
    )

    def reduce() -> int:
        reduction = reduce_frame(path, request, open_catalogue(folder, "GaiaSP"))
        outcome = reduction.planes[0].outcome
        if outcome != "calibrated":
            raise RuntimeError(f"The frame ended as {outcome}: nothing to compare.")
        quality = reduction.planes[0].quality
        return 0 if quality is None else quality.n_sources

    command = _extractor(folder, path, camera.fwhm_px)

    def extract() -> int:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return int(fits.getheader(folder / "bench.cat", 1)["NAXIS2"])

    return reduce, extract


def _extractor(folder: Path, frame: Path, fwhm_px: float) -> list[str]:
    """SExtractor's command line, with a kernel of about the seeing's width."""
    parameters = folder / "bench.param"
    parameters.write_text("\n".join(_PARAMETERS.split()) + "\n", encoding="ascii")
    kernel = "gauss_3.0_7x7.conv" if fwhm_px > 2.75 else "gauss_2.5_5x5.conv"
    settings = {
        "PARAMETERS_NAME": parameters,
        "FILTER_NAME": f"/usr/share/{PROGRAM}/{kernel}",
        "STARNNW_NAME": f"/usr/share/{PROGRAM}/default.nnw",
        "CATALOG_NAME": folder / "bench.cat",
        "CATALOG_TYPE": "FITS_1.0",
        "DETECT_THRESH": 3.0,
        "PHOT_APERTURES": f"{2 * fwhm_px:.2f},{3 * fwhm_px:.2f},{4 * fwhm_px:.2f}",
        "GAIN": 1.5,
        "VERBOSE_TYPE": "QUIET",
    }
    program = shutil.which(PROGRAM)
    assert program is not None
    command = [program, str(frame), "-c", f"/usr/share/{PROGRAM}/default.sex"]
    for key, value in settings.items():
        command += [f"-{key}", str(value)]
    return command


def _alternate(
    reduce: Callable[[], int], extract: Callable[[], int]
) -> tuple[list[float], list[float]]:
    """Time both in turns, so that a busy moment of the machine meets both."""
    reductions, extractions = [], []
    for _ in range(REPEATS):
        reductions.append(_seconds(reduce))
        extractions.append(_seconds(extract))
    return reductions, extractions


def _seconds(work: Callable[[], int]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    for figure in measure():
        sys.stdout.write(f"{figure}\n")
