"""How the answers of cpcs and core move a product, in any order and repeated."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from bhtom_contracts.base import Payload
from bhtom_contracts.events.calibrations import (
    CalibrationFailed,
    CalibrationWaiting,
    FrameQuality,
    FrameTime,
    Measurement,
    PhotometryCalibrated,
    ZeroPoint,
)
from bhtom_contracts.events.frames import FitsUploaded
from bhtom_contracts.events.photometry import PhotometryRecorded, RecordedRevision
from bhtom_contracts.outcomes import OUTCOMES, Outcome
from bhtom_upload.data_products import reconciliation
from bhtom_upload.data_products.domain import Standing, State
from bhtom_upload.data_products.progress import move
from bhtom_upload.data_products.store import lock_product
from bhtom_upload.intake import collection
from bhtom_upload.testing import Caller, UploadApp, frame, new_id

START = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Upload:
    """An uploaded product and who uploaded it."""

    app: UploadApp
    caller: Caller
    number: int
    asked: FitsUploaded

    async def shown(self) -> dict[str, Any]:
        path = f"/api/v1/data-products/{self.number}"
        answer = await self.app.get(self.caller, path)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    async def handle(self, *payloads: Payload) -> None:
        for payload in payloads:
            await self.app.handle(payload)

    def _answer(self, seconds: int, **changes: Any) -> dict[str, Any]:
        return {
            "data_product_id": self.number,
            "calibration_id": 100 + seconds,
            "calibration_request_id": self.asked.calibration_request_id,
            "request_order": self.asked.request_order,
            "purpose": self.asked.purpose,
            "finished_at": START + timedelta(seconds=seconds),
        } | changes

    def calibrated(self, seconds: int = 2, **changes: Any) -> PhotometryCalibrated:
        given = self._answer(
            seconds, outcome=Outcome.CALIBRATED, message="r = 17.32 mag", has_plot=True
        )
        quality = {
            "owner_id": self.caller.user_id,
            "camera_id": 1,
            "camera_version": 1,
            "facility": "Obs",
            "fingerprint": "0" * 64,
            "time": FrameTime(
                mid_exposure_mjd=59232.5,
                bjd_tdb=59232.5,
                exposure_time=300.0,
                time_as_reported="",
            ),
            "quality": FrameQuality(),
            "zero_point": ZeroPoint(
                passband="GaiaSP/r",
                value=25.0,
                error=0.01,
                scatter=0.03,
                matched_stars=50,
                used_stars=48,
                outlier_fraction=0.04,
                matching_radius=2.0,
                catalogue="GaiaSP",
                release="dr3",
            ),
            "method": "aperture",
            "software_version": "0",
            "settings_version": "0",
            "measurements": (),
        }
        return PhotometryCalibrated(**(given | quality | changes))

    def failed(self, seconds: int = 2, **changes: Any) -> CalibrationFailed:
        given = self._answer(seconds, outcome=Outcome.NO_WCS, message="No WCS.")
        return CalibrationFailed(**(given | changes))

    def waiting(self, seconds: int = 1, **changes: Any) -> CalibrationWaiting:
        given = self._answer(
            seconds, outcome=Outcome.WAITING_FOR_CATALOGUE, message="No stars yet."
        )
        return CalibrationWaiting(**(given | changes))

    def recorded(self, **changes: Any) -> PhotometryRecorded:
        target = self.asked.target.target_id
        result = RecordedRevision(
            target_id=target, disposition="recorded", point_id=7, revision=1
        )
        given: dict[str, Any] = {
            "data_product_id": self.number,
            "calibration_request_id": self.asked.calibration_request_id,
            "request_order": self.asked.request_order,
            "results": (result,),
            "recorded_at": START + timedelta(seconds=9),
        }
        return PhotometryRecorded(**(given | changes))


async def upload_frame(app: UploadApp, caller: Caller, **query: Any) -> Upload:
    """Upload a new frame of a new target."""
    target, camera = await app.add_target(), await app.add_camera()
    answer = await app.put(
        caller,
        frame(SERIAL=new_id()),
        target=target.name,
        camera=camera.camera.oname,
        **query,
    )
    assert answer.status_code == 201, answer.text
    number = answer.json()["data_product_id"]
    asked = await app.events(number, "fits.uploaded")
    return Upload(app, caller, number, asked[-1])


@pytest_asyncio.fixture
async def upload(app: UploadApp) -> AsyncIterator[Upload]:
    yield await upload_frame(app, await app.add_user())


async def test_a_mosaic_speaks_with_the_plane_that_holds_the_target(
    upload: Upload,
) -> None:
    """Whatever order the chips are answered in; with that chip's plot."""
    beside = {
        "outcome": Outcome.TARGET_OUTSIDE_FRAME,
        "message": "Outside.",
        "has_plot": True,
    }
    saturated = {
        "outcome": Outcome.TARGET_SATURATED,
        "message": "Saturated.",
        "has_plot": True,
    }
    for plane, told in ((2, beside), (1, saturated), (0, beside)):
        answer = upload.failed(
            plane=plane, plane_count=3, calibration_id=200 + plane, **told
        )
        await upload.handle(answer)
    shown = await upload.shown()
    assert shown["state"] == "failed"
    assert shown["outcome"] == "target_saturated"
    assert shown["message"].startswith("Saturated. (Image 2;")
    assert shown["stages"][-1]["message"] == shown["message"]
    assert shown["target_plane"] == 1
    assert shown["links"]["plot"] == "/api/v1/calibrations/201/plot.png"
    assert [plane["message"] for plane in shown["planes"]] == [
        "Outside.",
        "Saturated.",
        "Outside.",
    ]


async def test_calibrated_then_recorded_is_done(upload: Upload) -> None:
    await upload.handle(upload.calibrated())
    between = await upload.shown()
    assert between["state"] == "recording"
    await upload.handle(upload.recorded())
    done = await upload.shown()
    assert done["state"] == "done"
    assert done["outcome"] == "calibrated"
    assert done["message"] == "r = 17.32 mag"
    (plane,) = done["planes"]
    assert plane["point_ids"] == [7]
    assert plane["calibration_id"] == 102
    assert done["links"]["plot"] == "/api/v1/calibrations/102/plot.png"
    assert [stage["stage"] for stage in done["stages"]] == [
        "received",
        "requested",
        "calibrated",
        "recorded",
    ]
    changed = await upload.app.events(upload.number, "data_product.changed")
    assert [event.state for event in changed] == ["calibrating", "recording", "done"]
    versions = [event.aggregate_version for event in changed]
    assert versions == sorted(set(versions))


async def test_every_order_and_repetition_ends_the_same(app: UploadApp) -> None:
    caller = await app.add_user()
    for order in permutations(range(4)):
        upload = await upload_frame(app, caller)
        events = [
            upload.waiting(1),
            upload.failed(2),
            upload.calibrated(3),
            upload.recorded(),
        ]
        for index in order:
            await upload.handle(events[index], events[order[0]])
        shown = await upload.shown()
        assert (shown["state"], shown["outcome"]) == ("done", "calibrated"), order
        assert shown["planes"][0]["point_ids"] == [7]


async def test_a_repeated_answer_leaves_no_trace(upload: Upload) -> None:
    await upload.handle(upload.calibrated(), upload.recorded())
    before = await upload.shown()
    sent = await upload.app.events(upload.number)
    await upload.handle(upload.calibrated(), upload.recorded(), upload.calibrated())
    assert await upload.shown() == before
    assert await upload.app.events(upload.number) == sent


async def test_waiting_ends_by_itself(upload: Upload) -> None:
    await upload.handle(upload.waiting())
    shown = await upload.shown()
    assert (shown["state"], shown["outcome"]) == ("waiting", "waiting_for_catalogue")
    await upload.handle(upload.calibrated(), upload.recorded())
    assert (await upload.shown())["state"] == "done"


async def test_a_failure_says_what_to_do_and_can_be_retried(upload: Upload) -> None:
    await upload.handle(upload.failed())
    failed = await upload.shown()
    assert failed["state"] == "failed"
    assert failed["message"] == "No WCS."
    assert failed["advice"] == OUTCOMES[Outcome.NO_WCS].advice
    assert failed["retryable"] is True
    answer = await upload.app.client.post(
        failed["links"]["retry"],
        json={"filter": "GaiaSP/V"},
        headers=upload.caller.headers,
    )
    assert answer.status_code == 202
    assert answer.json()["state"] == "calibrating"
    assert answer.json()["outcome"] is None
    asked = await upload.app.events(upload.number, "fits.uploaded")
    assert [event.request_order for event in asked] == [1, 2]
    assert asked[1].parameters.requested_filter == "GaiaSP/V"
    assert asked[1].calibration_request_id != asked[0].calibration_request_id


async def test_a_retry_without_a_body_keeps_the_parameters(app: UploadApp) -> None:
    upload = await upload_frame(
        app, await app.add_user(), filter="GaiaSP/B", match_radius=3
    )
    path = f"/api/v1/data-products/{upload.number}/retry"
    answer = await app.client.post(path, headers=upload.caller.headers)
    assert answer.status_code == 202, answer.text
    first, second = await app.events(upload.number, "fits.uploaded")
    assert first.parameters == second.parameters
    assert second.parameters.match_radius == 3


async def test_a_retry_that_cannot_be_read_says_why(upload: Upload) -> None:
    path = f"/api/v1/data-products/{upload.number}/retry"
    headers = {**upload.caller.headers, "Content-Type": "application/json"}
    answer = await upload.app.client.post(path, content=b"{", headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "body: This is not valid JSON."


@pytest.mark.parametrize("number", [0, -1, 10**30])
async def test_a_number_that_cannot_be_one_is_not_found(
    upload: Upload, number: int
) -> None:
    answer = await upload.app.get(upload.caller, f"/api/v1/data-products/{number}/file")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no data product with this number."


async def test_only_the_owner_may_retry(upload: Upload) -> None:
    path = f"/api/v1/data-products/{upload.number}/retry"
    stranger = await upload.app.add_user()
    answer = await upload.app.client.post(path, headers=stranger.headers)
    assert answer.status_code == 403
    admin = await upload.app.add_user(is_admin=True)
    answer = await upload.app.client.post(path, headers=admin.headers)
    assert answer.status_code == 202


async def test_answers_to_an_older_request_do_not_count(upload: Upload) -> None:
    path = f"/api/v1/data-products/{upload.number}/retry"
    await upload.app.client.post(path, headers=upload.caller.headers)
    await upload.handle(upload.calibrated(), upload.recorded())
    shown = await upload.shown()
    assert shown["state"] == "calibrating"
    assert [stage["stage"] for stage in shown["stages"]][-2:] == ["superseded"] * 2
    newer = {"request_order": 2, "calibration_id": 900}
    await upload.handle(upload.failed(**newer))
    shown = await upload.shown()
    assert shown["state"] == "failed"
    assert shown["planes"][0]["calibration_id"] == 900


async def test_planes_are_done_when_all_are_done(upload: Upload) -> None:
    two = {"plane_count": 2}
    await upload.handle(upload.calibrated(plane=1, **two))
    assert (await upload.shown())["message"] == "1 of 2 images are calibrated."
    await upload.handle(upload.recorded(plane=1, **two))
    assert (await upload.shown())["state"] == "calibrating"
    await upload.handle(upload.failed(plane=0, **two))
    shown = await upload.shown()
    assert shown["state"] == "done"
    assert [plane["outcome"] for plane in shown["planes"]] == ["no_wcs", "calibrated"]


async def test_a_deleted_upload_is_gone_and_can_come_again(app: UploadApp) -> None:
    caller, body = await app.add_user(), frame(SERIAL=new_id())
    target, camera = await app.add_target(), await app.add_camera()
    place = {"target": target.name, "camera": camera.camera.oname}
    number = (await app.put(caller, body, **place)).json()["data_product_id"]
    async with app.context.database.unit_of_work() as unit:
        product = await lock_product(unit, number)
        assert product is not None
        gone = Standing(State.DELETED, "Deleted by its owner.")
        await move(unit, product, gone, stage="deleted", message=gone.message)
    changed = await app.events(number, "data_product.changed")
    assert changed[-1].deleted_at is not None
    mine = await app.get(caller, "/api/v1/data-products")
    assert mine.json()["items"] == []
    stranger = await app.add_user()
    path = f"/api/v1/data-products/{number}"
    assert (await app.get(stranger, path)).status_code == 404
    retried = await app.client.post(f"{path}/retry", headers=caller.headers)
    assert retried.status_code == 409
    again = await app.put(caller, body, **place)
    assert again.status_code == 200
    assert again.json()["state"] == "calibrating"
    changed = await app.events(number, "data_product.changed")
    assert changed[-1].deleted_at is None
    asked = await app.events(number, "fits.uploaded")
    assert [event.request_order for event in asked] == [1, 2]


async def test_an_answer_to_an_unknown_product_is_no_error(upload: Upload) -> None:
    await upload.handle(upload.failed(data_product_id=10**15))
    measured = Measurement(target_id=1, ra=1.0, dec=2.0, is_limit=False)
    for purpose in ("record", "preview"):
        told = {"purpose": purpose, "measurements": (measured,)}
        await upload.handle(upload.calibrated(data_product_id=10**15, **told))


async def age(upload: Upload, hours: int) -> None:
    """Let a product have waited."""
    async with upload.app.context.database.unit_of_work() as unit:
        await unit.execute(
            text(
                "UPDATE data_products SET awaiting_since = now() - :age * interval "
                "'1 hour' WHERE data_product_id = :id"
            ),
            {"age": hours, "id": upload.number},
        )


async def test_what_got_no_answer_is_asked_for_again_with_the_same_request(
    upload: Upload,
) -> None:
    await upload.app.run_job(reconciliation.KIND)
    assert len(await upload.app.events(upload.number, "fits.uploaded")) == 1
    await age(upload, 1)
    await upload.app.run_job(reconciliation.KIND)
    await upload.app.run_job(reconciliation.KIND)
    first, second = await upload.app.events(upload.number, "fits.uploaded")
    assert first == second
    shown = await upload.shown()
    assert shown["stages"][-1]["stage"] == "asked_again"
    assert shown["state"] == "calibrating"


async def test_a_point_that_was_not_confirmed_is_asked_for_again(
    upload: Upload,
) -> None:
    await upload.handle(upload.calibrated())
    await age(upload, 1)
    await upload.app.run_job(reconciliation.KIND)
    assert len(await upload.app.events(upload.number, "fits.uploaded")) == 2
    await upload.handle(upload.recorded())
    await age(upload, 1)
    await upload.app.run_job(reconciliation.KIND)
    assert len(await upload.app.events(upload.number, "fits.uploaded")) == 2


@pytest.mark.parametrize(("redriven", "hours", "again"), [(3, 1, 1), (3, 3, 2)])
async def test_patience_doubles(
    upload: Upload, redriven: int, hours: int, again: int
) -> None:
    async with upload.app.context.database.unit_of_work() as unit:
        await unit.execute(
            text(
                "UPDATE data_products SET redrive_count = :n WHERE data_product_id = :i"
            ),
            {"n": redriven, "i": upload.number},
        )
    await age(upload, hours)
    await upload.app.run_job(reconciliation.KIND)
    assert len(await upload.app.events(upload.number, "fits.uploaded")) == again


async def test_only_old_files_without_a_product_are_collected(upload: Upload) -> None:
    objects = upload.app.context.objects
    writer = objects.open_writer("frames")
    await writer.feed(b"a broken upload left this")
    orphan = objects.path((await writer.commit()).key)
    kept = objects.path(f"frames/{upload.asked.sha256[:2]}/{upload.asked.sha256}")
    await upload.app.run_job(collection.KIND)
    assert orphan.exists()
    old = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for path in (orphan, kept):
        os.utime(path, (old, old))
    await upload.app.run_job(collection.KIND)
    assert not orphan.exists()
    assert kept.exists()
