"""`POST /upload/`: BHTOM2's form as its many clients send it."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bhtom_upload.testing import Caller, UploadApp, frame, new_id

Files = list[tuple[str, tuple[str | None, bytes, str]]]
Part = tuple[str, str | None, bytes]


def zipped(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("d.fits", content)
    return archive.getvalue()


@pytest_asyncio.fixture
async def caller(app: UploadApp) -> Caller:
    return await app.add_user()


@pytest_asyncio.fixture
async def fields(app: UploadApp) -> dict[str, Any]:
    """What a client must say."""
    target, camera = await app.add_target(), await app.add_camera()
    return {
        "target": target.name,
        "observatory": camera.camera.oname,
        "data_product_type": "fits_file",
    }


def a_file(part: str = "files", name: str = "x.fits", **options: Any) -> Any:
    body = frame(SERIAL=new_id(), **options)
    return (part, (name, body, "application/octet-stream"))


async def post(
    app: UploadApp,
    caller: Caller | None,
    fields: dict[str, Any],
    files: Files,
    path: str = "/upload/",
) -> httpx.Response:
    return await app.client.post(
        path,
        data=fields,
        files=files,
        headers=caller.headers if caller else {},
    )


async def product(app: UploadApp, caller: Caller, number: str) -> Any:
    return (await app.get(caller, f"/api/v1/data-products/{number}")).json()


@pytest.mark.parametrize("path", ["/upload/", "/upload"])
async def test_the_answer_is_bhtom2s(
    app: UploadApp, caller: Caller, fields: dict[str, Any], path: str
) -> None:
    answer = await post(app, caller, fields, [a_file()], path)
    assert answer.status_code == 201
    (told,) = answer.json()["Success"]
    assert list(answer.json()) == ["Success"]
    assert set(told) == {"file name:", "id", "message"}
    assert told["file name:"] == f"{told['id']}_x.fits"
    assert told["message"] == "Received plain FITS file."
    made = await product(app, caller, told["id"])
    assert answer.headers["x-trace-id"] == made["trace_id"]
    assert made["requested_filter"] == "GaiaSP/any"


async def test_any_part_names_and_several_files(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    packed = ("x", ("c.fits.gz", gzip.compress(frame(SERIAL=new_id())), ""))
    files = [a_file("file_0", "a.fits"), a_file("files", "b.fit"), packed]
    answer = await post(app, caller, fields, files)
    assert answer.status_code == 201, answer.text
    told = answer.json()["Success"]
    assert [one["file name:"].partition("_")[2] for one in told] == [
        "a.fits",
        "b.fit",
        "c.fits.gz",
    ]
    assert told[2]["message"] == "Received gzipped FITS file."
    assert len({one["id"] for one in told}) == 3


@pytest.mark.parametrize(
    ("extension", "pack", "told"),
    [
        ("bz2", bz2.compress, "bzip2-packed"),
        ("xz", lzma.compress, "xz-packed"),
        ("zip", zipped, "zipped"),
    ],
)
async def test_files_that_any_usual_program_packed(
    app: UploadApp,
    caller: Caller,
    fields: dict[str, Any],
    extension: str,
    pack: Callable[[bytes], bytes],
    told: str,
) -> None:
    name = f"d.fits.{extension}"
    content = pack(frame(SERIAL=new_id()))
    answer = await post(app, caller, fields, [("files", (name, content, ""))])
    assert answer.status_code == 201, answer.text
    (made,) = answer.json()["Success"]
    assert made["message"] == f"Received {told} FITS file."
    assert made["file name:"].endswith(name)


async def test_all_spellings_of_the_other_fields(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    ada, ben = await app.add_user(), await app.add_user()
    fields |= {
        "filter": "no",
        "dry_run": "True",
        "match_dist": "-2",
        "comment": "None",
        "mjd": "",
        "observers": [ada.username, ben.username],
        "observer": "somebody else",
        "priority": "1",
        "group": "",
        "no_plot": "False",
        "matching_radius": "7",
        "radius": "1",
    }
    answer = await post(app, caller, fields, [a_file()])
    made = await product(app, caller, answer.json()["Success"][0]["id"])
    assert made["dry_run"] is True
    assert made["comment"] == ""
    assert made["observers"] == [ada.username, ben.username]
    assert made["requested_filter"] == "GaiaSP/any"


async def test_observers_as_a_comma_list(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    ada = await app.add_user()
    fields["observers"] = f"{ada.username}, {caller.username}"
    answer = await post(app, caller, fields, [a_file()])
    made = await product(app, caller, answer.json()["Success"][0]["id"])
    assert made["observers"] == [ada.username, caller.username]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"target": "Nix"}, {"non_field_errors": ["Target 'Nix' does not exist."]}),
        (
            {"observatory": "Nix"},
            {
                "non_field_errors": [
                    "Observatory with camera doesn't exist on your list"
                ]
            },
        ),
        ({"target": None}, {"target": ["This field is required."]}),
        ({"observatory": None}, {"observatory": ["This field is required."]}),
        (
            {"data_product_type": None},
            {"data_product_type": ["This field is required."]},
        ),
        (
            {"data_product_type": "photo"},
            {"data_product_type": ['"photo" is not a valid choice.']},
        ),
        (
            {"data_product_type": "spectroscopy"},
            {
                "data_product_type": [
                    "'spectroscopy' cannot be uploaded here yet: fits_file and "
                    "photometry are taken."
                ]
            },
        ),
        ({"match_dist": "far"}, {"match_dist": ["A valid number is required."]}),
        ({"dry_run": "maybe"}, {"dry_run": ["Must be True or False."]}),
        (
            {"observers": "nix"},
            {"non_field_errors": ["Observer 'nix' does not exist."]},
        ),
    ],
)
async def test_errors_have_bhtom2s_shapes_and_leave_nothing(
    app: UploadApp,
    caller: Caller,
    fields: dict[str, Any],
    change: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    blobs = app.blobs()
    given = {name: value for name, value in (fields | change).items() if value}
    answer = await post(app, caller, given, [a_file()])
    assert answer.status_code == 400
    assert answer.json() == expected
    assert app.blobs() == blobs
    assert app.temporary_files() == []


async def test_an_inactive_camera_is_refused_with_its_reason(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    camera = await app.add_camera(active=False)
    app.core.snapshots[f"cameras/by-oname{camera.camera.oname}"] = camera
    fields["observatory"] = camera.camera.oname
    answer = await post(app, caller, fields, [a_file()])
    assert answer.status_code == 400
    (sentence,) = answer.json()["non_field_errors"]
    assert "is not active" in sentence


async def test_one_bad_file_keeps_all_of_them_out(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    blobs = app.blobs()
    bad = ("files", ("bad.fits", frame()[:4000], ""))
    answer = await post(app, caller, fields, [a_file(), bad])
    assert answer.status_code == 400
    assert "cut short" in answer.json()["non_field_errors"][0]
    assert app.blobs() == blobs
    assert app.temporary_files() == []


async def test_no_file_and_a_file_name_as_text_are_told(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    text: Files = [("files", (None, b"x.fits", "text/plain"))]
    answer = await post(app, caller, fields, text)
    assert answer.status_code == 400
    assert answer.json() == {"files": ["No file was submitted."]}
    too_many = [a_file() for _ in range(6)]
    answer = await post(app, caller, fields, too_many)
    assert "at most 5 files" in answer.json()["non_field_errors"][0]


async def test_a_file_part_without_a_file_name_is_taken(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    nameless: Files = [("file_0", (None, frame(SERIAL=new_id()), ""))]
    answer = await post(app, caller, fields, nameless)
    assert answer.status_code == 201, answer.text
    assert answer.json()["Success"][0]["file name:"].endswith("_file_0")


def form_of(parts: Sequence[Part]) -> bytes:
    body = b""
    for name, file_name, data in parts:
        extra = f'; filename="{file_name}"' if file_name else ""
        body += (
            f'--edge\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
        ).encode()
        body += data + b"\r\n"
    return body + b"--edge--\r\n"


async def test_fields_behind_the_file_count_as_well(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    first: list[Part] = [("files", "x.fits", frame(SERIAL=new_id()))]
    later: list[Part] = [(name, None, value.encode()) for name, value in fields.items()]
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    answer = await app.client.post(
        "/upload/", content=form_of(first + later), headers=caller.headers | kind
    )
    assert answer.status_code == 201, answer.text
    unknown: list[Part] = [("target", None, b"Nix"), *later[1:]]
    answer = await app.client.post(
        "/upload/", content=form_of(first + unknown), headers=caller.headers | kind
    )
    assert answer.json() == {"non_field_errors": ["Target 'Nix' does not exist."]}
    assert app.temporary_files() == []


async def test_an_unknown_target_is_told_before_the_file_has_come(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    parts: list[Part] = [(name, None, value.encode()) for name, value in fields.items()]
    parts[0] = ("target", None, b"Nix")
    body = form_of([*parts, ("files", "x.fits", frame(shape=(512, 512)))])
    read = 0

    async def slowly() -> Any:
        nonlocal read
        for start in range(0, len(body), 4096):
            read += 1
            yield body[start : start + 4096]

    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    answer = await app.client.post(
        "/upload/", content=slowly(), headers=caller.headers | kind
    )
    assert answer.status_code == 400
    assert read == 1


async def test_what_is_no_form_and_a_form_that_ends_early(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    answer = await app.client.post("/upload/", json={}, headers=caller.headers)
    assert answer.status_code == 400
    assert "multipart" in answer.json()["non_field_errors"][0]
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    parts: list[Part] = [(name, None, value.encode()) for name, value in fields.items()]
    body = form_of([*parts, ("files", "x.fits", frame())])[:-30]
    answer = await app.client.post(
        "/upload/", content=body, headers=caller.headers | kind
    )
    assert answer.status_code == 400
    assert app.temporary_files() == []


async def test_without_a_token_it_is_401_with_a_detail(
    app: UploadApp, fields: dict[str, Any]
) -> None:
    answer = await post(app, None, fields, [a_file()])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Token"
    assert answer.json()["detail"] == "Authentication credentials were not provided."


async def test_a_form_that_is_too_large_is_413(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    answer = await post(app, caller, fields, [a_file(shape=(2048, 1100))])
    assert answer.status_code == 413
    assert answer.json()["detail"]


async def test_the_same_file_twice_in_one_form_is_one_product(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    file = a_file()
    answer = await post(app, caller, fields, [file, file])
    assert len({one["id"] for one in answer.json()["Success"]}) == 1
    again = await post(app, caller, fields, [file])
    assert again.status_code == 201
    assert again.json()["Success"][0]["id"] == answer.json()["Success"][0]["id"]
