"""A new method, zero point or catalogue on many frames: revisions, never points."""

from typing import Any

from sqlalchemy import func, select

from bhtom_contracts.events.calibrations import PhotometryCalibrated
from bhtom_core.light_curves.tables import point_revisions, points
from bhtom_core.testing import calibrated, measurement

FRAMES = 50


async def counted(core: Any, target_id: int) -> tuple[int, int]:
    """Points of a target, and all their revisions."""
    mine = points.c.target_id == target_id
    revisions = (
        select(func.count())
        .select_from(point_revisions)
        .join(points, points.c.point_id == point_revisions.c.point_id)
        .where(mine)
    )
    async with core.database.read() as connection:
        return (
            int(await connection.scalar(select(func.count()).where(mine)) or 0),
            int(await connection.scalar(revisions) or 0),
        )


def again(
    first: PhotometryCalibrated, target_id: int, magnitude: float, **changes: Any
) -> PhotometryCalibrated:
    """The same frame under its next request."""
    order = int(changes.pop("request_order"))
    passband = changes.pop("passband", "GaiaSP/r")
    catalogue, release = changes.pop("catalogue", ("GaiaSP", "dr3"))
    zero_point = first.zero_point.model_copy(
        update={
            "value": 25.0 + 0.1 * order,
            "passband": passband,
            "catalogue": catalogue,
            "release": release,
        }
    )
    return calibrated(
        first.owner_id,
        measurement(target_id, magnitude),
        data_product_id=first.data_product_id,
        fingerprint=first.fingerprint,
        time=first.time,
        calibration_request_id=first.calibration_request_id + order,
        calibration_id=first.calibration_id + order,
        request_order=order,
        zero_point=zero_point,
        **changes,
    )


async def test_method_changes_on_fifty_frames_add_revisions_and_no_point(
    core: Any,
) -> None:
    ada = await core.person("ada")
    target_id = (await core.target(ada))["target_id"]
    frames = [
        calibrated(ada.user_id, measurement(target_id, 15.0), method="aperture-1")
        for _ in range(FRAMES)
    ]
    for event in frames:
        await core.handle(event)
    assert await counted(core, target_id) == (FRAMES, FRAMES)
    hidden = (await core.light_curve(target_id))["points"][0]["point_id"]
    async with core.client(ada) as client:
        path = f"/api/v1/points/{hidden}/hide"
        done = await client.post(path, json={"reason": "cloud"})
        assert done.status_code == 200, done.text
    preview = [
        again(
            event, target_id, 14.0, request_order=2, method="psf-1", purpose="preview"
        )
        for event in frames
    ]
    psf = [again(e, target_id, 15.1, request_order=3, method="psf-1") for e in frames]
    catalogue = [
        again(
            event,
            target_id,
            15.2,
            request_order=4,
            method="psf-1",
            passband="REFCAT2/r",
            catalogue=("REFCAT2", "1+2"),
        )
        for event in frames
    ]
    for events, revisions in ((preview, 1), (psf, 2), (catalogue, 3)):
        for event in (*events, *events[:5]):  # some come twice
            await core.handle(event)
        assert await counted(core, target_id) == (FRAMES, revisions * FRAMES)
    shown = (await core.light_curve(target_id))["points"]
    assert len(shown) == FRAMES - 1
    assert hidden not in {point["point_id"] for point in shown}
    assert {point["value"] for point in shown} == {15.2}
