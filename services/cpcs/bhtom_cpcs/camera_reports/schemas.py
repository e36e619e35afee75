"""A camera's report card, as the API gives it."""

from typing import Any

from pydantic import BaseModel, Field

from bhtom_contracts.events.cameras import (
    FlatMap,
    LearnedColourTerm,
    LearnedLimit,
)


class ReportedFigure(BaseModel):
    """One property: what the camera's row says, and what its frames say."""

    name: str
    unit: str
    stated: float | None
    measured: float
    error: float
    frames: int
    sentence: str


class Proposal(BaseModel):
    """Changes that would make the camera's next version; nothing is changed by it.

    `changes` is the body to send to the camera's address when somebody accepts it;
    `digest` names its content.
    """

    changes: dict[str, Any]
    sentences: list[str]
    digest: str


class CameraReport(BaseModel):
    """What a camera's own frames tell of it."""

    camera_id: int
    oname: str
    camera_version: int
    planes: int = Field(description="newest calibration of each plane, at most 2,000")
    nights: int
    first_mjd: float | None = Field(description="of the frames that you may see")
    last_mjd: float | None
    outcomes: dict[str, int]
    figures: list[ReportedFigure]
    not_yet: list[str] = Field(description="what could not be told, and what it takes")
    colour_terms: list[LearnedColourTerm]
    limits: list[LearnedLimit]
    flat_maps: list[FlatMap] = Field(
        description="one for each band, image of a file and colour"
    )
    binning: str | None = Field(
        description="of the frames that all but the colour terms are from; null where "
        "their headers do not tell"
    )
    other_binnings: dict[str, int] = Field(
        description="planes of other binnings, which teach colour terms only"
    )
    proposal: Proposal | None
