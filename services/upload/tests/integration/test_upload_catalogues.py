"""Instrumental catalogues come in as BHTOM2's clients send them, and by PUT."""

import gzip
import io
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bhtom_upload.testing import Caller, UploadApp, frame, header, new_id

MJD = 59000.125


def a_catalogue(**cards: Any) -> bytes:
    """SExtractor's ASCII_HEAD with a serial number, so that no two are equal."""
    told = "".join(f"# {name.replace('_', '-')}: {cards[name]}\n" for name in cards)
    return (
        f"#   1 NUMBER Running object number\n{told}"
        "#   2 ALPHA_J2000 Right ascension [deg]\n#   3 DELTA_J2000 Declination [deg]\n"
        "#   4 MAG_AUTO Magnitude [mag]\n#   5 MAGERR_AUTO Error [mag]\n"
        f"{new_id()} 65.0 -54.9 -8.5 0.01\n"
    ).encode()


def fits_table(**cards: Any) -> bytes:
    """A FITS file with one table of two rows."""
    named = {name.replace("_", "-"): value for name, value in cards.items()}
    table = {"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 8, "NAXIS2": 2}
    more = {"PCOUNT": 0, "GCOUNT": 1, "TFIELDS": 1, "TTYPE1": "RA", "TFORM1": "1D"}
    primary = header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, **named})
    return primary + header({**table, **more}) + b"\0" * 2880


@pytest_asyncio.fixture
async def caller(app: UploadApp) -> Caller:
    return await app.add_user()


@pytest_asyncio.fixture
async def fields(app: UploadApp) -> dict[str, Any]:
    """What a client of BHTOM2 says."""
    target, camera = await app.add_target(), await app.add_camera()
    return {
        "target": target.name,
        "observatory": camera.camera.oname,
        "data_product_type": "photometry",
        "filter": "GaiaSP/any",
        "mjd": str(MJD),
        "match_dist": "-2",
    }


async def post(
    app: UploadApp,
    caller: Caller,
    fields: dict[str, Any],
    body: bytes,
    name: str = "field.cat",
) -> httpx.Response:
    return await app.client.post(
        "/upload/",
        data=fields,
        files=[("files", (name, io.BytesIO(body), "application/octet-stream"))],
        headers=caller.headers,
    )


async def asked(app: UploadApp, answer: httpx.Response) -> Any:
    assert answer.status_code == 201, answer.text
    (told,) = answer.json()["Success"]
    return (await app.events(int(told["id"]), "fits.uploaded"))[-1]


@pytest.mark.parametrize("name", ["field.cat", "field.txt", "field", "field.fits"])
async def test_a_catalogue_is_taken_whatever_its_name(
    app: UploadApp, caller: Caller, fields: dict[str, Any], name: str
) -> None:
    answer = await post(app, caller, fields, a_catalogue(), name)
    event = await asked(app, answer)
    assert answer.json()["Success"][0]["message"] == "Received instrumental catalogue."
    assert event.kind == "photometry"
    assert event.parameters.mid_exposure_mjd == MJD
    assert event.parameters.match_radius is None


async def test_packed_and_fits_tables(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    packed = await post(app, caller, fields, gzip.compress(a_catalogue()), "f.cat.gz")
    assert (await asked(app, packed)).kind == "photometry"
    table = await post(app, caller, fields, fits_table(SERIAL=new_id()), "f_cat.fits")
    assert (await asked(app, table)).kind == "photometry"


async def test_the_kind_may_come_behind_the_file(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    mark = "x" * 20
    parts = [
        f'Content-Disposition: form-data; name="files"; filename="a.cat"\r\n\r\n'
        f"{a_catalogue().decode()}",
        *(
            f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'
            for name, value in fields.items()
        ),
    ]
    body = "".join(f"--{mark}\r\n{part}\r\n" for part in parts) + f"--{mark}--\r\n"
    answer = await app.client.post(
        "/upload/",
        content=body.encode(),
        headers=caller.headers
        | {"content-type": f"multipart/form-data; boundary={mark}"},
    )
    assert (await asked(app, answer)).kind == "photometry"


async def test_the_time_comes_from_the_field_or_the_file(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    without = fields | {"mjd": ""}
    refused = await post(app, caller, without, a_catalogue())
    assert refused.status_code == 400
    assert "required" in refused.json()["mjd"][0]
    dated = a_catalogue(DATE_OBS="2021-01-18T11:26:32")
    assert (await asked(app, await post(app, caller, without, dated))).parameters == (
        (await asked(app, await post(app, caller, without, dated))).parameters
    )
    table = fits_table(DATE_OBS="2021-01-18T11:26:32", SERIAL=new_id())
    event = await asked(app, await post(app, caller, without, table, "t.fits"))
    assert event.parameters.mid_exposure_mjd is None


async def test_another_time_is_another_request_of_the_same_product(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    body = a_catalogue()
    first = await asked(app, await post(app, caller, fields, body))
    other = fields | {"mjd": str(MJD + 1)}
    second = await asked(app, await post(app, caller, other, body))
    assert second.data_product_id == first.data_product_id
    assert (first.request_order, second.request_order) == (1, 2)
    assert second.parameters.mid_exposure_mjd == MJD + 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (frame(), "upload it as a frame (fits_file)"),
        (bytes(range(256)) * 300, "no table of sources"),
        (b"no numbers here\n", "no table of sources"),
        (gzip.compress(a_catalogue() * 50)[:-30], "cut short"),
        (fits_table()[:-2875], "cut short"),
        (header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0}), "no table with rows"),
    ],
)
async def test_what_is_no_catalogue_leaves_nothing(
    app: UploadApp, caller: Caller, fields: dict[str, Any], body: bytes, words: str
) -> None:
    blobs = app.blobs()
    answer = await post(app, caller, fields, body)
    assert answer.status_code == 400, answer.text
    assert words in answer.text
    assert app.blobs() == blobs
    assert app.temporary_files() == []


@pytest.mark.parametrize(
    ("mjd", "words"),
    [
        ("2459000.5", "Julian date"),
        ("nan", "no modified Julian date"),
        ("x", "valid number"),
        ("-3", "no modified Julian date"),
    ],
)
async def test_a_time_that_cannot_be(
    app: UploadApp, caller: Caller, fields: dict[str, Any], mjd: str, words: str
) -> None:
    answer = await post(app, caller, fields | {"mjd": mjd}, a_catalogue())
    assert answer.status_code == 400
    assert words in answer.json()["mjd"][0]


async def test_a_frame_ignores_the_time_of_the_form(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    sent = fields | {"data_product_type": "fits_file"}
    event = await asked(
        app, await post(app, caller, sent, frame(SERIAL=new_id()), "x.fits")
    )
    assert event.kind == "fits_file"
    assert event.parameters.mid_exposure_mjd is None


async def test_put_and_retry(
    app: UploadApp, caller: Caller, fields: dict[str, Any]
) -> None:
    answer = await app.put(
        caller,
        a_catalogue(),
        target=fields["target"],
        camera=fields["observatory"],
        data_product_type="photometry",
        mjd=MJD,
        file_name="field.cat",
    )
    assert answer.status_code == 201, answer.text
    number = answer.json()["data_product_id"]
    assert answer.json()["kind"] == "photometry"
    again = await app.client.post(
        f"/api/v1/data-products/{number}/retry",
        json={"mjd": MJD + 0.5},
        headers=caller.headers,
    )
    assert again.status_code < 300, again.text
    events = await app.events(number, "fits.uploaded")
    assert [one.parameters.mid_exposure_mjd for one in events] == [MJD, MJD + 0.5]
    assert {one.kind for one in events} == {"photometry"}
