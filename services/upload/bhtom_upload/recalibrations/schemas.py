"""Re-calibrations as the API shows them."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bhtom_upload.recalibrations.domain import ItemState, State
from bhtom_upload.recalibrations.selection import Changes, Selection


class RecalibrationIn(BaseModel):
    """What to calibrate again, and whether to look at it first.

    The same `idempotency_key` gives the same re-calibration again.
    """

    model_config = ConfigDict(extra="forbid")

    selection: Selection
    changes: Changes = Changes()
    preview: bool = True
    idempotency_key: str | None = Field(
        default=None, min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$"
    )


class SummaryOut(BaseModel):
    """All differences in a few figures; new minus old [mag]."""

    model_config = ConfigDict(from_attributes=True)

    pairs: int
    changed: int
    passband_changed: int
    outcome_changed: int
    magnitude_changed: int
    limit_changed: int
    error_changed: int
    flags_changed: int
    time_changed: int
    only_old: int
    only_new: int
    compared: int
    median_difference: float | None
    scatter: float | None
    median_error_ratio: float | None
    worst_difference: float | None
    worst_data_product_id: int | None


class RecalibrationOut(BaseModel):
    """A re-calibration, with its summary where one is asked for."""

    recalibration_id: int
    username: str
    selection: Selection
    changes: Changes
    preview: bool
    state: State
    message: str
    counts: dict[ItemState, int]
    can: list[str]
    created_at: AwareDatetime
    modified_at: AwareDatetime
    summary: SummaryOut | None = None


class RecalibrationPage(BaseModel):
    """A page of re-calibrations, the newest first."""

    items: list[RecalibrationOut]
    next_cursor: str | None


class ValueOut(BaseModel):
    """A value as one request found it."""

    model_config = ConfigDict(from_attributes=True)

    outcome: str
    passband: str
    magnitude: float | None
    magnitude_error: float | None
    limit_5_sigma: float | None
    mid_exposure_mjd: float
    flag_names: list[str]
    release: str
    method: str
    software_version: str


class PairOut(BaseModel):
    """What stood and what comes, for a target on a plane."""

    model_config = ConfigDict(from_attributes=True)

    plane: int
    target_id: int
    mid_exposure_mjd: float | None
    old: ValueOut | None
    new: ValueOut | None
    difference: float | None
    flags_that_appear: list[str]
    flags_that_go: list[str]
    time_shift_s: float | None
    changes: list[str]
    is_changed: bool


class PlaneAnswerOut(BaseModel):
    """What cpcs said of a plane under the new request."""

    plane: int
    outcome: str
    message: str
    calibration_id: int


class ItemOut(BaseModel):
    """A product of a re-calibration."""

    data_product_id: int
    file_name: str
    state: ItemState
    message: str
    pairs: list[PairOut]
    answers: list[PlaneAnswerOut]


class ItemPage(BaseModel):
    """A page of products, by number."""

    items: list[ItemOut]
    next_cursor: str | None
