"""Which columns a target's position has: of fixed targets and of moving ones."""

from collections.abc import Mapping
from typing import Any, Final

from bhtom_core.rows import Record
from bhtom_core.targets.position_models import compact_rows, summary_of
from bhtom_runtime.errors import Invalid

# What a new version of the position is made for.
POSITION: Final = (
    "position_kind", "ra", "dec", "epoch", "pm_ra", "pm_dec", "parallax",
    "position_error", "elements", "ephemeris",
)  # fmt: skip
PLACE: Final = ("ra", "dec")
MOTION: Final = ("elements", "ephemeris")
_OF_STARS: Final = ("pm_ra", "pm_dec", "parallax")

Rows = list[list[float | None]]


def settle_position(
    fields: Mapping[str, Any], before: Record | None
) -> tuple[dict[str, Any], Rows | None]:
    """The fields with the columns that follow from them, and a new table's rows.

    What was given last counts: elements take the place of coordinates, and so on.
    Raises Invalid for several positions at once, and for none.
    """
    kind = _kind(fields, before)
    changes = {name: fields[name] for name in fields if name not in MOTION}
    if kind == "sidereal":
        is_new = before is None or before.position_kind != kind
        if is_new and None in (fields.get("ra"), fields.get("dec")):
            raise _invalid("ra: give ra and dec, both of them.")
        changes |= {"position_kind": kind, **dict.fromkeys(MOTION)}
        return changes, None
    for name in _OF_STARS:
        if fields.get(name) is not None:
            raise _invalid(f"{name}: only a fixed target has one.")
    changes |= {"position_kind": kind, **dict.fromkeys((*PLACE, *_OF_STARS))}
    given = fields.get(kind)
    if given is None:
        return changes, None
    changes |= dict.fromkeys(MOTION)
    if kind == "elements":
        return {**changes, "elements": dict(given)}, None
    rows = compact_rows(given)
    return {**changes, "ephemeris": summary_of(given["observer"], rows)}, rows


def _kind(fields: Mapping[str, Any], before: Record | None) -> str:
    kinds = [name for name in MOTION if fields.get(name) is not None]
    if any(fields.get(name) is not None for name in PLACE):
        kinds.append("sidereal")
    if len(kinds) > 1:
        raise _invalid(
            "Give one position: ra and dec, or orbital elements, or an ephemeris."
        )
    if kinds:
        return kinds[0]
    if before is None:
        raise _invalid(
            "ra: give ra and dec; or of a body that moves its orbital elements or an "
            "ephemeris."
        )
    kind: str = before.position_kind
    return kind


def _invalid(sentence: str) -> Invalid:
    return Invalid(sentence, code="invalid_position")
