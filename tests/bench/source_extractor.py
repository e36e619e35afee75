"""Debian's SExtractor as the peer of the reduction, told to measure the same things."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

PROGRAM: Final = "source-extractor"
# What the reduction measures of every source: windowed centroids, moments, three
# apertures and their errors.
_PARAMETERS: Final = (
    "NUMBER X_IMAGE Y_IMAGE XWIN_IMAGE YWIN_IMAGE ALPHA_J2000 DELTA_J2000 "
    "FLUX_APER(3) FLUXERR_APER(3) MAG_AUTO MAGERR_AUTO A_IMAGE B_IMAGE THETA_IMAGE "
    "FWHM_IMAGE FLAGS BACKGROUND"
)


def extraction_of(
    folder: Path, frame: Path, fwhm_px: float, gain_e_per_adu: float
) -> Callable[[], int]:
    """A call that makes the frame's catalogue and counts its sources."""
    parameters = folder / "bench.param"
    parameters.write_text("\n".join(_PARAMETERS.split()) + "\n", encoding="ascii")
    kernel = "gauss_3.0_7x7.conv" if fwhm_px > 2.75 else "gauss_2.5_5x5.conv"
    catalogue = folder / "bench.cat"
    settings = {
        "PARAMETERS_NAME": parameters,
        "FILTER_NAME": f"/usr/share/{PROGRAM}/{kernel}",
        "STARNNW_NAME": f"/usr/share/{PROGRAM}/default.nnw",
        "CATALOG_NAME": catalogue,
        "CATALOG_TYPE": "FITS_1.0",
        "DETECT_THRESH": 3.0,
        "PHOT_APERTURES": f"{2 * fwhm_px:.2f},{3 * fwhm_px:.2f},{4 * fwhm_px:.2f}",
        "GAIN": gain_e_per_adu,
        "VERBOSE_TYPE": "QUIET",
    }
    program = shutil.which(PROGRAM)
    if program is None:
        raise FileNotFoundError(PROGRAM)
    command = [program, str(frame), "-c", f"/usr/share/{PROGRAM}/default.sex"]
    for key, value in settings.items():
        command += [f"-{key}", str(value)]

    def extract() -> int:
        from astropy.io import fits

        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return int(fits.getheader(catalogue, 1)["NAXIS2"])

    return extract
