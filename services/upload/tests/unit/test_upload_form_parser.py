"""Multipart forms, cut anywhere."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_upload.intake.form import Form, PartBegins, PartData, PartEnds
from bhtom_upload.intake.refusals import FrameRefused

KIND = "multipart/form-data; boundary=edge"
FILE = b"SIMPLE  =\r\n--edg\r\n--edgy\r\n--" + bytes(range(256)) * 8
BODY = (
    b"--edge\r\n"
    b'Content-Disposition: form-data; name="target"\r\n\r\n'
    b"Gaia19dke\r\n"
    b"--edge\r\n"
    b"content-type: application/fits\r\n"
    b'content-disposition: form-data; name="file_0"; filename="..\\\\x.fits"\r\n\r\n'
    + FILE
    + b"\r\n--edge--\r\n"
)


def parts_of(chunks: list[bytes]) -> list[tuple[str, str | None, bytes]]:
    form = Form(KIND)
    found: list[tuple[str, str | None, bytes]] = []
    ended = 0
    for chunk in chunks:
        for piece in form.feed(chunk):
            if isinstance(piece, PartBegins):
                found.append((piece.name, piece.file_name, b""))
            elif isinstance(piece, PartData):
                name, file_name, data = found[-1]
                found[-1] = (name, file_name, data + piece.data)
            else:
                assert isinstance(piece, PartEnds)
                ended += 1
    form.finish()
    assert ended == len(found)
    return found


@given(st.lists(st.integers(0, len(BODY)), max_size=30))
def test_where_the_body_is_cut_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    chunks = [BODY[a:b] for a, b in pairwise(edges)]
    found = parts_of([chunk for chunk in chunks if chunk])
    assert [(name, data) for name, _, data in found] == [
        ("target", b"Gaia19dke"),
        ("file_0", FILE),
    ]
    assert found[0][1] is None
    assert found[1][1] is not None
    assert found[1][1].endswith("x.fits")


def test_a_form_that_ends_early_is_no_upload() -> None:
    form = Form(KIND)
    list(form.feed(BODY[:-20]))
    with pytest.raises(FrameRefused) as caught:
        form.finish()
    assert caught.value.code == "truncated"


@pytest.mark.parametrize(
    "kind",
    ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=a"],
)
def test_other_bodies_are_no_form(kind: str) -> None:
    with pytest.raises(FrameRefused):
        Form(kind)


def test_nonsense_is_no_form() -> None:
    with pytest.raises(FrameRefused):
        list(Form(KIND).feed(b"nonsense" * 100))


def test_endless_headers_and_parts_are_refused() -> None:
    with pytest.raises(FrameRefused):
        list(Form(KIND).feed(b"--edge\r\nX-Long: " + b"a" * 100_000))
    part = b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
    with pytest.raises(FrameRefused) as caught:
        list(Form(KIND).feed(part * 2000))
    assert caught.value.code == "too_many_parts"
