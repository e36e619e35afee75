"""Two hundred frames from four clients at once, and one of them followed closely."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import numpy as np
from astropy.io import fits

from bhtom_contracts.outcomes import Outcome
from bhtom_local.api_client import ApiClient
from bhtom_local.stack import Stack
from tests.field import Field
from tests.kafka_reader import read_all

FRAMES = 200
CLIENTS = 4
# Every tenth frame has no stars in it; every fifteenth no WCS, and its stars solve it.
EMPTY_EVERY, BLIND_EVERY = 10, 15


def _without_stars(content: bytes) -> bytes:
    with fits.open(io.BytesIO(content)) as file:
        generator = np.random.default_rng(len(content))
        shape = file[0].data.shape
        file[0].data = generator.normal(500, 20, shape).astype(np.float32)
        out = io.BytesIO()
        file.writeto(out)
    return out.getvalue()


def _without_wcs(content: bytes) -> bytes:
    with fits.open(io.BytesIO(content)) as file:
        for card in ("CTYPE1", "CTYPE2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"):
            file[0].header.remove(card, ignore_missing=True)
        for card in ("CD1_1", "CD1_2", "CD2_1", "CD2_2", "PC1_1", "CDELT1", "CDELT2"):
            file[0].header.remove(card, ignore_missing=True)
        out = io.BytesIO()
        file.writeto(out)
    return out.getvalue()


def _content(field: Field, number: int) -> bytes:
    content = field.frame(number).fits_bytes
    if number % EMPTY_EVERY == 3:
        return _without_stars(content)
    if number % BLIND_EVERY == 4:
        return _without_wcs(content)
    return content


def test_every_frame_ends_in_one_stated_outcome(
    stack: Stack, admin: ApiClient, field: Field
) -> None:
    token = admin.http.headers["Authorization"].removeprefix("Token ")

    def send(numbers: range) -> list[int]:
        with ApiClient(stack.plan.public_url, token) as client:
            return [
                client.upload(
                    _content(field, number),
                    target=field.target["name"],
                    camera=field.camera["oname"],
                    file_name=f"flow_{number}.fits",
                    filter="Simulated/any",
                    batch="flow",
                )["data_product_id"]
                for number in numbers
            ]

    with ThreadPoolExecutor(CLIENTS) as pool:
        shares = [range(start, FRAMES, CLIENTS) for start in range(CLIENTS)]
        numbers = [number for share in pool.map(send, shares) for number in share]
    assert len(set(numbers)) == FRAMES
    products = admin.wait_for(numbers)
    outcomes = {number: product["outcome"] for number, product in products.items()}
    assert set(outcomes.values()) <= {outcome.value for outcome in Outcome}
    assert all(product["message"] for product in products.values())
    counts = {
        value: list(outcomes.values()).count(value) for value in set(outcomes.values())
    }
    with_stars = FRAMES - FRAMES // EMPTY_EVERY
    assert counts["calibrated"] >= with_stars - FRAMES // 30
    points = admin.get(f"/api/v1/targets/{field.target['target_id']}/light-curve")
    of_flow = [p for p in points["points"] if p["data_product_id"] in outcomes]
    measured = [n for n, o in outcomes.items() if o in ("calibrated", "limit")]
    assert sorted(point["data_product_id"] for point in of_flow) == sorted(measured)
    _one_answer_each(stack, numbers)


def _one_answer_each(stack: Stack, numbers: list[int]) -> None:
    """Kafka holds one answer of cpcs for each product, whatever it is."""
    wanted = set(numbers)
    answered: list[int] = []
    for topic in ("photometry.calibrated", "calibration.failed"):
        for message in read_all(stack.plan.kafka_bootstrap, topic):
            number = json.loads(message.value)["data_product_id"]
            if number in wanted:
                answered.append(number)
    assert sorted(answered) == sorted(wanted)


async def test_one_trace_id_goes_with_a_frame(
    stack: Stack, admin: ApiClient, field: Field
) -> None:
    frame = field.frame(900)
    answer = admin.call(
        "PUT",
        "/api/v1/frames",
        params={
            "target": field.target["name"],
            "camera": field.camera["oname"],
            "file_name": frame.name,
            "filter": "Simulated/any",
        },
        content=frame.fits_bytes,
    )
    trace_id = answer.headers["X-Trace-Id"]
    product = admin.wait_for([answer.json()["data_product_id"]])[
        answer.json()["data_product_id"]
    ]
    assert product["state"] == "done"
    for topic in ("fits.uploaded", "photometry.calibrated"):
        assert trace_id in _trace_ids(stack, topic, product["data_product_id"])
    connection = await asyncpg.connect(stack.plan.admin_url)
    try:
        job_traces = await connection.fetch("SELECT traceparent FROM cpcs.jobs")
    finally:
        await connection.close()
    assert trace_id in {str(row["traceparent"])[3:35] for row in job_traces}
    points = admin.get(f"/api/v1/targets/{field.target['target_id']}/light-curve")
    mine = [
        p
        for p in points["points"]
        if p["data_product_id"] == product["data_product_id"]
    ]
    assert [point["trace_id"] for point in mine] == [trace_id]
    for program in ("upload", "cpcs", "cpcs-work", "core"):
        assert trace_id in stack.log(program).read_text(), program


def _trace_ids(stack: Stack, topic: str, data_product_id: int) -> set[str]:
    found: set[str] = set()
    for message in read_all(stack.plan.kafka_bootstrap, topic):
        body: dict[str, Any] = json.loads(message.value)
        if body["data_product_id"] == data_product_id:
            traceparent = message.headers["traceparent"]
            found.add(traceparent.split("-")[1])
    return found
