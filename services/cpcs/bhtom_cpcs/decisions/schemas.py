"""Decisions as the API shows them."""

from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from bhtom_contracts.events.frames import RequestedFilter
from bhtom_contracts.passbands import ANY_BAND
from bhtom_cpcs.decisions.domain import RulingKind
from bhtom_cpcs.science.decisions import SceneMember

_MJD = Field(default=None, ge=0, le=200_000)


class BandOut(BaseModel):
    """What a card means for a time; the first that holds at a time counts.

    `by` says whose word it is, the stars' or a person's. `agreeing` and
    `contradicting` are calibrations that the reader may see, some of them where they
    are many; the counts are of all. `withheld` names the bounds that are not shown
    because they are the times of frames that he may not see.
    """

    passband: str
    provisional: bool
    by: str
    valid_from_mjd: float | None
    valid_until_mjd: float | None
    n_frames: int
    n_nights: int
    n_contradicting: int
    agreeing: list[int]
    contradicting: list[int]
    withheld: list[str] = []


class FilterOut(BaseModel):
    """A filter card of a camera and what it is held to mean.

    `n_asked_in_one_band` counts frames for which somebody asked for that band alone:
    they show it by request and are no evidence of what the card means.
    """

    filter_card: str
    declared_filter: str
    version: int
    decided_at: AwareDatetime
    bands: list[BandOut]
    n_asked_in_one_band: int = 0


class RulingOut(BaseModel):
    """What a person ruled, and whether it was taken back."""

    ruling_id: int
    filter_card: str
    declared_filter: str
    kind: RulingKind
    passband: str | None
    valid_from_mjd: float | None
    valid_until_mjd: float | None
    why: str
    username: str
    ruled_at: AwareDatetime
    withdrawn_at: AwareDatetime | None
    withdrawn_by: str | None
    withheld: list[str] = []


class CameraDecisions(BaseModel):
    """What was decided about a camera's filters."""

    camera_id: int
    filters: list[FilterOut]
    rulings: list[RulingOut]


class RulingIn(BaseModel):
    """A person's word on a filter card; without bounds it holds for all times."""

    model_config = ConfigDict(extra="forbid")

    filter_card: str = Field(max_length=80)
    declared_filter: RequestedFilter = Field(default=ANY_BAND, max_length=80)
    kind: RulingKind
    passband: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,29}/[A-Za-z0-9]{1,10}$"
    )
    valid_from_mjd: float | None = _MJD
    valid_until_mjd: float | None = _MJD
    why: str = Field(min_length=3, max_length=1000)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.kind is RulingKind.CLEAR) != (self.passband is None):
            raise ValueError(
                "force and settle name a passband such as GaiaSP/r, clear names none"
            )
        start, end = self.valid_from_mjd, self.valid_until_mjd
        if start is not None and end is not None and start >= end:
            raise ValueError("valid_from_mjd must lie before valid_until_mjd")
        for text in (self.filter_card, self.declared_filter, self.why):
            if "\0" in text:
                raise ValueError("a text must not hold a zero byte")
        return self


class StarOut(BaseModel):
    """A neighbour that is fitted beside a target."""

    ra_deg: float
    dec_deg: float
    epoch_jyear: float
    pm_ra_masyr: float
    pm_dec_masyr: float
    source: str = "catalogue"
    kind: str = SceneMember.STAR


class LearntOut(BaseModel):
    """What a neighbour that no catalogue has rests on, a star or a `host`.

    Widths are of the sharpest and the softest frame that shows it; `n_silent` frames
    were as sharp and did not. Of a host, `share` is the light about the target that no
    star explains, as a part of the stars', with its 1 sigma, by all frames together;
    `n_saying` of them show it by themselves. `found_in` are calibrations that the
    caller may see, some of them where they are many.
    """

    ra_deg: float
    dec_deg: float
    kind: str = SceneMember.STAR
    position_error_arcsec: float | None = None
    magnitudes: dict[str, float]
    share: float | None = None
    share_error: float | None = None
    n_saying: int = 0
    n_frames: int
    n_nights: int
    n_silent: int = 0
    sharpest_arcsec: float
    softest_arcsec: float
    found_in: list[int]


class SceneOut(BaseModel):
    """A target's neighbours, the same in every frame that was pinned to the version."""

    version: int
    radius_arcsec: float
    source: str
    calibration_id: int | None
    decided_at: AwareDatetime
    stars: list[StarOut]
    learnt: list[LearntOut]


class SceneRulingOut(BaseModel):
    """A star that a person dropped from a scene, and whether that was taken back."""

    ruling_id: int
    ra_deg: float
    dec_deg: float
    why: str
    username: str
    ruled_at: AwareDatetime
    withdrawn_at: AwareDatetime | None
    withdrawn_by: str | None


class SceneRulingIn(BaseModel):
    """A person's word that a star of a scene is none of the target's neighbours."""

    model_config = ConfigDict(extra="forbid")

    ra_deg: float = Field(ge=0, lt=360)
    dec_deg: float = Field(ge=-90, le=90)
    why: str = Field(min_length=3, max_length=1000, pattern="^[^\\x00]*$")


class MeanPositionOut(BaseModel):
    """Where good frames put a target: ICRS at an epoch."""

    version: int
    ra: float
    dec: float
    epoch_jyear: float
    ra_error_arcsec: float
    dec_error_arcsec: float
    n_frames: int
    decided_at: AwareDatetime


class ColourOut(BaseModel):
    """A target's colour in its newest night with two bands [mag]."""

    blue_passband: str
    red_passband: str
    value: float
    error: float
    source: str


class PinOut(BaseModel):
    """The catalogue's release that points from a camera in a passband are tied to.

    Without the calibration that tied them where the reader may not see it.
    """

    camera_id: int
    catalogue: str
    passband: str
    release: str
    calibration_id: int | None
    decided_at: AwareDatetime


class TargetDecisions(BaseModel):
    """What was decided about a target; the newest version of each.

    `earlier_scenes` are those that points measured before may name, the newest first.
    """

    target_id: int
    scene: SceneOut | None
    earlier_scenes: list[SceneOut]
    scene_rulings: list[SceneRulingOut]
    mean_position: MeanPositionOut | None
    colours: list[ColourOut]
    catalogue_pins: list[PinOut]
