"""Tests' way to drive cpcs without a broker: events go in and out by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from sqlalchemy import select

from bhtom_contracts.base import Payload
from bhtom_contracts.events.cameras import CameraChanged, CameraPin, Site
from bhtom_contracts.events.frames import (
    CalibrationParameters,
    DataProductChanged,
    FitsUploaded,
    TargetPin,
)
from bhtom_contracts.events.targets import TargetChanged, TargetPosition
from bhtom_cpcs.calibrations import service, store
from bhtom_cpcs.calibrations.domain import Move
from bhtom_cpcs.calibrations.reduced import (
    FinishedReduction,
    KeptFiles,
    ReducedFrame,
    ReducedPlane,
)
from bhtom_cpcs.calibrations.store import NewCalibration
from bhtom_cpcs.decisions.collecting import collect
from bhtom_cpcs.decisions.service import DECIDE
from bhtom_cpcs.science.decisions import Decisions
from bhtom_cpcs.settings import CpcsSettings
from bhtom_runtime.service import Context, Job, Parts
from bhtom_runtime.testing import TOKENS, USERS, deliver

BEGIN: Final = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
CENTRE: Final = (150.0, -24.0)
PATIENCE_S: Final = 120
TARGET_OWNER: Final = 6
_SHA: Final = "d" * 64


@dataclass
class Cpcs:
    """The service under test, and what a test does with it."""

    context: Context
    parts: Parts
    client: httpx.AsyncClient
    settings: CpcsSettings

    async def deliver(self, *payloads: Payload, traceparent: str | None = None) -> None:
        """Hand events to their handlers, as the consumer does."""
        await deliver(
            self.context.database,
            self.parts.subscriptions,
            *payloads,
            traceparent=traceparent,
        )

    async def events(self, product: int) -> list[dict[str, Any]]:
        """What was told about a product, in order."""
        outbox = self.context.database.infrastructure.outbox
        statement = (
            select(outbox.c.topic, outbox.c.body, outbox.c.traceparent)
            .where(outbox.c.key == str(product))
            .order_by(outbox.c.id)
        )
        async with self.context.database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return [
            {
                "topic": row.topic,
                "traceparent": row.traceparent,
                **json.loads(row.body),
            }
            for row in rows
        ]

    async def until(
        self, holds: Callable[[], Awaitable[bool]], what: str = "condition"
    ) -> None:
        """Wait for a condition on the database."""
        async with asyncio.timeout(PATIENCE_S):
            async for _ in self.context.notifications.subscribe():
                if await holds():
                    return
        raise AssertionError(f"the service stopped before {what} came about")

    async def answered(self, product: int, count: int = 1) -> list[dict[str, Any]]:
        """The product's events, once there are `count` of them."""

        async def enough() -> bool:
            return len(await self.events(product)) >= count

        await self.until(enough, f"event {count} of product {product}")
        return await self.events(product)

    async def store_frame(self, frame: bytes) -> str:
        """Put a file where upload puts it; its sha256."""

        async def chunks() -> AsyncIterator[bytes]:
            yield frame

        return (await self.context.objects.write("frames", chunks())).sha256

    def headers(self, who: str) -> dict[str, str]:
        """What a user's client sends."""
        return {"Authorization": f"Token {TOKENS[who]}"}


def request_for(sha256: str, number: int, **changes: Any) -> FitsUploaded:
    """Request `number` of product `number`, unless told otherwise."""
    values: dict[str, Any] = {
        "data_product_id": number,
        "calibration_request_id": 10 * number,
        "request_order": 1,
        "purpose": "record",
        "owner_id": USERS["owner"],
        "observers": ("owner",),
        "target": TargetPin(
            target_id=11,
            name="Star",
            position=TargetPosition(ra=CENTRE[0], dec=CENTRE[1], epoch=2016.0),
        ),
        "camera": CameraPin(
            camera_id=5,
            camera_version=2,
            oname="Hill_CCD",
            observatory_name="Hill",
            site=Site(longitude=-70.4, latitude=-24.6, altitude=2400.0),
            gain=1.5,
            readout_noise=8.0,
            saturation_level=60000.0,
            pixel_scale=1.2,
        ),
        "parameters": CalibrationParameters(requested_filter="GaiaSP/any"),
        "sha256": sha256,
        "size_bytes": 1000,
        "file_name": "field.fits",
        "uploaded_at": BEGIN,
    }
    return FitsUploaded(**(values | changes))


def target_snapshot(**changes: Any) -> TargetChanged:
    """The target of the requests above, as core tells of it."""
    values: dict[str, Any] = {
        "aggregate_version": 1,
        "target_id": 11,
        "name": "Star",
        "position": TargetPosition(ra=CENTRE[0], dec=CENTRE[1]),
        "owner_id": TARGET_OWNER,
        "created_at": BEGIN,
        "modified_at": BEGIN,
    }
    return TargetChanged(**(values | changes))


def camera_snapshot(camera: CameraPin) -> CameraChanged:
    """A camera in use, as core tells of it."""
    return CameraChanged(
        aggregate_version=3,
        camera=camera,
        observatory_id=1,
        camera_name="CCD",
        owner_id=1,
        approval="approved",
        active=True,
        created_at=BEGIN,
        modified_at=BEGIN,
    )


async def keep_calibrations(
    cpcs: "Cpcs", request: FitsUploaded, results: Sequence[dict[str, Any]]
) -> None:
    """Store an answered request with the results of its planes."""
    now = datetime.now(UTC)
    async with cpcs.context.database.unit_of_work() as uow:
        await store.insert_request(uow, request)
        for plane, result in enumerate(results):
            calibration = NewCalibration(
                id=await store.next_calibration_id(uow),
                calibration_request_id=request.calibration_request_id,
                plane=plane,
                plane_count=len(results),
                outcome=result["outcome"],
                message="",
                started_at=now,
                finished_at=now,
                reduction_time_s=1.0,
                fingerprint=None,
                software_version="0.1.0",
                settings_version="1",
                plot_key=None,
                explanation_key=None,
                result=result,
                answer_topic="photometry.calibrated",
                answer={},
            )
            await store.keep_calibration(uow, calibration)
        known = await store.lock_request(uow, request.calibration_request_id)
        assert known is not None  # noqa: S101 - it was inserted above
        await store.move(uow, known, Move.ANSWER)


def calibrated_result(mjd: float = 61100.2, **measured: Any) -> dict[str, Any]:
    """A calibrated plane as the reduction's JSON tells it."""
    measurement = {
        "target_id": 11,
        "outcome": "calibrated",
        "message": "",
        "ra_deg": CENTRE[0],
        "dec_deg": CENTRE[1],
        "x_px": 128.0,
        "y_px": 128.0,
        "fitted_ra_deg": CENTRE[0],
        "fitted_dec_deg": CENTRE[1],
        "fitted_ra_error_arcsec": 0.05,
        "fitted_dec_error_arcsec": 0.05,
        "flux_adu": 5000.0,
        "flux_error_adu": 50.0,
        "signal_to_noise": 100.0,
        "aperture_radius_px": 4.0,
        "magnitude": 16.4,
        "magnitude_error": 0.02,
        "limit_3sigma": 20.0,
        "limit_5sigma": 19.5,
        "limit_definition": "forced",
        "is_limit": False,
        "flags": [],
        "error_budget_mag": {},
    }
    return {
        "plane": 0,
        "plane_count": 1,
        "outcome": "calibrated",
        "message": "",
        "timing": {
            "mid_exposure_mjd_utc": mjd,
            "bjd_tdb": mjd + 2400000.5,
            "exposure_time_s": 60.0,
            "time_as_reported": "",
            "time_scale": "UTC",
            "air_mass": 1.2,
            "flags": [],
        },
        "filter": {
            "card": "R",
            "card_band": None,
            "disagrees": None,
            "shown": ["GaiaSP/r"],
        },
        "wcs": {
            "centre_ra_deg": CENTRE[0],
            "centre_dec_deg": CENTRE[1],
            "radius_deg": 0.1,
            "n_matched": 120,
        },
        "quality": {},
        "zero_point": {
            "passband": "GaiaSP/r",
            "value": 25.0,
            "error": 0.01,
            "scatter": 0.03,
            "n_stars": 100,
            "n_matched": 120,
            "outlier_fraction": 0.1,
            "matching_radius_arcsec": 2.0,
            "flags": [],
            "ranking": [
                {
                    "passband": f"GaiaSP/{band}",
                    "ranked": True,
                    "intrinsic_scatter_mag": scatter,
                }
                for band, scatter in (("g", 0.09), ("r", 0.03), ("i", 0.05))
            ],
        },
        "provenance": {
            "software_version": "1",
            "method": "psf-1",
            "catalogue_name": "GaiaSP",
            "catalogue_release": "sim+1",
            "tile_hashes": [],
        },
        "measurements": [measurement | measured],
    }


def request_of(number: int, camera: int, target: int, **changes: Any) -> FitsUploaded:
    """Product `number` of a camera and a target that only one test has."""
    base = request_for(_SHA, number)
    return request_for(
        _SHA,
        number,
        camera=base.camera.model_copy(update={"camera_id": camera}),
        target=TargetPin(
            target_id=target,
            name="Star",
            position=TargetPosition(ra=CENTRE[0], dec=CENTRE[1]),
        ),
        **changes,
    )


async def answer(cpcs: Cpcs, asked: FitsUploaded, **changes: Any) -> None:
    """Deliver a request and answer it with one calibrated plane."""
    await cpcs.deliver(asked)
    plane = calibrated_result(target_id=asked.target.target_id)
    for name, values in changes.items():
        if name == "measured":
            plane["measurements"][0].update(values)
        else:
            plane[name] = {**plane.get(name, {}), **values}
    now = datetime.now(UTC)
    frame = ReducedFrame((ReducedPlane(plane),), "f" * 64, 0.5)
    async with cpcs.context.database.unit_of_work() as uow:
        await service.answer(
            uow,
            asked.calibration_request_id,
            FinishedReduction(frame, (KeptFiles(),), now, now, "1"),
        )


async def decide(cpcs: Cpcs) -> None:
    """Run the deciding job as a worker would."""
    (kind,) = [kind for kind in cpcs.parts.job_kinds if kind.name == DECIDE]
    effect = await kind.run(Job(1, DECIDE, {}, 1, 5, "", None))
    if effect is not None:
        async with cpcs.context.database.unit_of_work() as uow:
            await effect(uow)


async def collected(
    cpcs: Cpcs, asked: FitsUploaded, mjd: float | None = None
) -> Decisions:
    """What a request would be tied to now."""
    async with cpcs.context.database.read() as connection:
        return await collect(connection, asked, mjd)


async def rows_of(cpcs: Cpcs, table: Any, *conditions: Any) -> list[Any]:
    """Rows of a table."""
    async with cpcs.context.database.read() as connection:
        return list((await connection.execute(select(table).where(*conditions))).all())


def product_snapshot(asked: FitsUploaded, **changes: Any) -> DataProductChanged:
    """The product of a request, as upload tells of it."""
    values: dict[str, Any] = {
        "aggregate_version": 1,
        "data_product_id": asked.data_product_id,
        "kind": asked.kind,
        "state": "done",
        "message": "",
        "owner_id": asked.owner_id,
        "target_id": asked.target.target_id,
        "camera_id": asked.camera.camera_id,
        "dry_run": False,
        "file_name": asked.file_name,
        "sha256": asked.sha256,
        "size_bytes": asked.size_bytes,
        "visibility": asked.visibility,
        "created_at": BEGIN,
    }
    return DataProductChanged(**(values | changes))
