"""Cameras and where they stand, as core publishes them."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bhtom_contracts.base import Snapshot
from bhtom_contracts.units import (
    Adu,
    ArcsecondsPerPixel,
    Degrees,
    Electrons,
    ElectronsPerAdu,
    Metres,
)


class Site(BaseModel):
    """Where an observatory stands: geodetic, WGS84, longitude positive to the east."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    longitude: Degrees = Field(ge=-180, le=360)
    latitude: Degrees = Field(ge=-90, le=90)
    altitude: Metres = Field(default=0.0, ge=-500, le=9000)


class HeaderKeywords(BaseModel):
    """The header cards this camera's software writes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    date: str = "DATE-OBS"
    time: str = "TIME-OBS"
    exposure_time: str = "EXPTIME"
    filter: str = "FILTER"


class CameraPin(BaseModel):
    """One version of a camera: all that a reduction may know of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    camera_id: int
    camera_version: int
    oname: str
    observatory_name: str
    site: Site
    gain: ElectronsPerAdu | None = None
    readout_noise: Electrons | None = None
    saturation_level: Adu | None = None
    pixel_scale: ArcsecondsPerPixel | None = None
    # Diameter of the telescope, for scintillation.
    aperture: Metres | None = Field(default=None, gt=0)
    keywords: HeaderKeywords = HeaderKeywords()


class CameraChanged(Snapshot):
    """A camera: its newest version and whether it may be used."""

    camera: CameraPin
    observatory_id: int
    camera_name: str
    owner_id: int
    approval: Literal["pending", "approved", "rejected"]
    active: bool
    created_at: AwareDatetime
    modified_at: AwareDatetime
