"""Who sees what: every combination, and every path of change to it."""

import itertools
import random
from typing import Any

import pytest
from sqlalchemy import select

from bhtom_contracts.events.frames import (
    FrameQuality,
    FrameTime,
    Measurement,
    PhotometryCalibrated,
    ZeroPoint,
)
from bhtom_contracts.outcomes import Outcome
from bhtom_core.light_curves.tables import light_curves, points
from bhtom_core.targets.tables import targets

LATER, BEFORE = "2999-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
SHARING: dict[str, dict[str, Any]] = {
    "public": {},
    "embargoed": {"embargo_until": LATER},
    "embargo over": {"embargo_until": BEFORE},
    "groups": {"visibility": "groups"},
    "private": {"visibility": "private"},
}
SEEN_BY_ALL = {"public", "embargo over"}
_numbers = itertools.count(1)


def frame(target_id: int, owner_id: int, **changes: Any) -> PhotometryCalibrated:
    number = next(_numbers)
    one = Measurement(
        target_id=target_id,
        ra=1.0,
        dec=2.0,
        x=3.0,
        y=4.0,
        flux=5.0,
        flux_error=1.0,
        signal_to_noise=5.0,
        aperture_radius=6.0,
        magnitude=10.0 + number / 1000,
        magnitude_error=0.1,
        is_limit=False,
    )
    passband = ZeroPoint(
        passband="GaiaSP/g",
        value=25.0,
        error=0.01,
        scatter=0.02,
        matched_stars=50,
        used_stars=40,
        outlier_fraction=0.1,
        matching_radius=1.0,
        catalogue="GaiaSP",
        release="dr3",
    )
    fields: dict[str, Any] = {
        "data_product_id": number,
        "calibration_id": number,
        "calibration_request_id": number,
        "request_order": number,
        "purpose": "record",
        "outcome": Outcome.CALIBRATED,
        "message": "",
        "finished_at": "2026-01-01T00:00:00Z",
        "owner_id": owner_id,
        "camera_id": 1,
        "camera_version": 1,
        "facility": "X_Y",
        "fingerprint": f"{number:064x}",
        "time": FrameTime(
            mid_exposure_mjd=60000.0 + number,
            bjd_tdb=60000.0 + number,
            exposure_time=1.0,
            time_as_reported="",
        ),
        "quality": FrameQuality(),
        "zero_point": passband,
        "method": "m",
        "software_version": "1",
        "settings_version": "1",
        "measurements": (one,),
        **changes,
    }
    return PhotometryCalibrated(**fields)


async def sees(core, target_id: int, person) -> list[dict[str, Any]] | None:
    """The points on the light curve of a reader; checks that he is told their count."""
    async with core.client(person) as client:
        path = f"/api/v1/targets/{target_id}"
        shown = await client.get(path)
        curve = await client.get(f"{path}/light-curve")
    assert shown.status_code == curve.status_code
    if shown.status_code == 404:
        return None
    found: list[dict[str, Any]] = curve.json()["points"]
    summary = shown.json()["light_curve"]
    assert summary["point_count"] == len(found)
    magnitudes = [point["value"] for point in found]
    assert summary["last_magnitude"] == (magnitudes[-1] if magnitudes else None)
    return found


@pytest.mark.parametrize("of_target", SHARING)
async def test_the_narrowest_of_target_and_product_counts(core, of_target: str) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    bob, root = await core.person("bob"), await core.person("root", admin=True)
    target_id = (await core.target(ada, **SHARING[of_target]))["target_id"]
    product_of = {}
    for of_product, sharing in SHARING.items():
        for owner in (ada, eve):
            event = frame(target_id, owner.user_id, **sharing)
            product_of[event.data_product_id] = (of_product, owner)
            await core.handle(event)
    for reader in (None, ada, eve, bob, root):
        found = await sees(core, target_id, reader)
        if reader not in (ada, root) and of_target not in SEEN_BY_ALL:
            assert found is None
            continue
        expected = {
            product
            for product, (sharing, owner) in product_of.items()
            if reader in (root, owner) or sharing in SEEN_BY_ALL
        }
        assert found is not None
        assert {point["data_product_id"] for point in found} == expected


async def check_invariants(core, target_id: int, readers: list[Any]) -> None:
    """What must hold whatever was done in whatever order."""
    async with core.database.read() as connection:
        here = points.c.target_id == target_id
        rows = (await connection.execute(select(points).where(here))).all()
        target = (
            await connection.execute(
                select(targets).where(targets.c.target_id == target_id)
            )
        ).one()
        kept = await connection.scalar(
            select(light_curves.c.point_count).where(
                light_curves.c.target_id == target_id
            )
        )
    assert (kept or 0) == sum(row.listed for row in rows)
    for row in rows:
        told = row.listed and target.visibility == "public"
        assert row.published_revision == (row.current_revision if told else None)
    for reader in readers:
        found = await sees(core, target_id, reader)
        if found is None:
            continue
        by_id = {row.point_id: row for row in rows}
        shown = [by_id[point["point_id"]] for point in found]
        assert not any(row.hidden_at for row in shown)
        groups = [row.fingerprint for row in shown]
        assert len(groups) == len(set(groups)), "two copies of one frame are shown"
        # A frame of which something may be seen is not lost.
        for row in rows:
            mine = reader is not None and row.owner_id == reader.user_id
            may = mine or row.product_visibility == "public"
            if may and row.hidden_at is None:
                assert row.fingerprint in groups


@pytest.mark.parametrize("seed", range(3))
async def test_any_path_of_changes_keeps_the_invariants(core, seed: int) -> None:
    chance = random.Random(seed)
    people = [await core.person() for _ in range(3)]
    target_id = (await core.target(people[0]))["target_id"]
    path = f"/api/v1/targets/{target_id}"
    fingerprints = [f"{seed}{number:063x}" for number in range(4)]
    sent: list[PhotometryCalibrated] = []
    for _ in range(40):
        step = chance.choice(["new", "new", "again", "newer", "hide", "share"])
        if step == "new" or not sent:
            event = frame(
                target_id,
                chance.choice(people).user_id,
                fingerprint=chance.choice(fingerprints),
                visibility=chance.choice(["public", "public", "private"]),
            )
            sent.append(event)
            await core.handle(event)
        elif step == "again":
            await core.handle(chance.choice(sent))
        elif step == "newer":
            old = chance.choice(sent)
            event = frame(
                target_id,
                old.owner_id,
                data_product_id=old.data_product_id,
                fingerprint=old.fingerprint,
                visibility=chance.choice(["public", "private"]),
                request_order=chance.choice([0, 10**6]) + next(_numbers),
            )
            await core.handle(event)
        elif step == "hide":
            async with core.database.read() as connection:
                here = points.c.target_id == target_id
                rows = (await connection.execute(select(points).where(here))).all()
            row = chance.choice(rows)
            what = "hide" if row.hidden_at is None else "unhide"
            owner = next(p for p in people if p.user_id == row.owner_id)
            async with core.client(owner) as client:
                url = f"/api/v1/points/{row.point_id}/{what}"
                answer = await client.post(url, json={"reason": "why"})
            assert answer.status_code in (200, 404)
        else:
            visibility = chance.choice(["public", "private"])
            async with core.client(people[0]) as client:
                await client.patch(path, json={"visibility": visibility})
        await core.run_jobs()
    await check_invariants(core, target_id, [None, *people])
    async with core.client(people[0]) as client:
        await client.patch(path, json={"visibility": "public"})
    await core.run_jobs()
    await check_invariants(core, target_id, [None, *people])
    told: dict[int, int] = {}
    withdrawn = await core.events("photometry.withdrawn", target_id)
    for event in await core.events("photometry.published", target_id):
        told[event["point_id"]] = told.get(event["point_id"], 0) + 1
    for event in withdrawn:
        assert told[event["point_id"]] > 0
