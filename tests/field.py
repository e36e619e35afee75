"""Simulated fields that end-to-end, chaos and bench runs observe."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bhtom_local.api_client import ApiClient
from bhtom_local.demo.run import catalogue_importer
from bhtom_local.stack import Stack
from bhtom_sky.camera import Camera
from bhtom_sky.catalogue import write_catalogue
from bhtom_sky.frames import Frame, render_frame
from bhtom_sky.stars import Sky, make_sky

CENTRE = (150.0, -24.0)
BEGIN = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
CATALOGUE = "Simulated"


@dataclass(frozen=True)
class Field:
    """What was registered, and how to make frames of it."""

    sky: Sky
    model: Camera
    target: dict[str, Any]
    camera: dict[str, Any]
    catalogue: str = CATALOGUE

    def frames(self, count: int, first: int = 0) -> Iterator[Frame]:
        """Different frames, all of the target in the middle."""
        for number in range(first, first + count):
            yield self.frame(number)

    def frame(self, number: int) -> Frame:
        """Frame number `number`; the same number gives the same bytes."""
        return render_frame(
            self.sky,
            self.model,
            BEGIN + timedelta(seconds=30 * number),
            20.0,
            self.sky.centre,
            "GaiaSP/r",
            seed=1000 + number,
            name=f"field_{number:04d}.fits",
        )

    def upload(self, client: ApiClient, frame: Frame, **fields: Any) -> Any:
        """Send a frame of the field."""
        return client.upload(
            frame.fits_bytes,
            target=self.target["name"],
            camera=self.camera["oname"],
            file_name=frame.name,
            filter=f"{self.catalogue}/any",
            **fields,
        )

    def points(self, client: ApiClient) -> dict[int, Any]:
        """The target's points by their numbers, the poor ones too."""
        path = f"/api/v1/targets/{self.target['target_id']}/light-curve"
        curve = client.get(path, hidden=True)
        return {point["point_id"]: point for point in curve["points"]}


def import_field(stack: Stack, client: ApiClient, folder: Path) -> Field:
    """Load the reference stars and register camera and target."""
    sky = make_sky(11, CENTRE, 0.08, 260, variable_magnitude=15.0, faintest=18.0)
    model = Camera(width_px=256, height_px=256, pixel_scale_arcsec=1.2)
    import_stars(stack, folder, sky, CATALOGUE)
    return register_field(client, "Field-RR", sky, model, camera="Cam")


def import_stars(
    stack: Stack, folder: Path, sky: Sky, catalogue: str, release: str = "1"
) -> None:
    """Make a sky's stars a reference catalogue of the suite."""
    path = folder / f"{catalogue}-{release}.csv"
    write_catalogue(sky, path)
    disc = f"{sky.centre[0]},{sky.centre[1]},{sky.radius_deg}"
    catalogue_importer(stack, path, catalogue, release, disc)


def register_field(
    client: ApiClient,
    name: str,
    sky: Sky,
    model: Camera,
    *,
    camera: str,
    catalogue: str = CATALOGUE,
) -> Field:
    """Register a target in the middle of a sky, and a camera."""
    observatory = client.ensure_observatory(
        "FieldSite", longitude=-70.4, latitude=-24.6, altitude=2400.0
    )
    registered = client.ensure_camera(
        observatory,
        camera,
        gain=model.gain_e_per_adu,
        readout_noise=model.read_noise_e,
        saturation_level=model.saturation_adu,
        pixel_scale=model.pixel_scale_arcsec,
    )
    target = client.ensure_target(
        name, *sky.centre, archives_allowed=False, description="A simulated star."
    )
    return Field(sky, model, target, registered, catalogue)
