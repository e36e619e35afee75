"""Bodies that move through a field, by their elements and by an ephemeris."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bhtom_local.api_client import ApiClient
from bhtom_local.stack import Stack
from bhtom_sky.frames import mjd_of, render_frame
from tests.field import BEGIN, CATALOGUE, Field
from tests.kafka_reader import read_all
from tests.moving_body import MovingBody, body_in_front_of, site_of, with_body

FRAMES = 4
STEP = timedelta(minutes=15)
MAGNITUDES = {"elements": 15.2, "ephemeris": 16.0}
# Of two ways to carry an orbit over some days; a pixel is 1.2 arcsec.
CLOSE_ARCSEC = 0.1


@dataclass(frozen=True)
class Passing:
    """A body, its target, and what its frames became."""

    body: MovingBody
    magnitude: float
    target: dict[str, Any]


def moments() -> list[datetime]:
    return [BEGIN + number * STEP for number in range(FRAMES)]


def free_body(field: Field, distance_au: float, corner: float) -> MovingBody:
    """A body whose way through the field keeps off the stars."""
    site = site_of(-70.4, -24.6, 2400.0)
    ra, dec = field.sky.centre
    best: tuple[float, MovingBody] | None = None
    for east, north in np.ndindex(9, 9):
        place = (ra + corner * (east + 1) / 400, dec + corner * (north + 1) / 400)
        body = body_in_front_of(place, distance_au, BEGIN, site)
        way = [body.seen_at(BEGIN), body.seen_at(BEGIN + (FRAMES - 1) * STEP)]
        room = min(nearest_arcsec(field, one) for one in path(*way))
        if best is None or room > best[0]:
            best = room, body
    assert best is not None
    assert best[0] > 8.0
    return best[1]


def path(
    first: tuple[float, float], last: tuple[float, float]
) -> list[tuple[float, float]]:
    shares = np.linspace(0, 1, 20)
    return [
        (first[0] + s * (last[0] - first[0]), first[1] + s * (last[1] - first[1]))
        for s in shares
    ]


def nearest_arcsec(field: Field, place: tuple[float, float]) -> float:
    sky = field.sky
    across = (sky.ra_deg - place[0]) * np.cos(np.radians(place[1]))
    return float(np.hypot(across, sky.dec_deg - place[1]).min() * 3600)


def apart_arcsec(one: tuple[float, float], other: tuple[float, float]) -> float:
    across = (one[0] - other[0]) * np.cos(np.radians(one[1]))
    return float(np.hypot(across, one[1] - other[1]) * 3600)


def ephemeris_of(body: MovingBody) -> str:
    """A table of every half hour as people would upload it."""
    lines = ["time,ra,dec"]
    for number in range(-4, 9):
        moment = BEGIN + number * timedelta(minutes=30)
        ra, dec = body.seen_at(moment)
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%S}Z,{ra:.7f},{dec:.7f}")
    return "\n".join(lines)


def register(admin: ApiClient, field: Field) -> list[Passing]:
    slow = free_body(field, 1.6, -1.0)
    fast = free_body(field, 0.9, 1.0)
    path = "/api/v1/targets"
    given: dict[str, Any] = {"archives_allowed": False, "classification": "SSO"}
    on_orbit = admin.post(
        path, json={**given, "name": "Passing-1", "elements": slow.elements()}
    )
    table = {"observer": "site", "rows": ephemeris_of(fast)}
    in_table = admin.post(path, json={**given, "name": "Passing-2", "ephemeris": table})
    assert [on_orbit["position_kind"], in_table["position_kind"]] == list(MAGNITUDES)
    return [
        Passing(slow, MAGNITUDES["elements"], on_orbit),
        Passing(fast, MAGNITUDES["ephemeris"], in_table),
    ]


def upload(
    admin: ApiClient, field: Field, passing: list[Passing]
) -> dict[tuple[int, int], int]:
    """The products by target and number of the frame; each frame shows all bodies."""
    sent: dict[tuple[int, int], int] = {}
    for number, moment in enumerate(moments()):
        sky = field.sky
        for one in passing:
            sky = with_body(sky, one.body.seen_at(moment), one.magnitude)
        frame = render_frame(
            sky, field.model, moment, 30.0, field.sky.centre, "GaiaSP/r",
            seed=7000 + number, name=f"moving_{number}.fits",
        )  # fmt: skip
        for one in passing:
            answer = admin.upload(
                frame.fits_bytes,
                target=one.target["name"],
                camera=field.camera["oname"],
                file_name=frame.name,
                filter=f"{CATALOGUE}/any",
            )
            sent[one.target["target_id"], number] = answer["data_product_id"]
    return sent


def test_points_follow_what_moves(stack: Stack, admin: ApiClient, field: Field) -> None:
    passing = register(admin, field)
    products = upload(admin, field, passing)
    ended = admin.wait_for(sorted(products.values()))
    said = {one["message"] for one in ended.values()}
    assert {one["outcome"] for one in ended.values()} == {"calibrated"}, said
    measured = measurements(stack, set(products.values()))
    for one in passing:
        target_id = one.target["target_id"]
        curve = admin.get(f"/api/v1/targets/{target_id}/light-curve")
        points = {p["data_product_id"]: p for p in curve["points"]}
        assert len(points) == FRAMES
        places = [one.body.seen_at(moment) for moment in moments()]
        assert apart_arcsec(places[0], places[-1]) > 10.0
        for number, moment in enumerate(moments()):
            product = products[target_id, number]
            point, found = points[product], measured[product]
            assert point["mjd"] == pytest.approx(mjd_of(moment), abs=1e-6)
            assert point["error"] < 0.05
            wrong = point["value"] - one.magnitude
            assert abs(wrong) < 4 * point["error"] + 0.01, (one.target["name"], number)
            missed = apart_arcsec((found["ra"], found["dec"]), places[number])
            assert missed < CLOSE_ARCSEC, (one.target["name"], number)


def measurements(stack: Stack, products: set[int]) -> dict[int, dict[str, Any]]:
    """What cpcs answered, by product."""
    found: dict[int, dict[str, Any]] = {}
    for message in read_all(stack.plan.kafka_bootstrap, "photometry.calibrated"):
        body = json.loads(message.value)
        if body["data_product_id"] in products:
            (found[body["data_product_id"]],) = body["measurements"]
    return found


def test_a_frame_beyond_the_table_says_so(admin: ApiClient, field: Field) -> None:
    target = admin.post(
        "/api/v1/targets",
        json={
            "name": "Passing-3",
            "archives_allowed": False,
            "ephemeris": {
                "observer": "geocentre",
                "rows": [
                    {"mjd": mjd_of(BEGIN) + 30 + n, "ra": 150.0 + n / 9, "dec": -24.0}
                    for n in range(5)
                ],
            },
        },
    )
    frame = field.frame(7100)
    sent = admin.upload(
        frame.fits_bytes,
        target=target["name"],
        camera=field.camera["oname"],
        file_name=frame.name,
        filter=f"{CATALOGUE}/any",
    )
    (ended,) = admin.wait_for([sent["data_product_id"]]).values()
    assert ended["outcome"] == "target_position_unknown"
    assert "its ephemeris covers MJD" in ended["message"]
