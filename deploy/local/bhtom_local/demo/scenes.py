"""What the demonstration observes: two targets, their cameras and their frames."""

import csv
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bhtom_local.api_client import ApiClient
from bhtom_sky.camera import Camera
from bhtom_sky.catalogue import write_catalogue
from bhtom_sky.frames import Frame
from bhtom_sky.night import night
from bhtom_sky.sample_data import (
    HUNTSMAN_CATALOGUE,
    HUNTSMAN_FOOTPRINT,
    HUNTSMAN_FRAME,
    sample,
)
from bhtom_sky.stars import Sky, make_sky

ImportCatalogue = Callable[[Path, str, str, str], None]
"""Imports a file as (path, catalogue name, release, footprint)."""

REAL_TARGET = "NGC1566-star"
SIMULATED_TARGET = "Simulated-RR"
SIMULATED_CENTRE = (150.0, -24.0)
NIGHT_BEGINS = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
FRAMES = 24


@dataclass(frozen=True)
class UploadedFrame:
    """A frame that was sent, and its truth where there is one."""

    data_product_id: int
    name: str
    truth: dict[str, Any] | None


def simulated_sky() -> Sky:
    """The field of the simulated variable star."""
    return make_sky(
        2026, SIMULATED_CENTRE, 0.12, 400, variable_magnitude=15.2, faintest=18.5
    )


def simulated_camera() -> Camera:
    """The camera of the simulated night."""
    return Camera(width_px=512, height_px=512, pixel_scale_arcsec=1.0)


def simulated_night() -> Iterator[Frame]:
    """The frames of the simulated night."""
    return night(
        simulated_sky(),
        simulated_camera(),
        NIGHT_BEGINS,
        n_frames=FRAMES,
        exposure_s=60.0,
        cadence_s=600.0,
        seed=7,
    )


@contextmanager
def catalogue_of_simulated_sky() -> Iterator[Path]:
    """The simulated sky's reference stars, as a file."""
    with tempfile.TemporaryDirectory(prefix="bhtom-sky-") as folder:
        path = Path(folder) / "simulated_sky.csv"
        write_catalogue(simulated_sky(), path)
        yield path


def import_catalogues(import_file: ImportCatalogue) -> None:
    """Load the reference stars of both fields."""
    with sample(HUNTSMAN_CATALOGUE) as path:
        place = HUNTSMAN_FOOTPRINT
        footprint = f"{place.ra_deg},{place.dec_deg},{place.radius_deg}"
        import_file(path, "GaiaSP", "DR3-sample", footprint)
    with catalogue_of_simulated_sky() as path:
        ra, dec = SIMULATED_CENTRE
        import_file(path, "Simulated", "1", f"{ra},{dec},0.12")


def real_target_position() -> tuple[float, float]:
    """A well exposed, isolated star of the real frame, from its reference stars."""
    with sample(HUNTSMAN_CATALOGUE) as path, path.open(encoding="utf-8") as file:
        stars = list(csv.DictReader(file))
    middle = [
        star
        for star in stars
        if abs(float(star["ra_deg"]) - HUNTSMAN_FOOTPRINT.ra_deg) < 0.12
        and abs(float(star["dec_deg"]) - HUNTSMAN_FOOTPRINT.dec_deg) < 0.07
        and star["mag_r"]
    ]
    chosen = min(middle, key=lambda star: abs(float(star["mag_r"]) - 14.5))
    return float(chosen["ra_deg"]), float(chosen["dec_deg"])


def observe_real_frame(client: ApiClient) -> list[UploadedFrame]:
    """Upload the Huntsman frame."""
    observatory = client.ensure_observatory(
        "Huntsman", longitude=149.0661, latitude=-31.2749, altitude=1165.0
    )
    camera = client.ensure_camera(
        observatory, "Canon400-ASI183", pixel_scale=1.26, saturation_level=4000.0
    )
    ra, dec = real_target_position()
    client.ensure_target(
        REAL_TARGET,
        ra,
        dec,
        epoch=2016.0,
        description="A star near NGC 1566, on a frame of the Huntsman telescope.",
    )
    with sample(HUNTSMAN_FRAME) as path:
        product = client.upload(
            path.read_bytes(),
            target=REAL_TARGET,
            camera=camera["oname"],
            file_name=HUNTSMAN_FRAME,
            filter="GaiaSP/any",
        )
    return [UploadedFrame(product["data_product_id"], HUNTSMAN_FRAME, None)]


def observe_simulated_night(
    client: ApiClient, progress: Callable[[int, int], None]
) -> list[UploadedFrame]:
    """Upload the frames of the simulated night, one after the other."""
    model = simulated_camera()
    observatory = client.ensure_observatory(
        "Simulated", longitude=-70.4, latitude=-24.6, altitude=2400.0
    )
    camera = client.ensure_camera(
        observatory,
        "SimCam",
        gain=model.gain_e_per_adu,
        readout_noise=model.read_noise_e,
        saturation_level=model.saturation_adu,
        pixel_scale=model.pixel_scale_arcsec,
    )
    ra, dec = SIMULATED_CENTRE
    client.ensure_target(
        SIMULATED_TARGET,
        ra,
        dec,
        classification="RR Lyrae Variable",
        description="A simulated variable star; its truth is known.",
        archives_allowed=False,
    )
    sent = []
    for number, frame in enumerate(simulated_night()):
        product = client.upload(
            frame.fits_bytes,
            target=SIMULATED_TARGET,
            camera=camera["oname"],
            file_name=frame.name,
            filter="Simulated/any",
            batch="demo-night",
        )
        sent.append(UploadedFrame(product["data_product_id"], frame.name, frame.truth))
        progress(number + 1, FRAMES)
    return sent
