"""A list of sources is told from other texts before it is taken."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_contracts.events.cameras import HeaderKeywords
from bhtom_upload.intake.catalogue_checks import look_at_table
from bhtom_upload.intake.refusals import FrameRefused

README = b"""# Photometry of 2026

Plain text about 3 nights in 2025, 2026 and a plan for 2027: see section 4.2.

1. Unpack the archive (version 1.2).
2. Run `make` with Python 3.11, 3.12 or 3.13 (64 bit).
"""
HTML = b"<!DOCTYPE html>\n<html><body><p>1 2 3 404 Not found 500</p></body></html>\n"
TABLES = {
    "sextractor": b"#   1 NUMBER\n#   2 X_IMAGE\n#   3 MAG_AUTO\n  1  10.5 -9.31\n",
    "csv": b'name,ra,dec,mag\n"a star, bright",12.5,-3.25,14.1\n',
    "csv with decimal commas": b"ra;dec;mag\n12,5;-3,25;14,1\n",
    "sexagesimal": b"id ra dec mag err\nA1 10:22:33.1 -04:05:06 14.1 0.02\n",
    "fortran": b"NL NX NY LOWBAD\n 1 2048 2048 5.D1\n\n 1 10.1 20.2 14.1D0 0.01\n",
    "pipes": b"id|RAdeg|DEdeg|Vmag\nfirst star|12.5|-3.25|14.1\n",
    "utf-16": "ra\tdec\tmag\n12.5\t-3.25\t14.1\n".encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbfra,dec,mag\r\n12.5,-3.25,14.1\r\n",
    "old mac": b"ra,dec,mag\r12.5,-3.25,14.1\r",
    "votable": b"<?xml version='1.0'?>\n<VOTABLE version='1.4'><RESOURCE/></VOTABLE>",
    "many comments": b"# a comment of no use\n" * 20_000 + b"1 2 3\n",
    "no rows": b"#   1 NUMBER\n#   2 X_IMAGE\n",
    "broken first row": b"ra dec mag err\n12.5 -3.2\n12.5 -3.25 14.1 0.1\n",
}


def written(folder: Path, content: bytes) -> Path:
    path = folder / "list"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(
    ("packing", "pack"),
    [
        ("plain", bytes),
        ("gzip", gzip.compress),
        ("bzip2", bz2.compress),
        ("xz", lzma.compress),
    ],
)
def test_tables_of_every_form_are_taken(
    tmp_path: Path, content: bytes, packing: str, pack: Callable[[bytes], bytes]
) -> None:
    path = written(tmp_path, pack(content))
    assert look_at_table(path, HeaderKeywords()).packing == packing


@pytest.mark.parametrize(
    "content",
    [README, HTML, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"", b'{"ra": 12.5, "dec": -3.2}'],
    ids=["readme", "html", "png", "empty", "json"],
)
def test_what_holds_no_rows_of_numbers_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(FrameRefused, match="no table of sources") as refused:
        look_at_table(written(tmp_path, content), HeaderKeywords())
    assert refused.value.code == "not_a_catalogue"


numbers = st.floats(allow_nan=False, allow_infinity=False).map(repr)
words = st.text("abcdefghij .-", min_size=1, max_size=12)


@given(
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    texts=st.lists(words, max_size=12),
    values=st.lists(numbers, min_size=3, max_size=8),
)
def test_a_row_with_three_numbers_is_enough(
    tmp_path_factory: pytest.TempPathFactory,
    delimiter: str,
    texts: list[str],
    values: list[str],
) -> None:
    """However many columns of words stand beside them."""
    row = delimiter.join([*texts, *values])
    path = written(tmp_path_factory.getbasetemp(), f"a{delimiter}b\n{row}\n".encode())
    assert look_at_table(path, HeaderKeywords()).packing == "plain"


def test_no_real_list_of_sources_is_refused() -> None:
    folder = os.environ.get("SKY_SAMPLE_DATA")
    if not folder:
        pytest.skip("SKY_SAMPLE_DATA names no folder of sample data")
    for path in sorted(Path(folder, "instrumental").iterdir()):
        assert look_at_table(path, HeaderKeywords()), path.name
