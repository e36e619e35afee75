"""The report card of a camera, from stored calibrations."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from bhtom_contracts.events.cameras import CameraChanged
from bhtom_cpcs.camera_reports.proposing import PROPOSE
from bhtom_cpcs.camera_reports.tables import CAMERA_PROPOSALS
from bhtom_cpcs.decisions.service import take_evidence
from bhtom_cpcs.testing import (
    BEGIN,
    Cpcs,
    calibrated_result,
    camera_snapshot,
    keep_calibrations,
    product_snapshot,
    request_for,
    request_of,
    target_snapshot,
)
from bhtom_runtime.service import Job

PATH = "/api/v1/calibrations/cameras/5/report"
SHA = "c" * 64


async def keep(
    cpcs: Cpcs,
    product: int,
    order: int,
    *,
    asked: dict[str, Any] | None = None,
    **parts: Any,
) -> None:
    """Store a calibrated plane of the camera."""
    result = {
        "outcome": "calibrated",
        "timing": {
            "mid_exposure_mjd_utc": 61000.1 + product % 3,
            "exposure_time_s": 60.0,
        },
        "quality": {
            "fwhm_arcsec": 2.5,
            "gain_source": "camera",
            "sky_level_adu": 100.0 * (product % 10),
            "sky_variance_adu2": 100.0 * (product % 10) / 2.1 + 20.0,
        },
        "wcs": {"pixel_scale_arcsec": 1.2001, "n_matched": 40},
        "zero_point": {
            "passband": "GaiaSP/r",
            "value": 24.0,
            "error": 0.004,
            "ranking": [{"passband": "GaiaSP/r"}],
            "colour_term": {
                "blue": "GaiaSP/g",
                "red": "GaiaSP/r",
                "value": 0.05,
                "error": 0.01,
                "n_stars": 30,
            },
        },
        "provenance": {"software_version": "0.1.0"},
        "measurements": [{"limit_5sigma": 19.0}],
        **parts,
    }
    request = request_for(
        SHA,
        product,
        request_order=order,
        calibration_request_id=10 * product + order,
        **(asked or {}),
    )
    await keep_calibrations(cpcs, request, [result])


def camera() -> CameraChanged:
    return camera_snapshot(request_for(SHA, 1).camera)


async def test_a_camera_is_reported_on_and_nothing_changes_by_it(cpcs: Cpcs) -> None:
    headers = cpcs.headers("owner")
    assert (await cpcs.client.get(PATH)).status_code == 401
    assert (await cpcs.client.get(PATH, headers=headers)).status_code == 404
    await cpcs.deliver(camera())
    early = await cpcs.client.get(PATH, headers=headers)
    assert early.json()["code"] == "no_frames"
    for product in range(900, 906):
        await keep(cpcs, product, 1)
    await keep(cpcs, 906, 1, outcome="too_few_stars", zero_point=None)
    # A re-calibration takes the place of what it replaces.
    await keep(cpcs, 905, 2, quality={"fwhm_arcsec": 3.5})
    report = (await cpcs.client.get(PATH, headers=headers)).json()
    assert (report["planes"], report["nights"]) == (7, 3)
    assert report["outcomes"] == {"calibrated": 6, "too_few_stars": 1}
    figures = {figure["name"]: figure for figure in report["figures"]}
    assert figures["gain"]["stated"] == 1.5
    assert round(figures["gain"]["measured"], 6) == 2.1
    assert figures["gain"]["frames"] == 5
    assert "disagree" in figures["gain"]["sentence"]
    assert "agree with" in figures["pixel_scale"]["sentence"]
    (term,) = report["colour_terms"]
    assert (term["passband"], term["frames"]) == ("GaiaSP/r", 6)
    changes = report["proposal"]["changes"]
    assert changes["gain"] == 2.1
    assert "pixel_scale" not in changes
    assert changes["learned"]["limits"][0]["limit_5_sigma"] == 19.0
    told = "From 6 frames of 3 nights: 1 colour term, 1 limiting magnitude."
    assert changes["note"].endswith(told)
    learned = changes["learned"]
    assert (learned["first_mjd"], learned["last_mjd"]) == (60990.0, 61020.0)


async def test_a_card_counts_private_frames_and_tells_of_none(cpcs: Cpcs) -> None:
    base = request_for(SHA, 1)
    pin = base.camera.model_copy(update={"camera_id": 51})
    target = base.target.model_copy(update={"target_id": 5101})
    await cpcs.deliver(
        camera().model_copy(update={"camera": pin}), target_snapshot(target_id=5101)
    )
    path = PATH.replace("/5/", "/51/")
    place = {"camera": pin, "target": target}
    for product in range(910, 916):
        seen = {} if product in (912, 913) else {"visibility": "private"}
        await keep(cpcs, product, 1, asked={**place, **seen})

    async def card(who: str) -> Any:
        return (await cpcs.client.get(path, headers=cpcs.headers(who))).json()

    mine, theirs = await card("owner"), await card("other")
    assert (mine["first_mjd"], mine["last_mjd"]) == (61000.1, 61002.1)
    assert (theirs["first_mjd"], theirs["last_mjd"]) == (61000.1, 61001.1)
    for name in ("planes", "nights", "figures", "colour_terms", "proposal"):
        assert mine[name] == theirs[name]
    assert theirs["planes"] == 6
    await cpcs.deliver(
        *[
            product_snapshot(
                request_for(SHA, product, **place),
                visibility="private",
                deleted_at=BEGIN if product == 915 else None,
            )
            for product in range(910, 916)
        ]
    )
    mine, theirs = await card("owner"), await card("other")
    assert (mine["planes"], theirs["planes"]) == (5, 5)
    assert (theirs["first_mjd"], theirs["last_mjd"]) == (None, None)


async def proposals(cpcs: Cpcs, camera_id: int) -> list[dict[str, Any]]:
    """Let the job look once, and give what core was told of a camera."""
    (kind,) = [kind for kind in cpcs.parts.job_kinds if kind.name == PROPOSE]
    effect = await kind.run(Job(1, PROPOSE, {}, 1, 5, "", None))
    if effect is not None:
        async with cpcs.context.database.unit_of_work() as uow:
            await effect(uow)
    return [
        event
        for event in await cpcs.events(camera_id)
        if event["topic"] == "camera.proposed"
    ]


async def age(cpcs: Cpcs) -> None:
    """Let a day pass since cameras were looked at."""
    async with cpcs.context.database.unit_of_work() as uow:
        await uow.execute(
            update(CAMERA_PROPOSALS).values(
                looked_at=CAMERA_PROPOSALS.c.looked_at - timedelta(days=1)
            )
        )


async def test_core_is_told_what_a_camera_could_be_when_frames_tell_more(
    cpcs: Cpcs,
) -> None:
    camera_id = 700_052
    pin = request_for(SHA, 1).camera.model_copy(update={"camera_id": camera_id})
    await cpcs.deliver(camera().model_copy(update={"camera": pin}))

    async def add(product: int) -> None:
        await keep(cpcs, product, 1, asked={"camera": pin})
        asked = request_of(product, camera_id, 11)
        plane = calibrated_result(61000.1 + product % 3)
        async with cpcs.context.database.unit_of_work() as uow:
            await take_evidence(uow, asked, 1_000_000 + product, plane)

    for product in range(920, 924):
        await add(product)
    assert await proposals(cpcs, camera_id) == []
    for product in range(924, 926):
        await add(product)
    assert await proposals(cpcs, camera_id) == []  # once a day
    await age(cpcs)
    (told,) = await proposals(cpcs, camera_id)
    assert (told["camera_version"], told["gain"]) == (2, 2.1)
    assert (told["learned"]["frames"], told["pixel_scale"]) == (6, None)
    report = (
        await cpcs.client.get(
            PATH.replace("/5/", f"/{camera_id}/"), headers=cpcs.headers("owner")
        )
    ).json()
    assert report["proposal"]["changes"]["learned"] == told["learned"]
    # Without new frames it is not told again, and with them when it says more.
    await age(cpcs)
    assert len(await proposals(cpcs, camera_id)) == 1
    await add(926)
    assert len(await proposals(cpcs, camera_id)) == 2
