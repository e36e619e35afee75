"""`PUT /api/v1/frames`: what is taken, what is refused, and what is left behind."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bhtom_contracts.events.frames import DataProductChanged, FitsUploaded
from bhtom_runtime.errors import NoSpace
from bhtom_upload.testing import (
    Caller,
    UploadApp,
    frame,
    make_camera,
    make_target,
    new_id,
)


@pytest_asyncio.fixture
async def caller(app: UploadApp) -> Caller:
    return await app.add_user()


@pytest_asyncio.fixture
async def place(app: UploadApp) -> dict[str, str]:
    """A known target and camera."""
    target, camera = await app.add_target(), await app.add_camera()
    return {"target": target.name, "camera": camera.camera.oname}


def new_frame(**options: Any) -> bytes:
    """A frame that nobody has uploaded before."""
    return frame(SERIAL=new_id(), **options)


async def test_a_frame_becomes_a_product_that_asks_for_its_calibration(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    body = new_frame()
    answer = await app.put(
        caller,
        body,
        **place,
        file_name="../night/x y.fits",
        filter="GaiaSP/r",
        match_radius=2.5,
        comment="thin cloud",
        batch="night 1",
    )
    assert answer.status_code == 201, answer.text
    product = answer.json()
    number = product["data_product_id"]
    assert answer.headers["location"] == f"/api/v1/data-products/{number}"
    assert answer.headers["x-trace-id"] == product["trace_id"]
    assert product["state"] == "calibrating"
    assert product["file_name"] == "x y.fits"
    assert product["observers"] == [caller.username]
    assert product["owner"] == caller.username
    assert [stage["stage"] for stage in product["stages"]] == ["received", "requested"]
    assert product["stages"][0]["message"] == "Received plain FITS file."
    changed, asked = await app.events(number)
    assert isinstance(changed, DataProductChanged)
    assert isinstance(asked, FitsUploaded)
    assert asked.request_order == 1
    assert asked.purpose == "record"
    assert asked.parameters.requested_filter == "GaiaSP/r"
    assert asked.parameters.match_radius == 2.5
    assert asked.target.name == place["target"]
    assert asked.camera.oname == place["camera"]
    assert asked.size_bytes == len(body)
    stored = app.context.objects.path(f"frames/{asked.sha256[:2]}/{asked.sha256}")
    assert stored.read_bytes() == body
    back = await app.get(caller, product["links"]["file"])
    assert back.content == body
    assert "x%20y.fits" in back.headers["content-disposition"]


async def test_the_same_upload_twice_is_one(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    body = new_frame()
    first = await app.put(caller, body, **place)
    second = await app.put(caller, body, **place)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(await app.events(first.json()["data_product_id"])) == 2


async def test_the_same_upload_at_once_is_one(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    body = new_frame()
    answers = await asyncio.gather(*(app.put(caller, body, **place) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    numbers = {answer.json()["data_product_id"] for answer in answers}
    assert len(numbers) == 1
    assert len(await app.events(numbers.pop(), "fits.uploaded")) == 1


async def test_other_parameters_are_another_request_of_the_same_product(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    body = new_frame()
    first = await app.put(caller, body, **place)
    second = await app.put(caller, body, **place, filter="GaiaSP/ugriz")
    number = first.json()["data_product_id"]
    assert second.status_code == 200
    assert second.json()["data_product_id"] == number
    asked = await app.events(number, "fits.uploaded")
    assert [event.request_order for event in asked] == [1, 2]
    assert len({event.calibration_request_id for event in asked}) == 2
    assert asked[1].parameters.requested_filter == "GaiaSP/ugriz"
    assert second.json()["requested_filter"] == "GaiaSP/ugriz"


async def test_a_dry_run_is_another_product(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    body = new_frame()
    real = await app.put(caller, body, **place)
    dry = await app.put(caller, body, **place, dry_run=True)
    assert dry.status_code == 201
    assert real.json()["data_product_id"] != dry.json()["data_product_id"]
    (asked,) = await app.events(dry.json()["data_product_id"], "fits.uploaded")
    assert asked.purpose == "dry_run"


async def test_another_owner_target_or_camera_is_another_product(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    body = new_frame()
    other_target, other_camera = await app.add_target(), await app.add_camera()
    answers = [
        await app.put(caller, body, **place),
        await app.put(await app.add_user(), body, **place),
        await app.put(caller, body, **place | {"target": other_target.name}),
        await app.put(caller, body, **place | {"camera": other_camera.camera.oname}),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["data_product_id"] for answer in answers}) == 4
    assert len({answer.json()["sha256"] for answer in answers}) == 1


async def test_targets_and_cameras_may_be_given_by_their_numbers(
    app: UploadApp, caller: Caller
) -> None:
    target, camera = await app.add_target(), await app.add_camera()
    answer = await app.put(
        caller, new_frame(), target=target.target_id, camera=camera.camera.camera_id
    )
    assert answer.status_code == 201
    assert answer.json()["target_name"] == target.name


async def test_a_gzipped_frame_is_kept_as_it_came(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    answer = await app.put(caller, gzip.compress(new_frame()), **place)
    assert answer.status_code == 201
    assert answer.json()["stages"][0]["message"] == "Received gzipped FITS file."


async def test_a_target_and_a_camera_made_in_the_same_second_are_asked_for(
    app: UploadApp, caller: Caller
) -> None:
    target, camera = make_target(new_id()), make_camera(new_id())
    oname = camera.camera.oname
    app.core.snapshots[f"targets/by-name{target.name}"] = target
    app.core.snapshots[f"cameras/by-oname{oname}"] = camera
    for _ in range(2):
        answer = await app.put(caller, new_frame(), target=target.name, camera=oname)
        assert answer.status_code == 201, answer.text
    assert app.core.asked.count(f"targets/by-name{target.name}") == 1


async def test_a_camera_that_was_activated_just_now_is_asked_for(
    app: UploadApp, caller: Caller
) -> None:
    target = await app.add_target()
    camera = await app.add_camera(active=False, approval="pending")
    oname = camera.camera.oname
    refused = await app.put(caller, new_frame(), target=target.name, camera=oname)
    assert refused.json()["code"] == "unknown_camera"
    app.core.snapshots[f"cameras/by-oname{oname}"] = camera
    refused = await app.put(caller, new_frame(), target=target.name, camera=oname)
    assert refused.status_code == 422
    assert refused.json()["code"] == "inactive_camera"
    assert "approve" in refused.json()["detail"]
    app.core.snapshots[f"cameras/by-oname{oname}"] = camera.model_copy(
        update={"active": True, "approval": "approved", "aggregate_version": 2}
    )
    taken = await app.put(caller, new_frame(), target=target.name, camera=oname)
    assert taken.status_code == 201


async def test_core_not_there_is_503_and_never_a_refusal(
    app: UploadApp, caller: Caller, place: dict[str, str], monkeypatch: Any
) -> None:
    known = await app.put(caller, new_frame(), **place)
    assert known.status_code == 201
    directory = app.parts.lifespans[0].__self__  # type: ignore[attr-defined]
    for part in (directory.targets, directory.cameras, directory.people):
        monkeypatch.setattr(part, "_core_url", "http://127.0.0.1:9")
    still_known = await app.put(caller, new_frame(), **place)
    assert still_known.status_code == 201
    for change in (
        {"target": "Nobody knows"},
        {"camera": "Nobody_Knows"},
        {"observers": "nobody"},
    ):
        answer = await app.put(caller, new_frame(), **place | change)
        assert answer.status_code == 503, change
        assert int(answer.headers["retry-after"]) > 0


async def test_what_core_does_not_know_does_not_exist(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    for change, code, words in (
        ({"target": "Nix"}, "unknown_target", "Target 'Nix' does not exist."),
        ({"camera": "Nix_Cam"}, "unknown_camera", "Camera 'Nix_Cam' does not exist"),
        ({"observers": "nix"}, "unknown_observer", "Observer 'nix' does not exist."),
    ):
        answer = await app.put(caller, new_frame(), **place | change)
        assert answer.status_code == 422
        assert answer.json()["code"] == code
        assert words in answer.json()["detail"]


async def test_a_private_target_exists_only_for_its_owner(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    mine = await app.add_target(owner_id=caller.user_id, visibility="private")
    taken = await app.put(caller, new_frame(), **place | {"target": mine.name})
    assert taken.status_code == 201
    stranger = await app.add_user()
    refused = await app.put(stranger, new_frame(), **place | {"target": mine.name})
    assert refused.json()["code"] == "unknown_target"
    number = taken.json()["data_product_id"]
    assert (
        await app.get(stranger, f"/api/v1/data-products/{number}")
    ).status_code == 404
    admin = await app.add_user(is_admin=True)
    assert (await app.get(admin, f"/api/v1/data-products/{number}")).status_code == 200


async def test_the_owner_of_a_private_target_sees_the_frames_of_it(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    host = await app.add_user()
    target = await app.add_target(owner_id=host.user_id)
    taken = await app.put(caller, new_frame(), **place | {"target": target.name})
    path = f"/api/v1/data-products/{taken.json()['data_product_id']}"
    closed = {"owner_id": host.user_id, "visibility": "private"}
    await app.handle(make_target(target.target_id, aggregate_version=2, **closed))
    stranger = await app.add_user()
    for who, status in ((caller, 200), (host, 200), (stranger, 404)):
        assert (await app.get(who, path)).status_code == status
        assert (await app.get(who, f"{path}/file")).status_code == status


async def test_of_two_targets_of_one_name_ones_own_is_meant(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    name = f"Same {new_id()}"
    public = await app.add_target(name=name)
    mine = await app.add_target(
        name=name, owner_id=caller.user_id, visibility="private"
    )
    answer = await app.put(caller, new_frame(), **place | {"target": name})
    assert answer.json()["target_id"] == mine.target_id
    stranger = await app.add_user()
    answer = await app.put(stranger, new_frame(), **place | {"target": name})
    assert answer.json()["target_id"] == public.target_id


@pytest.mark.parametrize(
    ("body", "query", "code"),
    [
        (b"<html>", {}, "not_fits"),
        (b"", {}, "empty_file"),
        (frame()[:3000], {}, "truncated"),
        (frame(shape=(4000,)), {}, "no_image"),
        (frame(DATE_OBS="nn/nn/nn"), {}, "no_usable_date"),
        (gzip.compress(frame(shape=(99, 99)))[:-9], {}, "truncated"),
        (gzip.compress(bytes(12 << 20)), {}, "not_fits"),
        (
            gzip.compress(frame(shape=(9, 9)) + bytes(12 << 20)),
            {},
            "unpacks_too_large",
        ),
        (frame(shape=(2048, 1100)), {}, "too_large"),
        (frame(), {"file_name": "x.jpg"}, "unsupported_file_name"),
        (frame(), {"filter": "blue"}, "invalid_field"),
        (frame(), {"match_radius": 100}, "invalid_field"),
        (frame(), {"target": "a\0b"}, "invalid_field"),
        (frame(), {"observers": "a\0b"}, "invalid_field"),
        (frame(), {"batch": "a\0b"}, "invalid_field"),
        (frame(), {"fitler": "GaiaSP/r"}, "invalid"),
    ],
)
async def test_a_refusal_has_a_code_and_a_sentence_and_leaves_nothing(
    app: UploadApp,
    caller: Caller,
    place: dict[str, str],
    body: bytes,
    query: dict[str, Any],
    code: str,
) -> None:
    blobs = app.blobs()
    answer = await app.put(caller, body, **place | query)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code
    assert answer.json()["detail"]
    assert app.blobs() == blobs
    assert app.temporary_files() == []
    mine = await app.get(caller, "/api/v1/data-products")
    assert mine.json()["items"] == []


class Body:
    """A body that notices whether it is read."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.read += 1
            yield chunk


async def send(
    app: UploadApp, body: Body, headers: dict[str, str], **query: Any
) -> httpx.Response:
    return await app.client.put(
        "/api/v1/frames", params=query, content=body, headers=headers
    )


async def test_what_is_known_beforehand_is_said_before_the_body_is_read(
    app: UploadApp, caller: Caller, place: dict[str, str], monkeypatch: Any
) -> None:
    large = {"content-length": str(5 << 20)}
    for headers, query, status in (
        ({}, {}, 401),
        ({"Authorization": "Token " + "0" * 40}, {}, 401),
        (caller.headers | large, {}, 413),
        (caller.headers, {"target": "Nix"}, 422),
        (caller.headers, {"camera": "Nix"}, 422),
        (caller.headers, {"file_name": "x.png"}, 422),
    ):
        body = Body(new_frame())
        answer = await send(app, body, headers, **place | query)
        assert answer.status_code == status, answer.text
        assert body.read == 0
    monkeypatch.setattr(app.context.objects, "free_bytes", lambda: 1000)
    body = Body(new_frame())
    answer = await send(app, body, caller.headers | large, **place)
    assert answer.status_code == 507
    assert body.read == 0


async def test_what_is_plainly_no_frame_is_not_read_to_its_end(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    body = Body(*[b"Not a frame at all. " * 100] * 50)
    answer = await send(app, body, caller.headers, **place)
    assert answer.json()["code"] == "not_fits"
    assert body.read == 1


async def test_a_body_without_a_length_is_measured_as_it_comes(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    body = Body(frame(shape=(512, 512)), *[bytes(1 << 20)] * 10)
    answer = await send(app, body, caller.headers, **place)
    assert answer.status_code == 413
    assert body.read <= 6
    assert app.temporary_files() == []


async def test_a_full_disk_is_said_and_leaves_nothing(
    app: UploadApp, caller: Caller, place: dict[str, str], monkeypatch: Any
) -> None:
    def full(*_: Any) -> None:
        raise NoSpace("The store has no room for this file; try again later.")

    monkeypatch.setattr("bhtom_runtime.object_writer.FolderWriter._finish", full)
    answer = await app.put(caller, new_frame(), **place)
    assert answer.status_code == 507
    assert app.temporary_files() == []


async def test_a_token_without_the_scope_cannot_upload(
    app: UploadApp, place: dict[str, str]
) -> None:
    reader = await app.add_user(scopes=("read",))
    answer = await app.put(reader, new_frame(), **place)
    assert answer.status_code == 403
