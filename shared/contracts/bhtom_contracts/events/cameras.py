"""Cameras and where they stand, as core publishes them."""

from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from bhtom_contracts.base import Payload, Snapshot
from bhtom_contracts.units import (
    Adu,
    ArcsecondsPerPixel,
    Degrees,
    Dimensionless,
    Electrons,
    ElectronsPerAdu,
    Magnitudes,
    Metres,
    Mjd,
    Seconds,
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


class LearnedColourTerm(BaseModel):
    """Slope of reference minus instrumental magnitude against a colour, in a band."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    passband: str = Field(max_length=60)
    colour: str = Field(max_length=60)
    slope: Dimensionless
    slope_error: Dimensionless = Field(ge=0)
    frames: int = Field(ge=1)
    # Mean air mass of those frames: where the slope is so.
    air_mass: Dimensionless | None = Field(default=None, ge=1, le=40)


class SecondOrderExtinction(BaseModel):
    """How much a band's colour term changes with each air mass, as declared.

    Of the slope of reference minus instrumental magnitude against the colour that the
    band's colour terms use: positive where the air dims blue stars more.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    passband: str = Field(min_length=1, max_length=60)
    value: Dimensionless = Field(ge=-0.5, le=0.5)


class LearnedLimit(BaseModel):
    """What the camera reaches in a band: the 5 sigma limit of a usual exposure."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    passband: str = Field(max_length=60)
    exposure_time: Seconds = Field(gt=0)
    limit_5_sigma: Magnitudes
    frames: int = Field(ge=1)


class FlatCell(BaseModel):
    """What is left of the stars' zero points in one cell of the image."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    column: int = Field(ge=0, lt=32)
    row: int = Field(ge=0, lt=32)
    residual: Magnitudes
    error: Magnitudes = Field(ge=0)
    stars: int = Field(ge=1)


class FlatResiduals(BaseModel):
    """A coarse map of flat-field residuals; cells count from the first pixel.

    As learnt before maps were told apart: of all bands, images of a file and binnings
    together. It is read in versions that have one, and taken out of no frame.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    columns: int = Field(ge=1, le=32)
    rows: int = Field(ge=1, le=32)
    cells: tuple[FlatCell, ...] = Field(default=(), max_length=1024)


class FlatMap(BaseModel):
    """What stars of one band leave over across one image of the camera's files.

    Values row by row from the first pixel, to 0.1 mmag; null where too few stars were.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    passband: str = Field(max_length=60)
    # Which image of a file, as a chip of a mosaic; empty where files have one.
    image: str = Field(default="", max_length=40)
    # R, G or B for a plane of a colour camera.
    colour: str = Field(default="", max_length=1)
    # Of the image that it is of: of another part of the chip it tells nothing.
    width: int = Field(ge=1, le=1_000_000)
    height: int = Field(ge=1, le=1_000_000)
    columns: int = Field(ge=1, le=8)
    rows: int = Field(ge=1, le=8)
    residuals: tuple[Magnitudes | None, ...] = Field(max_length=64)
    errors: tuple[Magnitudes | None, ...] = Field(max_length=64)
    stars: int = Field(ge=1)
    frames: int = Field(ge=1)

    @field_validator("residuals", "errors")
    @classmethod
    def _short(cls, values: tuple[float | None, ...]) -> tuple[float | None, ...]:
        # Every request carries them.
        return tuple(None if value is None else round(value, 4) for value in values)


# Of the surest maps; more would not fit into every request.
MOST_FLAT_MAPS: Final = 24


class LearnedFigures(BaseModel):
    """What the suite learnt of a camera from its own calibrated frames.

    It becomes part of a camera version by an explicit step only; the counts and the
    interval of time are its evidence.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    frames: int = Field(ge=1)
    nights: int = Field(ge=1)
    first_mjd: Mjd
    last_mjd: Mjd
    software_version: str = Field(max_length=60)
    # Of the frames (`2x2`); null where their headers do not tell.
    binning: str | None = Field(default=None, pattern=r"^[1-9]\d?x[1-9]\d?$")
    colour_terms: tuple[LearnedColourTerm, ...] = Field(default=(), max_length=100)
    limits: tuple[LearnedLimit, ...] = Field(default=(), max_length=100)
    shutter_time: Seconds | None = Field(default=None, ge=-10, le=10)
    shutter_time_error: Seconds | None = Field(default=None, ge=0)
    flat_residuals: FlatResiduals | None = None
    flat_maps: tuple[FlatMap, ...] = Field(default=(), max_length=MOST_FLAT_MAPS)


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
    # n of the n x n binning that these figures are of; null is 1, unbinned.
    binning: int | None = Field(default=None, ge=1, le=16)
    # Diameter of the telescope, for scintillation.
    aperture: Metres | None = Field(default=None, gt=0)
    keywords: HeaderKeywords = HeaderKeywords()
    second_order_extinction: tuple[SecondOrderExtinction, ...] = Field(
        default=(), max_length=100
    )
    learned: LearnedFigures | None = None


class CameraProposed(Payload):
    """What a camera's own frames would make of its next version; nothing is changed.

    It was compared with `camera_version`. A figure is there where the version has none,
    or another one.
    """

    camera_id: int
    camera_version: int
    gain: ElectronsPerAdu | None = None
    saturation_level: Adu | None = None
    pixel_scale: ArcsecondsPerPixel | None = None
    binning: int | None = Field(default=None, ge=1, le=16)
    learned: LearnedFigures
    note: str = Field(max_length=500)
    proposed_at: AwareDatetime


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
