"""Debian's SExtractor as a peer, told which columns to measure."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

PROGRAM: Final = "source-extractor"
# Both measure these of every source: isophotal centre, moments, peak and flags of the
# detection, windowed centroid, three apertures with errors.
COMMON: Final = (
    "X_IMAGE Y_IMAGE A_IMAGE B_IMAGE FLUX_ISO FLUX_MAX FLAGS "
    "XWIN_IMAGE YWIN_IMAGE FLUX_APER(3) FLUXERR_APER(3)"
)
AUTO: Final = "XWIN_IMAGE YWIN_IMAGE MAG_AUTO MAGERR_AUTO"


def extraction_of(
    folder: Path,
    frame: Path,
    fwhm_px: float,
    gain_e_per_adu: float,
    columns: str = COMMON,
) -> Callable[[], int]:
    """A call that makes the frame's catalogue and counts its sources."""
    parameters = folder / "bench.param"
    parameters.write_text("\n".join(columns.split()) + "\n", encoding="ascii")
    kernel = "gauss_3.0_7x7.conv" if fwhm_px > 2.75 else "gauss_2.5_5x5.conv"
    catalogue = folder / "bench.cat"
    settings = {
        "PARAMETERS_NAME": parameters,
        "FILTER_NAME": f"/usr/share/{PROGRAM}/{kernel}",
        "STARNNW_NAME": f"/usr/share/{PROGRAM}/default.nnw",
        "CATALOG_NAME": catalogue,
        "CATALOG_TYPE": "FITS_1.0",
        "DETECT_THRESH": 3.0,
        "DEBLEND_NTHRESH": 16,  # the reduction's
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
