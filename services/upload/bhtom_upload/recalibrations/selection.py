"""Which products a re-calibration takes, and what it changes."""

import operator
import re
from typing import Any, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import (
    Column,
    ColumnElement,
    Exists,
    Integer,
    Table,
    Text,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from bhtom_upload.data_products.domain import State
from bhtom_upload.data_products.tables import data_products
from bhtom_upload.recalibrations.standing import standing_order
from bhtom_upload.recalibrations.tables import (
    plane_failures,
    plane_measurements,
)

_MAX_ID: Final = 2**63 - 1
_VERSION: Final = r"^\d{1,6}(\.\d{1,6}){0,4}$"
_CATALOGUE: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$"
_MJD_1970: Final = 40587
_PASSBAND: Final = r"^[A-Za-z0-9_()/-]{1,40}$"


class Selection(BaseModel):
    """Products that are taken: all that hold of every field that is given.

    Times are mid-exposure, MJD in UTC, from (included) until (excluded); of a frame
    that failed before its time was known, the time of its upload. A frame counts with
    the values that stand, also where it failed since, and with its failure. A failure
    has no passband and no catalogue; one that does not tell its software is older than
    any version.
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
    measured, failed = _measured(selection), _failed(selection)
    if measured:
        standing = standing_order(products.data_product_id)
        answered: ColumnElement[bool] = _has_line(
            plane_measurements, standing, measured
        )
        if failed is not None:
            last = products.request_order
            answered = or_(answered, _has_line(plane_failures, last, failed))
        conditions.append(answered)
    return tuple(conditions)


def _has_line(
    lines: Table,
    request_order: ColumnElement[int],
    conditions: list[ColumnElement[bool]],
) -> Exists:
    """Whether that answer of a product has such a line."""
    products = data_products.c
    return (
        select(1)
        .where(
            lines.c.data_product_id == products.data_product_id,
            lines.c.request_order == request_order,
            *conditions,
        )
        .exists()
    )


def _measured(selection: Selection) -> list[ColumnElement[bool]]:
    lines = plane_measurements.c
    conditions = _of_any_answer(selection, lines, lines.mid_exposure_mjd)
    if selection.passband is not None:
        conditions.append(lines.passband == _passband_id(selection.passband))
    if selection.catalogue is not None:
        conditions.append(lines.catalogue == selection.catalogue)
    return conditions


def _failed(selection: Selection) -> list[ColumnElement[bool]] | None:
    """Conditions on planes that failed; None where none can be meant."""
    if selection.passband is not None or selection.catalogue is not None:
        return None
    lines = plane_failures.c
    uploaded_mjd = func.extract("epoch", data_products.c.created_at) / 86400 + _MJD_1970
    return _of_any_answer(
        selection, lines, func.coalesce(lines.mid_exposure_mjd, uploaded_mjd)
    )


def _of_any_answer(
    selection: Selection,
    lines: ReadOnlyColumnCollection[str, Column[Any]],
    mid_exposure_mjd: ColumnElement[float],
) -> list[ColumnElement[bool]]:
    """Conditions that make sense for a plane whether it was measured or failed."""
    wanted = (
        (mid_exposure_mjd, operator.ge, selection.from_mjd),
        (mid_exposure_mjd, operator.lt, selection.until_mjd),
        (lines.method, operator.ne, selection.method_other_than),
        (lines.settings_version, operator.ne, selection.settings_other_than),
        (lines.finished_at, operator.lt, selection.calibrated_before),
    )
    conditions: list[ColumnElement[bool]] = [
        compare(column, value) for column, compare, value in wanted if value is not None
    ]
    if selection.software_older_than is not None:
        conditions.append(older(lines.software_version, selection.software_older_than))
    return conditions


def _passband_id(text: str | None) -> str | None:
    """`r(GaiaSP)`, as a point shows it, is the passband `GaiaSP/r`."""
    shown = re.fullmatch(r"([^()/]+)\(([^()/]+)\)", text or "")
    return f"{shown[2]}/{shown[1]}" if shown else text


def older(column: ColumnElement[str], version: str) -> ColumnElement[bool]:
    """Whether a version of numbers and dots comes before another, by its numbers.

    No version at all comes before any: it is that of failures which were answered
    before failures told theirs, and of planes whose reduction crashed.
    """
    numbers = [int(part) for part in version.split(".")]
    release = func.substring(column, r"^\d{1,6}(?:\.\d{1,6})*", type_=Text())
    parts = cast(func.string_to_array(release, "."), ARRAY(Integer))
    return case(
        (column == "", True),
        (release.is_not(None), parts < cast(literal(numbers), ARRAY(Integer))),
        else_=False,
    )
