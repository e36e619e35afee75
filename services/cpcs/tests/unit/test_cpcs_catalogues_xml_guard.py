"""Tables from outside never send their reader elsewhere."""

import io
from pathlib import Path

import pytest

from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.table_files import read_table
from bhtom_cpcs.reference_catalogues.xml_guard import refuse_outside_references

HEAD = b'<?xml version="1.0"?><VOTABLE version="1.3"><RESOURCE><TABLE>'


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b'<DATA><BINARY><STREAM encoding="x" href="file:///etc/passwd"/>',
        HEAD + b'<DATA><FITS><vot:STREAM\n href = "http://h/x"/></FITS></DATA>',
        HEAD + b'<!DOCTYPE x [<!ENTITY a "b">]>',
        HEAD + b" " * (5 * 2**20) + b'<STREAM href="ftp://h/x"/>',
        HEAD + b" " * (4 * 2**20 - len(HEAD) - 8) + b'<STREAM href="ftp://h/x"/>',
    ],
)
def test_references_to_elsewhere_are_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="outside of itself"):
        refuse_outside_references(io.BytesIO(content))
    path = tmp_path / "stars.vot"
    path.write_bytes(content)
    with pytest.raises(CatalogueError):
        read_table(path)


def test_a_plain_table_is_read_from_its_beginning() -> None:
    file = io.BytesIO(HEAD + b"<DATA><TABLEDATA/></DATA>")
    refuse_outside_references(file)
    assert file.tell() == 0
