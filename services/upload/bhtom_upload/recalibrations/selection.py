"""Which products a re-calibration takes, and what it changes."""

import operator
import re
from typing import Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from bhtom_upload.data_products.domain import State
from bhtom_upload.data_products.tables import data_products
from bhtom_upload.recalibrations.tables import plane_measurements

_MAX_ID: Final = 2**63 - 1
_VERSION: Final = r"^\d{1,6}(\.\d{1,6}){0,4}$"
_CATALOGUE: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$"
_PASSBAND: Final = r"^[A-Za-z0-9_()/-]{1,40}$"


class Selection(BaseModel):
    """Products that are taken: all that hold of every field that is given.

    Times are mid-exposure, MJD in UTC, from (included) until (excluded).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target_id: int | None = Field(default=None, ge=1, le=_MAX_ID)
    camera_id: int | None = Field(default=None, ge=1, le=_MAX_ID)
    owner_id: int | None = Field(default=None, ge=1, le=_MAX_ID)
    from_mjd: float | None = Field(default=None, ge=0, le=200_000)
    until_mjd: float | None = Field(default=None, ge=0, le=200_000)
    passband: str | None = Field(default=None, pattern=_PASSBAND)
    catalogue: str | None = Field(default=None, pattern=_CATALOGUE)
    method_other_than: str | None = Field(default=None, max_length=80)
    settings_other_than: str | None = Field(default=None, max_length=400)
    software_older_than: str | None = Field(default=None, pattern=_VERSION)
    calibrated_before: AwareDatetime | None = None

    @model_validator(mode="after")
    def _is_a_choice(self) -> Self:
        given = self.model_dump(exclude_none=True)
        if not given:
            raise ValueError("select something, such as target_id or camera_id")
        if any("\0" in value for value in given.values() if isinstance(value, str)):
            raise ValueError("a text must not hold a zero byte")
        if (
            self.from_mjd is not None
            and self.until_mjd is not None
            and self.from_mjd >= self.until_mjd
        ):
            raise ValueError("from_mjd must lie before until_mjd")
        return self


class Changes(BaseModel):
    """What is asked otherwise than before; nothing means the suite's own progress."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filter: str | None = Field(default=None, max_length=80)
    match_radius: float | None = None
    newest_catalogue: bool = False


def selected(
    selection: Selection, *, user_id: int, by_admin: bool
) -> tuple[ColumnElement[bool], ...]:
    """Conditions on `data_products`; only what has an answer and leads to a point."""
    products = data_products.c
    conditions: list[ColumnElement[bool]] = [
        products.state.in_((State.DONE, State.FAILED)),
        products.dry_run.is_(False),
        products.camera_id.is_not(None),
    ]
    if not by_admin:
        conditions.append(products.owner_id == user_id)
    for column, wanted in (
        (products.target_id, selection.target_id),
        (products.camera_id, selection.camera_id),
        (products.owner_id, selection.owner_id),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    measured = _measured(selection)
    if measured:
        lines = plane_measurements.c
        conditions.append(
            select(1)
            .where(
                lines.data_product_id == products.data_product_id,
                lines.request_order == products.request_order,
                *measured,
            )
            .exists()
        )
    return tuple(conditions)


def _measured(selection: Selection) -> list[ColumnElement[bool]]:
    lines = plane_measurements.c
    wanted = (
        (lines.mid_exposure_mjd, operator.ge, selection.from_mjd),
        (lines.mid_exposure_mjd, operator.lt, selection.until_mjd),
        (lines.passband, operator.eq, _passband_id(selection.passband)),
        (lines.catalogue, operator.eq, selection.catalogue),
        (lines.method, operator.ne, selection.method_other_than),
        (lines.settings_version, operator.ne, selection.settings_other_than),
        (lines.finished_at, operator.lt, selection.calibrated_before),
    )
    conditions: list[ColumnElement[bool]] = [
        compare(column, value) for column, compare, value in wanted if value is not None
    ]
    if selection.software_older_than is not None:
        conditions.append(_older(lines.software_version, selection.software_older_than))
    return conditions


def _passband_id(text: str | None) -> str | None:
    """`r(GaiaSP)`, as a point shows it, is the passband `GaiaSP/r`."""
    shown = re.fullmatch(r"([^()/]+)\(([^()/]+)\)", text or "")
    return f"{shown[2]}/{shown[1]}" if shown else text


def _older(column: ColumnElement[str], version: str) -> ColumnElement[bool]:
    """Whether a version of numbers and dots comes before another, by its numbers."""
    numbers = [int(part) for part in version.split(".")]
    release = func.substring(column, r"^\d{1,6}(?:\.\d{1,6})*", type_=Text())
    parts = cast(func.string_to_array(release, "."), ARRAY(Integer))
    return and_(
        release.is_not(None),
        case(
            (release.is_not(None), parts < cast(literal(numbers), ARRAY(Integer))),
            else_=False,
        ),
    )
