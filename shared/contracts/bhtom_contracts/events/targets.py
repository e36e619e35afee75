"""Targets, as core publishes them."""

from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from bhtom_contracts.base import Snapshot, Visibility
from bhtom_contracts.units import (
    Arcseconds,
    AstronomicalUnits,
    Days,
    Degrees,
    Dimensionless,
    JulianYear,
    Milliarcseconds,
    MilliarcsecondsPerYear,
    Mjd,
)


class OrbitalElements(BaseModel):
    """Osculating heliocentric orbit, ecliptic and equinox J2000; times in TDB or TT.

    Its size is `semi_major_axis` or `perihelion_distance`, its phase `mean_anomaly` (of
    an ellipse, at the epoch) or `perihelion_mjd`: one of each.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    epoch_mjd: Mjd
    semi_major_axis: AstronomicalUnits | None = None
    perihelion_distance: AstronomicalUnits | None = Field(default=None, gt=0)
    eccentricity: Dimensionless = Field(ge=0)
    inclination: Degrees = Field(ge=0, le=180)
    ascending_node: Degrees
    perihelion_argument: Degrees
    mean_anomaly: Degrees | None = None
    perihelion_mjd: Mjd | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.semi_major_axis is None) == (self.perihelion_distance is None):
            raise ValueError("Give a semi-major axis or a perihelion distance.")
        if (self.mean_anomaly is None) == (self.perihelion_mjd is None):
            raise ValueError("Give a mean anomaly or a time of perihelion.")
        if self.semi_major_axis is not None and not (
            self.semi_major_axis * (1 - self.eccentricity) > 0
        ):
            raise ValueError("The semi-major axis and the eccentricity do not agree.")
        if self.mean_anomaly is not None and self.eccentricity >= 1:
            raise ValueError("An orbit that is no ellipse needs a time of perihelion.")
        return self


class EphemerisRow(BaseModel):
    """Astrometric ICRS position at a time (UTC), with the distance where known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mjd: Mjd
    ra: Degrees = Field(ge=0, lt=360)
    dec: Degrees = Field(ge=-90, le=90)
    distance: AstronomicalUnits | None = Field(default=None, gt=0)


class Ephemeris(BaseModel):
    """A table of places in order of time; it is never extrapolated."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    observer: Literal["geocentre", "site"] = "geocentre"
    rows: tuple[EphemerisRow, ...] = Field(min_length=4, max_length=5000)


class TargetPosition(BaseModel):
    """A position model: where the target is at a time.

    `kind` says which part counts: coordinates, `elements` or `ephemeris`. `version`
    grows with every change; a request pins it with the model.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["sidereal", "elements", "ephemeris"] = "sidereal"
    version: int = 1
    ra: Degrees | None = Field(default=None, ge=0, lt=360)
    dec: Degrees | None = Field(default=None, ge=-90, le=90)
    epoch: JulianYear = 2000.0
    pm_ra: MilliarcsecondsPerYear | None = None
    pm_dec: MilliarcsecondsPerYear | None = None
    parallax: Milliarcseconds | None = None
    # 1 sigma along each axis of what the model gives.
    error: Arcseconds | None = Field(default=None, gt=0)
    elements: OrbitalElements | None = None
    ephemeris: Ephemeris | None = None


class TargetChanged(Snapshot):
    """A target."""

    target_id: int
    name: str
    aliases: tuple[str, ...] = ()
    position: TargetPosition
    classification: str = "Unknown"
    description: str = ""
    importance: Dimensionless = 0.0
    cadence: Days = 0.0
    owner_id: int
    visibility: Visibility = "public"
    embargo_until: AwareDatetime | None = None
    archives_allowed: bool = True
    created_at: AwareDatetime
    modified_at: AwareDatetime
