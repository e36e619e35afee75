"""What the API of observatories and cameras takes and gives."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bhtom_contracts.events.cameras import LearnedFigures, SecondOrderExtinction
from bhtom_core.ids import LARGEST
from bhtom_core.rows import Record


def _each_passband_once(
    declared: tuple[SecondOrderExtinction, ...],
) -> tuple[SecondOrderExtinction, ...]:
    names = [one.passband for one in declared]
    if len(set(names)) < len(names):
        raise ValueError("A passband can have one second-order extinction only.")
    return declared


Longitude = Annotated[
    float, Field(ge=-180, le=360, description="degrees, positive to the east")
]
Latitude = Annotated[float, Field(ge=-90, le=90, description="degrees")]
Altitude = Annotated[float, Field(ge=-500, le=9000, description="metres")]
Aperture = Annotated[float, Field(gt=0, le=1000, description="metres")]
FocalLength = Annotated[float, Field(gt=0, le=1e6, description="millimetres")]
Gain = Annotated[float, Field(gt=0, le=1e4, description="electron/adu")]
ReadoutNoise = Annotated[float, Field(ge=0, le=1e5, description="electron")]
SaturationLevel = Annotated[float, Field(gt=0, le=1e12, description="adu")]
PixelScale = Annotated[float, Field(gt=0, le=3600, description="arcsec/px")]
Binning = Annotated[
    int, Field(ge=1, le=16, description="n of the n x n that the figures are of")
]
Keyword = Annotated[str, Field(max_length=100)]
Words = Annotated[str, Field(max_length=20_000)]
Name = Annotated[str, Field(max_length=1000)]
SecondOrder = Annotated[
    tuple[SecondOrderExtinction, ...],
    Field(max_length=100, description="change of a colour term with each air mass"),
    AfterValidator(_each_passband_once),
]
CameraState = Literal["pending", "approved", "rejected", "active"]


class NewObservatory(BaseModel):
    """An observatory to be registered."""

    name: Name
    longitude: Longitude
    latitude: Latitude
    altitude: Altitude = 0.0
    telescope: Words = ""
    aperture: Aperture | None = None
    focal_length: FocalLength | None = None
    comment: Words = ""


class ObservatoryChanges(BaseModel):
    """What may be changed; what is absent stays. The name stays always."""

    longitude: Longitude = 0.0
    latitude: Latitude = 0.0
    altitude: Altitude = 0.0
    telescope: Words = ""
    aperture: Aperture | None = None
    focal_length: FocalLength | None = None
    comment: Words = ""

    def fields(self) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(exclude_unset=True)


class Observatory(BaseModel):
    """An observatory."""

    model_config = ConfigDict(from_attributes=True)

    observatory_id: int
    name: str
    longitude: float
    latitude: float
    altitude: float
    telescope: str
    aperture: float | None
    focal_length: float | None
    comment: str
    owner_id: int
    owner: str
    created_at: datetime
    modified_at: datetime


class CameraChanges(BaseModel):
    """What a version of a camera says; what is absent stays."""

    gain: Gain | None = None
    readout_noise: ReadoutNoise | None = None
    saturation_level: SaturationLevel | None = None
    pixel_scale: PixelScale | None = None
    binning: Binning | None = None
    date_keyword: Keyword = "DATE-OBS"
    time_keyword: Keyword = "TIME-OBS"
    exposure_time_keyword: Keyword = "EXPTIME"
    filter_keyword: Keyword = "FILTER"
    second_order_extinction: SecondOrder | None = None
    learned: LearnedFigures | None = None
    note: Annotated[str, Field(max_length=2000, description="why it changes")] = ""

    def fields(self) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(mode="json", exclude_unset=True)


class NewCamera(CameraChanges):
    """A camera to be registered; its ONAME is `<Observatory>_<Camera>`."""

    observatory_id: Annotated[int, Field(ge=1, le=LARGEST)]
    camera_name: Name


class Approval(BaseModel):
    """An administrator's decision."""

    approved: bool
    reason: Words = ""


class Activation(BaseModel):
    """Whether frames of a camera are taken."""

    active: bool


class RuleFollowing(BaseModel):
    """Whether the operator's rule may accept what a camera's frames teach."""

    follows: bool


class Restoring(BaseModel):
    """Why an earlier version of a camera shall hold again."""

    reason: Words = ""


class OperatorsRule(BaseModel):
    """The rule by which proposals for cameras are accepted; no text while it is off."""

    is_on: bool
    text: str


class Camera(BaseModel):
    """A camera in its newest version."""

    model_config = ConfigDict(from_attributes=True)

    camera_id: int
    oname: str
    observatory_id: int
    observatory_name: str
    camera_name: str
    camera_version: int
    longitude: float
    latitude: float
    altitude: float
    gain: float | None
    readout_noise: float | None
    saturation_level: float | None
    pixel_scale: float | None
    binning: int | None
    date_keyword: str
    time_keyword: str
    exposure_time_keyword: str
    filter_keyword: str
    second_order_extinction: tuple[SecondOrderExtinction, ...] | None
    learned: LearnedFigures | None
    approval: Literal["pending", "approved", "rejected"]
    approval_reason: str
    active: bool
    follows_rule: bool
    owner_id: int
    owner: str
    created_at: datetime
    modified_at: datetime


class CameraVersion(BaseModel):
    """A camera as it was in one version."""

    model_config = ConfigDict(from_attributes=True)

    camera_id: int
    camera_version: int
    observatory_name: str
    longitude: float
    latitude: float
    altitude: float
    gain: float | None
    readout_noise: float | None
    saturation_level: float | None
    pixel_scale: float | None
    binning: int | None
    date_keyword: str
    time_keyword: str
    exposure_time_keyword: str
    filter_keyword: str
    second_order_extinction: tuple[SecondOrderExtinction, ...] | None
    learned: LearnedFigures | None
    note: str
    created_at: datetime


class ObservatoryList(BaseModel):
    """A page of observatories."""

    items: list[Observatory]
    next_cursor: str | None = None


class CameraList(BaseModel):
    """A page of cameras."""

    items: list[Camera]
    next_cursor: str | None = None


class CameraVersionList(BaseModel):
    """The versions of a camera, newest first."""

    items: list[CameraVersion]
    next_cursor: str | None = None


def observatory_of(row: Record | None) -> Observatory:
    """The observatory of a row."""
    return Observatory.model_validate(row)


def camera_of(row: Record | None) -> Camera:
    """The camera of a row."""
    return Camera.model_validate(row)
