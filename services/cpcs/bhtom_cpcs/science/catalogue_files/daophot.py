"""DAOPHOT's text files: IRAF's (.mag, .als, .nst) and Stetson's own (.als)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from astropy.io import fits

from bhtom_cpcs.science.catalogue_files.table import (
    MAX_COLUMNS,
    Table,
    refuse,
    take_card,
)
from bhtom_cpcs.science.catalogue_files.text_rows import (
    check_rows,
    numbers_in,
    tolerant,
)

_WIDTH = re.compile(r"%-?(\d+)")
_CARDS = {
    "IFILTER": "FILTER",
    "FILTER": "FILTER",
    "ITIME": "EXPTIME",
    "XAIRMASS": "AIRMASS",
    "EPADU": "GAIN",
}
_NEEDED = ("XCENTER", "YCENTER", "MAG", "MERR")
_STETSON = ("ID", "XCENTER", "YCENTER", "MAG", "MERR")


@dataclass(frozen=True, slots=True)
class _Block:
    """One physical line of a record: its columns' names and widths."""

    names: tuple[str, ...]
    widths: tuple[int, ...]


def is_iraf(lines: Sequence[str]) -> bool:
    """Whether the file has IRAF's #K and #N lines."""
    return any(line.startswith("#N ") for line in lines[:2000])


def is_stetson(lines: Sequence[str]) -> bool:
    """Whether the file begins with the head line of Stetson's programs."""
    return bool(lines) and lines[0].split()[:3] == ["NL", "NX", "NY"]


def read_stetson(lines: Sequence[str], header: fits.Header) -> Table:
    """Read id, x, y, magnitude and error of an .als or .nst file."""
    number = lines[1].split()[:1] if len(lines) > 1 else []
    if number != ["1"]:
        raise refuse(
            "it is a DAOPHOT file of another kind than PSF photometry; send the .als"
        )
    rows = [line for line in lines[2:] if line.strip()]
    wanted = {name: index for index, name in enumerate(_STETSON)}
    columns, n_broken = numbers_in(rows, wanted)
    return Table("DAOPHOT", columns, {}, {}, header, n_broken)


def read_iraf(lines: Sequence[str], header: fits.Header) -> Table:
    """Read positions and magnitudes, of every aperture where there are several.

    Fields are cut by the widths of the #F lines, because long image names leave no
    room between columns.
    """
    blocks = _blocks(lines)
    for line in lines:
        if line.startswith("#K") and "=" in line:
            name, _, text = line[2:].partition("=")
            card = _CARDS.get(name.strip())
            if card and text.split():
                take_card(header, card, text.split()[0])
    places = {
        name: (number, block.names.index(name))
        for number, block in enumerate(blocks)
        for name in _NEEDED
        if name in block.names
    }
    missing = [name for name in _NEEDED if name not in places]
    if missing:
        raise refuse(f"its columns {', '.join(missing)} are missing")
    records = list(_records(lines))
    check_rows(len(records))
    return _table(records, blocks, places, header)


def _table(
    records: list[list[str]],
    blocks: list[_Block],
    places: dict[str, tuple[int, int]],
    header: fits.Header,
) -> Table:
    n_lines = max(len(record) for record in records)
    whole = [record for record in records if len(record) == n_lines]
    if n_lines < len(blocks):
        raise refuse("its records are shorter than its header says")
    if n_lines > MAX_COLUMNS:
        raise refuse("its records have too many lines")
    repeats = n_lines - len(blocks) + 1  # the last line comes once an aperture
    labels, cuts = [], []
    for name, (number, index) in places.items():
        many = number == len(blocks) - 1 and repeats > 1
        for repeat in range(repeats if many else 1):
            labels.append(f"{name}[{repeat + 1}]" if many else name)
            cuts.append((number + repeat, blocks[number], index))
    values = tolerant(
        ([_field(record[at], block, i) for at, block, i in cuts] for record in whole),
        len(cuts),
    )
    columns = {label: values[:, i].copy() for i, label in enumerate(labels)}
    return Table("DAOPHOT (IRAF)", columns, {}, {}, header, len(records) - len(whole))


def _blocks(lines: Sequence[str]) -> list[_Block]:
    blocks: list[_Block] = []
    names: tuple[str, ...] = ()
    for line in lines:
        if line.startswith("#N"):
            names = tuple(line[2:].rstrip("\\ ").split())
        elif line.startswith("#F") and names:
            widths = tuple(int(width) for width in _WIDTH.findall(line))
            if len(widths) != len(names) or sum(widths) > 10_000:
                raise refuse("its #F lines do not fit its #N lines")
            blocks.append(_Block(names, widths))
            names = ()
    if not blocks:
        raise refuse("its #N lines have no #F lines with the widths of the columns")
    return blocks


def _records(lines: Sequence[str]) -> Iterator[list[str]]:
    """Join the physical lines of each star: all but the last end in a backslash."""
    record: list[str] = []
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        text = line.rstrip()
        goes_on = text.endswith("\\")
        record.append(text.rstrip("\\").rstrip("*"))
        if not goes_on:
            yield record
            record = []
    if record:
        yield record


def _field(line: str, block: _Block, index: int) -> str:
    start = sum(block.widths[:index])
    return line[start : start + block.widths[index]]
