"""What the calculator of positions takes and gives."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bhtom_contracts.events.cameras import Site
from bhtom_contracts.events.targets import TargetPosition

MOST_TIMES = 12


class PositionQuestion(BaseModel):
    """A position model, and the times and the site that it is evaluated for.

    The model's fields are those of a target of core; an ephemeris comes with its rows.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    position: TargetPosition
    mjd: list[Annotated[float, Field(gt=10_000, lt=100_000)]] = Field(
        min_length=1, max_length=MOST_TIMES, description="UTC"
    )
    site: Site | None = Field(
        default=None, description="the Earth's centre when there is none"
    )


class Place(BaseModel):
    """Where the target is at a time, or why that is not known."""

    mjd: float
    ra: float | None = Field(default=None, description="degrees, astrometric ICRS")
    dec: float | None = Field(default=None, description="degrees, astrometric ICRS")
    error: float | None = Field(default=None, description="arcsec, 1 sigma an axis")
    altitude: float | None = Field(default=None, description="degrees, geometric")
    sun_altitude: float | None = Field(default=None, description="degrees, geometric")
    problem: str | None = None


class PlaceList(BaseModel):
    """The places in the order of the times."""

    items: list[Place]
