"""A reference catalogue from a real frame's own stars, so that its reduction goes on.

Its magnitudes are the stars' own light and an invented zero point: what comes of it
says nothing about the telescope, but the point-spread function, the zero point, the
target and the explanation all work on real pixels.
"""

import csv
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bhtom_cpcs.science.astrometry.coordinates import Astrometry
    from bhtom_cpcs.science.frames.planes import Plane

FloatArray = npt.NDArray[np.float64]

# Of frames without coordinates: where they are put, as large as this.
INVENTED_SCALE_ARCSEC: Final = 0.8
_ZERO_POINT, _ERROR_MAG = 25.0, 0.01
_MOST_STARS: Final = 3000
_MARGIN: Final = 1.3
_LARGEST_FIELD_DEG: Final = 20.0


def import_own_stars(path: Path, folder: Path, pointing: tuple[float, float]) -> int:
    """Make tiles of a frame's stars below a folder; return how many stars."""
    from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
    from bhtom_cpcs.science.astrometry.coordinates import separation_deg
    from bhtom_cpcs.science.frames.fits_files import open_fits
    from bhtom_cpcs.science.frames.fits_input import read_planes

    found: list[FloatArray] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open_fits(path) as hdus:
            for plane in read_planes(hdus):
                found.append(_stars(plane, _coordinates(plane, pointing)))
    ra, dec, magnitude = np.concatenate(found, axis=1)
    centre = float(np.median(ra)), float(np.median(dec))
    away = separation_deg(ra, dec, *centre)
    near = away < _LARGEST_FIELD_DEG  # a file's planes may lie anywhere
    ra, dec, magnitude = ra[near], dec[near], magnitude[near]
    radius = float(away[near].max()) * _MARGIN
    table = folder / "own_stars.csv"
    _write(table, ra, dec, magnitude)
    import_slice(folder, table, Cone(*centre, max(radius, 0.02)))
    return len(ra)


def _coordinates(plane: "Plane", pointing: tuple[float, float]) -> "Astrometry":
    """The header's coordinates, or invented ones where it has none."""
    from bhtom_cpcs.science.astrometry.coordinates import read_astrometry
    from bhtom_cpcs.science.stop import Stop
    from bhtom_sky import Camera, frame_wcs

    height, width = plane.pixels.shape
    try:
        return read_astrometry(plane.header, (height, width))
    except Stop:
        camera = Camera(
            width_px=width,
            height_px=height,
            pixel_scale_arcsec=INVENTED_SCALE_ARCSEC,
        )
        header = frame_wcs(camera, pointing).to_header()
        return read_astrometry(header, (height, width))


def _stars(plane: "Plane", coordinates: "Astrometry") -> FloatArray:
    """Right ascension, declination and magnitude of the brightest, shape (3, n)."""
    import sep

    from bhtom_cpcs.science.stars.detection import (
        DetectionOverflow,
        detect,
        subtract_background,
    )
    from bhtom_cpcs.science.stars.first_look import first_look

    pixels = plane.pixels.copy()
    sky = subtract_background(pixels, plane.mask)
    try:
        width = first_look(pixels, plane.mask, sky.rms)
        sources = detect(pixels, plane.mask, sky.rms, width)
    except DetectionOverflow:
        return np.zeros((3, 0))
    sources = sources.of(np.arange(min(len(sources), _MOST_STARS)))
    ra, dec = coordinates.sky(sources.x, sources.y)
    light, _, _ = sep.sum_circle(pixels, sources.x, sources.y, max(width, 2.0))
    magnitude = _ZERO_POINT - 2.5 * np.log10(np.where(light > 0, light, np.nan))
    # Of pixels per second and of whole counts alike: about the magnitudes of stars.
    magnitude += 14.0 - (np.nanmedian(magnitude) if len(magnitude) else 0.0)
    good = np.isfinite(ra) & np.isfinite(dec) & np.isfinite(magnitude)
    return np.stack([ra[good], dec[good], magnitude[good]])


def _write(path: Path, ra: FloatArray, dec: FloatArray, magnitude: FloatArray) -> None:
    """Write the stars in the columns of the simulated catalogue, colours invented."""
    from bhtom_sky import BANDS

    random = np.random.default_rng(len(ra))
    redness = random.normal(0.0, 0.4, len(ra))
    columns: dict[str, FloatArray] = {"ra_deg": ra, "dec_deg": dec}
    for band in BANDS:
        # the stars' light is that of r: no other band agrees with it
        noise = random.normal(0.0, _ERROR_MAG, len(ra))
        columns[f"mag_{band}"] = magnitude + noise + (band != "r") * redness
        columns[f"error_{band}"] = np.full(len(ra), _ERROR_MAG)
        columns[f"verified_{band}"] = np.ones(len(ra))
    with path.open("w", newline="", encoding="ascii") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow(f"{value:.8f}" for value in row)


if __name__ == "__main__":
    frame, tiles, ra_deg, dec_deg = sys.argv[1:]
    count = import_own_stars(Path(frame), Path(tiles), (float(ra_deg), float(dec_deg)))
    sys.stdout.write(f"{count}\n")
