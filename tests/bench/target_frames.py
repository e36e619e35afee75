"""Fields, their catalogues and whole reductions, for the benchmarks of targets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.science.decisions import Decisions
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.reference import ReferenceCatalogue
from bhtom_cpcs.science.request import (
    CameraSettings,
    ReductionRequest,
    Site,
    TargetPosition,
)
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_sky import Camera, Sky, make_sky, render_frame, write_catalogue

FloatArray = npt.NDArray[np.float64]

CENTRE: Final = (150.0, 20.0)
SCALE_ARCSEC: Final = 0.8
EVENING: Final = datetime(2026, 3, 1, 1, tzinfo=UTC)
SITE: Final = Site(28.3, -16.5, 2390.0)


def star_field(seed: int, target_mag: float) -> Sky:
    return make_sky(
        seed,
        CENTRE,
        0.06,
        260,
        variable_magnitude=target_mag,
        variable_amplitude_mag=0.0,
        isolation_arcsec=20.0,
    )


def moved(sky: Sky, star: int, ra: float, dec: float, magnitude: float) -> Sky:
    """Put a star elsewhere, with another brightness in all bands."""
    ra_deg, dec_deg = sky.ra_deg.copy(), sky.dec_deg.copy()
    ra_deg[star], dec_deg[star] = ra, dec
    difference = magnitude - sky.magnitude["r"][star]
    brightness = {band: value.copy() for band, value in sky.magnitude.items()}
    for value in brightness.values():
        value[star] += difference
    return replace(sky, ra_deg=ra_deg, dec_deg=dec_deg, magnitude=brightness)


def without(sky: Sky, star: int) -> Sky:
    """Leave a star out; the variable is number 0."""
    keep = np.arange(len(sky.ra_deg)) != star
    brightness = {band: value[keep] for band, value in sky.magnitude.items()}
    return replace(
        sky, ra_deg=sky.ra_deg[keep], dec_deg=sky.dec_deg[keep], magnitude=brightness
    )


def with_stars_at(sky: Sky, places: FloatArray, magnitude: FloatArray) -> Sky:
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


def imported(sky: Sky, root: Path) -> ReferenceCatalogue:
    root.mkdir(parents=True, exist_ok=True)
    write_catalogue(sky, root / "stars.csv")
    import_slice(root, root / "stars.csv", Cone(*CENTRE, sky.radius_deg))
    return open_catalogue(root, "GaiaSP")


def reduced_frame(
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
