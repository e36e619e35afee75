"""Numbers whose decimals begin with a comma, where nothing else can be meant."""

import re
from collections.abc import Iterable
from typing import Final

from bhtom_cpcs.science.catalogue_files.table import refuse

# 150,001, -0,5e-3 and 10:22:33,25
_COMMA: Final = re.compile(r"^[+-]?(?:\d{1,3}:\d{1,2}:)?\d*,\d+(?:[eEdD][+-]?\d+)?$")
_POINT: Final = re.compile(
    r"^[+-]?(?:\d{1,3}:\d{1,2}:)?(?:\d+\.\d*|\.\d+)(?:[eEdD][+-]?\d+)?$"
)
_SEVERAL: Final = re.compile(
    r"^[+-]?\d[\d.,]*[.,]\d*,\d+$|^[+-]?\d[\d.]*,\d*[.,][\d.,]*$"
)
_MAY_BE_THOUSANDS: Final = re.compile(r"^[+-]?[1-9]\d{0,2},\d{3}$")
_MARKS: Final = (";", "\t", "|", " ")
_LONGEST: Final = 40


def mark_beside_commas(row: str) -> str | None:
    """The mark between columns in a row whose commas are all decimal ones.

    One blank stands for any white space.
    """
    for mark in _MARKS:
        parts = row.split() if mark == " " else row.split(mark)
        fields = [_bare(field) for field in parts]
        if len(fields) > 1 and any("," in field for field in fields):
            numbers = [field for field in fields if "," in field]
            if all(_COMMA.match(number[:_LONGEST]) for number in numbers):
                return mark
    return None


def has_decimal_commas(fields: Iterable[str]) -> bool:
    """Whether the decimals of a table's numbers begin with a comma.

    They do where no number has a point, and one of them at least cannot be of a
    thousand (`1,234`).

    Raises
    ------
    Stop
        where the commas of numbers could mean something else
    """
    decimal = other = thousands = several = None
    for field in fields:
        bare = _bare(field)
        if len(bare) > _LONGEST:
            continue
        if _SEVERAL.match(bare):
            several = several or bare
        elif _MAY_BE_THOUSANDS.match(bare):
            thousands = thousands or bare
        elif _COMMA.match(bare):
            decimal = decimal or bare
        elif _POINT.match(bare):
            other = other or bare
    found = decimal or thousands
    if found and several:
        raise refuse(
            f"'{several}' has several marks of decimals or thousands; write each "
            "number with one decimal point"
        )
    if found and other:
        raise refuse(
            f"its numbers have decimal commas ({found}) and points ({other}); write "
            "points in all of them"
        )
    if thousands and not decimal:
        raise refuse(
            f"the commas of its numbers ({thousands}) may be of decimals or of "
            "thousands; write decimal points"
        )
    return decimal is not None


def _bare(field: str) -> str:
    return field.strip().strip("\"'").strip()
