"""Campaigns: collected, previewed, compared, accepted; stopped, resumed, repeated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Text, delete, insert, literal, select, text, update

from bhtom_contracts.events.calibrations import (
    CalibrationFailed,
    FrameQuality,
    FrameTime,
    Measurement,
    PhotometryCalibrated,
    ZeroPoint,
)
from bhtom_contracts.events.frames import FitsUploaded
from bhtom_contracts.events.photometry import PhotometryRecorded, RecordedRevision
from bhtom_contracts.flags import PointFlag
from bhtom_contracts.outcomes import Outcome
from bhtom_upload.recalibrations import service, steps
from bhtom_upload.recalibrations.selection import older
from bhtom_upload.recalibrations.summarising import CHANGES, pairs_of
from bhtom_upload.recalibrations.tables import (
    plane_failures,
    plane_measurements,
    recalibration_items,
)
from bhtom_upload.testing import Caller, UploadApp, frame, new_id

START = datetime(2026, 11, 1, tzinfo=UTC)
PLACE = "/api/v1/recalibrations"


class Field:
    """Frames of one target and camera, and a cpcs and a core that answer for them."""

    def __init__(self, app: UploadApp, owner: Caller, target: Any, camera: Any) -> None:
        self.app, self.owner, self.target, self.camera = app, owner, target, camera
        self.products: list[int] = []
        self.answered: set[int] = set()
        self.mjd: dict[int, float] = {}

    async def add(self, count: int, *, last_fails: bool = False) -> None:
        """Upload frames and calibrate them by the old method; the last may fail."""
        for _ in range(count):
            put = await self.app.put(
                self.owner,
                frame(seed=new_id()),
                target=self.target.name,
                camera=self.camera.camera.oname,
            )
            assert put.status_code == 201, put.text
            number = put.json()["data_product_id"]
            self.products.append(number)
            self.mjd[number] = 61000.0 + len(self.products)
        fails = (self.products[-1],) if last_fails else ()
        await self.answer("aperture-1", 15.0, fails)

    async def requests(self) -> list[FitsUploaded]:
        """What cpcs has not answered yet."""
        found: list[FitsUploaded] = []
        for number in self.products:
            found += [
                event
                for event in await self.app.events(number, "fits.uploaded")
                if event.calibration_request_id not in self.answered
            ]
        return found

    async def answer(
        self, method: str, magnitude: float, fails: tuple[int, ...] = ()
    ) -> list[FitsUploaded]:
        """Answer everything that was asked, as cpcs and core do."""
        asked = await self.requests()
        for request in asked:
            self.answered.add(request.calibration_request_id)
            if request.data_product_id in fails:
                await self.app.handle(self._failed(request))
                continue
            await self.app.handle(self._calibrated(request, method, magnitude))
            await self.app.handle(_recorded(request))
        return asked

    def _common(self, request: FitsUploaded) -> dict[str, Any]:
        return {
            "data_product_id": request.data_product_id,
            "calibration_id": request.calibration_request_id + 5,
            "calibration_request_id": request.calibration_request_id,
            "request_order": request.request_order,
            "purpose": request.purpose,
            "finished_at": START + timedelta(seconds=request.request_order),
        }

    def _failed(self, request: FitsUploaded) -> CalibrationFailed:
        return CalibrationFailed(
            **self._common(request),
            outcome=Outcome.NO_WCS,
            message="No WCS.",
            mid_exposure_mjd=self.mjd[request.data_product_id],
            method="psf-1",
            software_version="1.10.0",
            settings_version="1",
        )

    def _calibrated(
        self, request: FitsUploaded, method: str, magnitude: float
    ) -> PhotometryCalibrated:
        mjd = self.mjd[request.data_product_id]
        measured = Measurement(
            target_id=self.target.target_id,
            ra=65.0,
            dec=-54.9,
            x=10.0,
            y=10.0,
            flux=1000.0,
            flux_error=10.0,
            signal_to_noise=100.0,
            aperture_radius=5.0,
            magnitude=magnitude,
            magnitude_error=0.02,
            is_limit=False,
        )
        return PhotometryCalibrated(
            **self._common(request),
            outcome=Outcome.CALIBRATED,
            message="Calibrated.",
            owner_id=request.owner_id,
            camera_id=request.camera.camera_id,
            camera_version=1,
            facility="Obs",
            fingerprint="0" * 64,
            time=FrameTime(
                mid_exposure_mjd=mjd,
                bjd_tdb=mjd,
                exposure_time=60.0,
                time_as_reported="",
            ),
            quality=FrameQuality(),
            zero_point=ZeroPoint(
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
            method=method,
            software_version="1.9.0" if method == "aperture-1" else "1.10.0",
            settings_version="1",
            measurements=(measured,),
        )

    async def ask(self, **wanted: Any) -> httpx.Response:
        """Ask for a campaign on this target, or what is wanted."""
        body = {"selection": {"target_id": self.target.target_id}} | wanted
        return await self.app.client.post(PLACE, json=body, headers=self.owner.headers)

    async def step(self, number: int, times: int = 1) -> dict[str, Any]:
        """Make steps, as the jobs do; how it stands then."""
        for _ in range(times):
            async with self.app.context.database.unit_of_work() as unit:
                await steps.step(unit, number)
        return await self.shown(number)

    async def killed_step(self, number: int) -> None:
        """A step whose process ends before its transaction does."""
        async with self.app.context.database.unit_of_work() as unit:
            await steps.step(unit, number)
            raise ConnectionError

    async def shown(self, number: int) -> dict[str, Any]:
        answer = await self.app.get(self.owner, f"{PLACE}/{number}")
        found: dict[str, Any] = answer.json()
        return found

    async def go(self, number: int, what: str) -> httpx.Response:
        return await self.app.client.post(
            f"{PLACE}/{number}/{what}", headers=self.owner.headers
        )

    async def orders(self) -> list[int]:
        """The deciding request of each product."""
        found = []
        for number in self.products:
            row = await self.app.get(self.owner, f"/api/v1/data-products/{number}")
            assert row.json()["state"] == "done"
            found.append(row.json()["planes"][0]["request_order"])
        return found


def _recorded(request: FitsUploaded) -> PhotometryRecorded:
    disposition: Any = "recorded" if request.purpose == "record" else request.purpose
    return PhotometryRecorded(
        data_product_id=request.data_product_id,
        calibration_request_id=request.calibration_request_id,
        request_order=request.request_order,
        results=(
            RecordedRevision(
                target_id=request.target.target_id,
                disposition=disposition,
                point_id=4 if request.purpose == "record" else None,
            ),
        ),
        recorded_at=START + timedelta(seconds=request.request_order),
    )


@pytest.fixture
async def field(app: UploadApp) -> Field:
    owner = await app.add_user()
    return Field(app, owner, await app.add_target(), await app.add_camera())


async def test_a_campaign_is_previewed_compared_and_accepted(field: Field) -> None:
    await field.add(3)
    asked = await field.ask()
    assert asked.status_code == 201, asked.text
    number = asked.json()["recalibration_id"]
    assert asked.json()["state"] == "collecting"
    assert (await field.step(number))["state"] == "previewing"
    assert (await field.step(number))["counts"] == {"previewing": 3}
    previews = await field.answer("psf-1", 15.05)
    assert {request.purpose for request in previews} == {"preview"}
    assert {request.request_order for request in previews} == {2}
    assert all(request.background for request in previews)
    # Nothing has moved: the old request still decides.
    assert await field.orders() == [1, 1, 1]
    shown = await field.step(number)
    assert (shown["state"], shown["can"]) == ("previewed", ["accept", "discard"])
    assert shown["summary"]["median_difference"] == pytest.approx(0.05)
    assert (shown["summary"]["changed"], shown["summary"]["compared"]) == (3, 3)
    items = (await field.app.get(field.owner, f"{PLACE}/{number}/items")).json()
    (first, *_) = items["items"]
    assert first["pairs"][0]["old"]["method"] == "aperture-1"
    assert first["pairs"][0]["new"]["method"] == "psf-1"
    assert first["pairs"][0]["difference"] == pytest.approx(0.05)
    assert (await field.go(number, "accept")).json()["state"] == "accepting"
    await field.step(number)
    recordings = await field.answer("psf-1", 15.05)
    assert {request.purpose for request in recordings} == {"record"}
    repeated = {request.repeats_request_id for request in recordings}
    assert repeated == {request.calibration_request_id for request in previews}
    done = await field.step(number)
    assert (done["state"], done["counts"]) == ("done", {"done": 3})
    assert await field.orders() == [3, 3, 3]
    # Accepting twice is accepting once.
    assert (await field.go(number, "accept")).json()["state"] == "done"
    await field.step(number)
    assert await field.requests() == []


async def test_at_most_a_handful_is_asked_for_at_a_time(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "IN_FLIGHT", 2)
    monkeypatch.setattr(steps, "BATCH", 2)
    await field.add(5)
    number = (await field.ask()).json()["recalibration_id"]
    # Three steps collect two, two and one; the next one asks.
    for expected in (2, 4, 5):
        counts = (await field.step(number))["counts"]
        assert sum(counts.values()) == expected
    for _ in range(3):
        await field.step(number, times=3)
        assert len(await field.requests()) <= 2
        await field.answer("psf-1", 15.0)
    assert (await field.step(number))["state"] == "previewed"


async def test_a_step_that_is_repeated_asks_nobody_twice(field: Field) -> None:
    await field.add(2)
    number = (await field.ask()).json()["recalibration_id"]
    await field.step(number, times=5)
    assert len(await field.requests()) == 2
    await field.answer("psf-1", 15.0)
    await field.step(number, times=3)
    await field.go(number, "accept")
    await field.step(number, times=5)
    assert len(await field.requests()) == 2


async def test_a_step_that_is_killed_leaves_nothing_half_done(field: Field) -> None:
    await field.add(2)
    number = (await field.ask()).json()["recalibration_id"]
    for state in ("collecting", "previewing"):
        before = await field.shown(number)
        assert before["state"] == state
        with pytest.raises(ConnectionError):
            await field.killed_step(number)
        assert await field.shown(number) == before
        assert await field.requests() == []
        await field.step(number)
    assert len(await field.requests()) == 2


async def test_it_is_stopped_and_goes_on_where_it_was(field: Field) -> None:
    await field.add(2)
    number = (await field.ask()).json()["recalibration_id"]
    await field.step(number)
    assert (await field.go(number, "stop")).json()["can"] == ["discard", "resume"]
    await field.step(number, times=2)
    assert await field.requests() == []
    assert (await field.go(number, "resume")).json()["state"] == "previewing"
    assert (await field.go(number, "resume")).status_code == 409
    await field.step(number)
    assert len(await field.requests()) == 2
    await field.go(number, "stop")
    await field.answer("psf-1", 15.0)
    await field.go(number, "resume")
    assert (await field.step(number))["state"] == "previewed"
    assert (await field.go(number, "discard")).json()["state"] == "discarded"
    assert (await field.go(number, "accept")).status_code == 409
    await field.step(number)
    assert await field.orders() == [1, 1]


async def test_what_was_recorded_before_a_stop_is_told_when_it_is_discarded(
    field: Field,
) -> None:
    await field.add(2)
    number = (await field.ask(preview=False)).json()["recalibration_id"]
    await field.step(number, times=2)
    assert len(await field.answer("psf-1", 15.0)) == 2
    await field.go(number, "stop")
    told = (await field.go(number, "discard")).json()
    assert told["state"] == "discarded"
    assert "stays recorded" in told["message"]


async def test_nobody_has_any_number_under_way(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_AT_ONCE", 2)
    first = (await field.ask(idempotency_key="one")).json()["recalibration_id"]
    assert (await field.ask()).status_code == 201
    refused = await field.ask()
    assert refused.status_code == 409
    assert refused.json()["code"] == "too_many_recalibrations"
    # One that is known is given again, and a stopped one makes room.
    assert (await field.ask(idempotency_key="one")).status_code == 200
    await field.go(first, "stop")
    assert (await field.ask()).status_code == 201


async def test_the_same_key_is_the_same_campaign(field: Field) -> None:
    await field.add(1)
    first = await field.ask(idempotency_key="night-1")
    again = await field.ask(idempotency_key="night-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["recalibration_id"] == again.json()["recalibration_id"]
    other = await field.ask(idempotency_key="night-1", preview=False)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_used")
    without = [(await field.ask()).json()["recalibration_id"] for _ in range(2)]
    assert without[0] != without[1]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"from_mjd": 61002.0}, [1, 2]),
        ({"from_mjd": 61001.0, "until_mjd": 61002.0}, [0]),
        ({"passband": "r(GaiaSP)"}, [0, 1, 2]),
        ({"passband": "GaiaSP/V"}, []),
        ({"catalogue": "GaiaSP"}, [0, 1, 2]),
        ({"method_other_than": "aperture-1"}, []),
        ({"method_other_than": "psf-1"}, [0, 1, 2]),
        ({"settings_other_than": "1"}, []),
        ({"software_older_than": "1.10"}, [0, 1, 2]),
        ({"software_older_than": "1.9"}, []),
        ({"software_older_than": "1.9.0"}, []),
        ({"calibrated_before": "2026-10-31T00:00:00Z"}, []),
        ({"calibrated_before": "2026-11-02T00:00:00Z"}, [0, 1, 2]),
    ],
)
async def test_what_a_selection_takes(
    field: Field, selection: dict[str, Any], expected: list[int]
) -> None:
    await field.add(3)
    assert await _taken(field, selection) == expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"from_mjd": 61002.0}, [1, 2]),
        ({"until_mjd": 61003.0}, [0, 1]),
        ({"method_other_than": "psf-1"}, [0, 1]),
        ({"method_other_than": "aperture-1"}, [2]),
        ({"software_older_than": "1.10"}, [0, 1]),
        ({"software_older_than": "1.11"}, [0, 1, 2]),
        ({"catalogue": "GaiaSP"}, [0, 1]),
        ({"calibrated_before": "2026-11-02T00:00:00Z"}, [0, 1, 2]),
    ],
)
async def test_a_selection_takes_frames_that_failed_too(
    field: Field, selection: dict[str, Any], expected: list[int]
) -> None:
    await field.add(3, last_fails=True)
    assert await _taken(field, selection) == expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"passband": "r(GaiaSP)"}, [0, 1]),
        ({"catalogue": "GaiaSP"}, [0, 1]),
        ({"passband": "GaiaSP/V"}, []),
        ({"method_other_than": "psf-1"}, [0, 1]),
        # The failure of the last one counts as well.
        ({"method_other_than": "aperture-1"}, [1]),
        ({"until_mjd": 61002.0}, [0]),
    ],
)
async def test_a_frame_that_failed_since_is_taken_by_the_values_that_stand(
    field: Field, selection: dict[str, Any], expected: list[int]
) -> None:
    await field.add(2)
    retry = f"/api/v1/data-products/{field.products[1]}/retry"
    await field.app.client.post(retry, headers=field.owner.headers)
    assert len(await field.answer("psf-1", 15.0, fails=(field.products[1],))) == 1
    assert await _taken(field, selection) == expected


async def test_a_preview_never_stands(field: Field) -> None:
    await field.add(1)
    number = (await field.ask()).json()["recalibration_id"]
    await field.step(number, times=2)
    await field.answer("psf-1", 15.0)
    assert await _taken(field, {"method_other_than": "psf-1"}) == [0]
    assert await _taken(field, {"method_other_than": "aperture-1"}) == []


async def test_a_failure_without_a_time_counts_with_its_upload(field: Field) -> None:
    await field.add(1)
    await field.add(1, last_fails=True)
    async with field.app.context.database.unit_of_work() as unit:
        await unit.execute(update(plane_failures).values(mid_exposure_mjd=None))
    today = START.timestamp() / 86400 + 40587
    assert await _taken(field, {"from_mjd": today - 3650}) == [0, 1]
    assert await _taken(field, {"until_mjd": 61010.0}) == [0]


async def test_a_failure_that_tells_no_version_is_older_than_any(field: Field) -> None:
    await field.add(2)
    await field.add(1, last_fails=True)
    async with field.app.context.database.unit_of_work() as unit:
        await unit.execute(update(plane_failures).values(software_version=""))
    assert await _taken(field, {"software_older_than": "0.0"}) == [2]
    assert await _taken(field, {"software_older_than": "1.10"}) == [0, 1, 2]


@pytest.mark.parametrize(
    ("version", "than", "expected"),
    [
        ("", "0", True),
        ("1.9", "1.10", True),
        ("1.10", "1.9", False),
        ("1.9", "1.9", False),
        ("1.9", "1.9.0", True),
        ("1.10.0.dev3+g12", "1.10.1", True),
        ("9999999", "2", False),
        ("unknown", "2", False),
    ],
)
async def test_versions_are_compared_by_their_numbers(
    field: Field, version: str, than: str, expected: bool
) -> None:
    async with field.app.context.database.read() as connection:
        found = await connection.scalar(select(older(literal(version, Text()), than)))
    assert found is expected


async def _taken(field: Field, selection: dict[str, Any]) -> list[int]:
    """Which of the field's products a campaign takes."""
    wanted = {"camera_id": field.camera.camera.camera_id, **selection}
    number = (await field.ask(selection=wanted)).json()["recalibration_id"]
    await field.step(number)
    lines = recalibration_items.c
    statement = select(lines.data_product_id).where(lines.recalibration_id == number)
    async with field.app.context.database.read() as connection:
        found = (await connection.execute(statement)).scalars().all()
    return sorted(field.products.index(product) for product in found)


async def test_a_preview_that_fails_leaves_the_old_value(field: Field) -> None:
    await field.add(2)
    number = (await field.ask()).json()["recalibration_id"]
    await field.step(number, times=2)
    await field.answer("psf-1", 15.0, fails=(field.products[0],))
    shown = await field.step(number)
    assert shown["summary"]["only_old"] == 1
    items = (await field.app.get(field.owner, f"{PLACE}/{number}/items")).json()
    assert items["items"][0]["answers"][0]["outcome"] == "no_wcs"
    await field.go(number, "accept")
    await field.step(number)
    await field.answer("psf-1", 15.0)
    done = await field.step(number)
    assert (done["state"], done["counts"]) == ("done", {"skipped": 1, "done": 1})
    assert await field.orders() == [1, 3]


async def test_a_newer_request_is_not_overruled(field: Field) -> None:
    await field.add(2)
    number = (await field.ask()).json()["recalibration_id"]
    await field.step(number, times=2)
    await field.answer("psf-1", 15.0)
    await field.step(number)
    retry = f"/api/v1/data-products/{field.products[0]}/retry"
    await field.app.client.post(retry, headers=field.owner.headers)
    await field.answer("psf-1", 14.9)
    await field.go(number, "accept")
    await field.step(number)
    await field.answer("psf-1", 15.0)
    done = await field.step(number)
    assert done["counts"] == {"skipped": 1, "done": 1}
    # The retry is request 3, after the preview; the other product's recording too.
    assert await field.orders() == [3, 3]


async def test_without_a_preview_it_records_at_once(field: Field) -> None:
    await field.add(1)
    changes = {"filter": "GaiaSP/V", "newest_catalogue": True, "match_radius": 0}
    number = (await field.ask(preview=False, changes=changes)).json()[
        "recalibration_id"
    ]
    await field.step(number, times=2)
    (request,) = await field.answer("psf-1", 15.0)
    assert request.purpose == "record"
    assert request.parameters.requested_filter == "GaiaSP/V"
    assert request.parameters.newest_catalogue
    assert request.parameters.match_radius is None
    assert (await field.step(number))["state"] == "done"


async def test_only_one_s_own_and_only_administrators_others(field: Field) -> None:
    await field.add(1)
    app = field.app
    number = (await field.ask()).json()["recalibration_id"]
    stranger, admin = await app.add_user(), await app.add_user(is_admin=True)
    assert (await app.get(stranger, f"{PLACE}/{number}")).status_code == 404
    assert (await app.get(stranger, f"{PLACE}/{number}/items")).status_code == 404
    stopping = f"{PLACE}/{number}/stop"
    refused = await app.client.post(stopping, headers=stranger.headers)
    assert refused.status_code == 404
    assert (await app.get(stranger, PLACE)).json()["items"] == []
    assert (await app.get(admin, f"{PLACE}/{number}")).status_code == 200
    theirs = {"selection": {"owner_id": field.owner.user_id}}
    refused = await app.client.post(PLACE, json=theirs, headers=stranger.headers)
    assert refused.status_code == 403
    # The same target, asked for by somebody without frames of it, holds nothing.
    mine = {"selection": {"target_id": field.target.target_id}}
    empty = await app.client.post(PLACE, json=mine, headers=stranger.headers)
    found = empty.json()["recalibration_id"]
    async with app.context.database.unit_of_work() as unit:
        await steps.step(unit, found)
    assert (await app.get(stranger, f"{PLACE}/{found}")).json()["state"] == "done"
    everything = await app.client.post(PLACE, json=mine, headers=admin.headers)
    found = everything.json()["recalibration_id"]
    async with app.context.database.unit_of_work() as unit:
        await steps.step(unit, found)
    counts = (await app.get(admin, f"{PLACE}/{found}")).json()["counts"]
    assert counts == {"selected": 1}


async def test_a_preview_that_nobody_answers_is_asked_for_again(field: Field) -> None:
    await field.add(1)
    number = (await field.ask()).json()["recalibration_id"]
    await field.step(number, times=2)
    async with field.app.context.database.unit_of_work() as unit:
        await unit.execute(
            text(
                "UPDATE recalibration_items SET asked_at = now() - interval '1 hour' "
                "WHERE recalibration_id = :number"
            ),
            {"number": number},
        )
    await field.step(number, times=2)
    asked = await field.requests()
    assert len(asked) == 2
    assert asked[0] == asked[1]


async def test_an_answer_wakes_the_campaign_that_waits_for_it(field: Field) -> None:
    await field.add(1)
    number = (await field.ask()).json()["recalibration_id"]
    jobs = field.app.context.database.infrastructure.jobs
    mine = (jobs.c.kind == steps.STEP, jobs.c.dedupe_key == str(number))
    await field.step(number, times=2)
    async with field.app.context.database.unit_of_work() as unit:
        await unit.execute(jobs.delete().where(*mine))
    await field.answer("psf-1", 15.0)
    async with field.app.context.database.read() as connection:
        found = (await connection.execute(select(jobs).where(*mine))).all()
    assert [job.state for job in found] == ["ready"]
    assert found[0].priority < 0


LIMIT = {"magnitude": None, "magnitude_error": None, "is_limit": True}
POOR = int(PointFlag.POOR_ZERO_POINT)
# What differs from the line of a measured frame in the old and in the new answer; None
# where there is no line. Then what is changed.
COMPARED: tuple[tuple[Any, Any, set[str]], ...] = (
    ({}, {}, set()),
    ({}, {"method": "psf-2", "release": "dr4", "software_version": "2"}, set()),
    ({}, {"magnitude": 15.0009}, set()),
    ({}, {"magnitude": 14.9989}, {"magnitude"}),
    ({}, {"magnitude_error": 0.02019}, set()),
    ({}, {"magnitude_error": 0.0203}, {"error"}),
    ({}, {"magnitude_error": 0.0197}, {"error"}),
    ({}, {"magnitude_error": 0.2}, {"error"}),
    ({}, {"magnitude_error": None}, {"error"}),
    ({"magnitude_error": 0.0}, {"magnitude_error": 0.0}, set()),
    ({"magnitude_error": 0.0}, {"magnitude_error": 0.001}, {"error"}),
    ({}, {"flags": POOR}, {"flags"}),
    ({"flags": POOR | 1}, {"flags": 1}, {"flags"}),
    ({"flags": POOR}, {"flags": POOR}, set()),
    ({}, {"mid_exposure_mjd": 61000.0 + 1e-9}, set()),
    ({}, {"mid_exposure_mjd": 61000.0 + 0.001 / 86400}, {"time"}),
    ({}, {"mid_exposure_mjd": 61000.0 - 1 / 24}, {"time"}),
    ({}, {"limit_5_sigma": 19.4995}, set()),
    ({}, {"limit_5_sigma": 18.5}, {"limit"}),
    (LIMIT, LIMIT | {"limit_5_sigma": 18.5}, {"limit"}),
    (LIMIT, LIMIT | {"limit_5_sigma": None}, {"limit"}),
    (LIMIT | {"limit_5_sigma": None}, LIMIT, {"limit"}),
    (LIMIT, LIMIT, set()),
    (LIMIT, LIMIT | {"flags": POOR}, {"flags"}),
    ({}, LIMIT, {"outcome"}),
    (LIMIT, {}, {"outcome"}),
    ({}, {"is_limit": True}, {"outcome"}),
    ({"is_limit": True}, {"is_limit": True, "magnitude": 15.5}, {"magnitude"}),
    ({}, {"passband": "GaiaSP/V", "limit_5_sigma": 18.0}, {"passband"}),
    ({}, {"passband": "GaiaSP/V", "magnitude_error": 0.1}, {"passband", "error"}),
    ({}, {"magnitude": 16.0, "flags": 1}, {"magnitude", "flags"}),
    ({}, None, {"only_old"}),
    (None, {}, {"only_new"}),
    (None, LIMIT, {"only_new"}),
)


async def test_a_pair_and_its_summary_tell_the_same_changes(field: Field) -> None:
    await field.add(1)
    number = (await field.ask()).json()["recalibration_id"]
    await field.step(number, times=2)
    await field.answer("psf-1", 15.0)
    assert (await field.step(number))["state"] == "previewed"
    measured = {"mid_exposure_mjd": 61000.0, "limit_5_sigma": 19.5}
    async with field.app.context.database.unit_of_work() as unit:
        (line, *_) = await unit.execute(_lines_of(field.products[0]))
        await unit.execute(delete(plane_measurements))
        rows = [
            {**line._mapping, **measured, **given}
            | {"request_order": order, "target_id": case + 1}
            for case, (old, new, _) in enumerate(COMPARED)
            for order, given in ((1, old), (2, new))
            if given is not None
        ]
        await unit.execute(insert(plane_measurements), rows)
    page = (await field.app.get(field.owner, f"{PLACE}/{number}/items")).json()
    (item,) = page["items"]
    told = {pair["target_id"] - 1: set(pair["changes"]) for pair in item["pairs"]}
    assert [told[case] for case in range(len(COMPARED))] == [
        expected for _, _, expected in COMPARED
    ]
    assert all(pair["is_changed"] is bool(pair["changes"]) for pair in item["pairs"])
    counted = (await field.app.get(field.owner, f"{PLACE}/{number}")).json()["summary"]
    assert counted["pairs"] == len(COMPARED)
    assert counted["changed"] == sum(bool(expected) for _, _, expected in COMPARED)
    async with field.app.context.database.read() as connection:
        pairs = pairs_of(number)
        rows_in_sql = (await connection.execute(select(pairs))).all()
    in_sql = {
        row.target - 1: {name for name in CHANGES if getattr(row, name)}
        for row in rows_in_sql
    }
    assert in_sql == told
    for name, label in CHANGES.items():
        assert counted[label] == sum(name in found for found in told.values()), name


def _lines_of(product: int) -> Any:
    return (
        select(plane_measurements)
        .where(plane_measurements.c.data_product_id == product)
        .order_by(plane_measurements.c.request_order)
    )


# Old and new [mag] of a product each; the second item is another passband's new value.
SUMMARISED: tuple[dict[str, Any], ...] = (
    {"old": 15.0, "new": 15.01},
    {"old": 15.0, "new": 15.03, "magnitude_error": 0.01},
    {"old": 15.0, "new": 15.0002},
    {"old": 15.0, "new": 14.0, "passband": "GaiaSP/V"},
    {"old": 15.0, "new": None},
    {"old": "gone", "new": 15.0},
    {"old": 15.0, "new": "gone"},
    {"old": 15.0, "new": 14.5},
)


async def test_a_summary_counts_what_light_curves_would_show(field: Field) -> None:
    await field.add(len(SUMMARISED))
    number = (await field.ask()).json()["recalibration_id"]
    for _ in range(2):
        await field.step(number)
    await field.answer("psf-1", 15.0)
    assert (await field.step(number))["state"] == "previewed"
    async with field.app.context.database.unit_of_work() as unit:
        for product, case in zip(field.products, SUMMARISED, strict=True):
            for order, which in ((1, "old"), (2, "new")):
                await unit.execute(_rewritten(product, order, case, which))
    found = (await field.app.get(field.owner, f"{PLACE}/{number}")).json()["summary"]
    assert (found["pairs"], found["changed"], found["compared"]) == (8, 7, 4)
    assert (found["passband_changed"], found["outcome_changed"]) == (1, 1)
    assert (found["only_old"], found["only_new"]) == (1, 1)
    assert (found["magnitude_changed"], found["error_changed"]) == (3, 1)
    # Differences 0.01, 0.03, 0.0002 and -0.5; robust scatter is 1.4826 MAD.
    assert found["median_difference"] == pytest.approx(0.0051)
    assert found["scatter"] == pytest.approx(1.4826 * (0.0049 + 0.0249) / 2)
    assert found["worst_difference"] == pytest.approx(-0.5)
    assert found["worst_data_product_id"] == field.products[-1]
    assert found["median_error_ratio"] == pytest.approx(1.0)


def _rewritten(product: int, order: int, case: dict[str, Any], which: str) -> Any:
    """The stored line of a request, with what the case says."""
    lines = plane_measurements
    mine = (lines.c.data_product_id == product, lines.c.request_order == order)
    if case[which] == "gone":
        return delete(lines).where(*mine)
    changes = {"magnitude": case[which], "is_limit": case[which] is None}
    if which == "new":
        changes |= {name: case[name] for name in case if name not in ("old", "new")}
    return update(lines).where(*mine).values(**changes)


async def test_nothing_compared_has_no_summary(field: Field) -> None:
    await field.add(1)
    number = (await field.ask()).json()["recalibration_id"]
    found = (await field.app.get(field.owner, f"{PLACE}/{number}")).json()
    assert found["summary"] is None
