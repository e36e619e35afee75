"""Uploads flow while relays, consumers, workers and the broker are killed.

The short form runs in `make test`; `make chaos` sets CHAOS=long.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bhtom_local.api_client import ApiClient, ApiError
from bhtom_local.ports import free_ports
from bhtom_local.stack import Stack
from bhtom_local.testing import temporary_stack
from tests.chaos.broker import wipe_broker
from tests.chaos.disturber import Disturber
from tests.chaos.ledger import Ledger, values_by_frame
from tests.field import Field, import_field

# Points are the same that differ by less than this share of their error.
SAME = 0.25
LONG = os.environ.get("CHAOS") == "long"
UPLOADS, KILLS, PAUSE_S = (300, 60, 2.0) if LONG else (60, 15, 1.5)
AFTER_WIPE = 20 if LONG else 6
LEASE_S = 2.0
ENVIRONMENT = {
    "BHTOM_GAIA_ALERTS_URL": "http://127.0.0.1:9/alerts",
    "BHTOM_JOB_LEASE_S": str(LEASE_S),
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A suite in which every role is a process of its own."""
    with temporary_stack(layout="split", environment=ENVIRONMENT) as running:
        yield running


@pytest.fixture(scope="module")
def admin(stack: Stack) -> Iterator[ApiClient]:
    username, password = stack.plan.administrator
    with ApiClient.signed_in(stack.plan.public_url, username, password) as client:
        yield client


@pytest.fixture(scope="module")
def field(
    stack: Stack, admin: ApiClient, tmp_path_factory: pytest.TempPathFactory
) -> Field:
    return import_field(stack, admin, tmp_path_factory.mktemp("field"))


@contextmanager
def second_worker(stack: Stack, port: int) -> Iterator[None]:
    """A worker that nobody kills: it takes over what frozen ones hold."""
    program = Path(sys.executable).with_name("bhtom-cpcs")
    # As bare as the supervised workers': a variable such as OPENBLAS_CORETYPE changes
    # the last digits of a magnitude, and the runs are compared digit by digit.
    environment = {
        "PATH": os.environ["PATH"],
        **stack.environment("cpcs"),
        "BHTOM_PORT": str(port),
    }
    worker = subprocess.Popen(
        [str(program), "run", "--roles", "work"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        assert worker.poll() is None, "the second worker ended by itself"
    finally:
        worker.terminate()
        worker.wait(30)


def _send(client: ApiClient, field: Field, number: int, target: str) -> tuple[int, str]:
    """Upload as a robot does: again, until it is taken."""
    frame = field.frame(number)
    for _ in range(60):
        try:
            product = client.upload(
                frame.fits_bytes,
                target=target,
                camera=field.camera["oname"],
                file_name=frame.name,
                filter="Simulated/any",
            )
        except (ApiError, httpx.TransportError) as error:
            if isinstance(error, ApiError) and error.status < 500:
                raise
            time.sleep(0.5)
            continue
        return product["data_product_id"], frame.name
    raise AssertionError(f"{frame.name} was not taken in 60 tries.")


def _send_all(
    client: ApiClient, field: Field, numbers: range, target: str
) -> dict[int, str]:
    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(lambda n: _send(client, field, n, target), numbers))


def _light_curve(client: ApiClient, target_id: int) -> list[dict[str, object]]:
    points: list[dict[str, object]] = client.get(
        f"/api/v1/targets/{target_id}/light-curve"
    )["points"]
    return points


async def test_nothing_is_lost_or_doubled(
    stack: Stack, admin: ApiClient, field: Field
) -> None:
    port = free_ports(1)[0]
    with second_worker(stack, port):
        disturber = Disturber(
            stack, kills=KILLS, lease_s=LEASE_S, pause_s=PAUSE_S, seed=20261122
        )
        with disturber:
            names = _send_all(admin, field, range(UPLOADS), field.target["name"])
        products = admin.wait_for(list(names), give_up_after_s=900)
    print(f"\nkilled {dict(disturber.kills)}, frozen {dict(disturber.freezes)}")
    assert disturber.kills.total() >= KILLS
    assert disturber.freezes.total() >= 1
    failed = {n: p["message"] for n, p in products.items() if p["state"] != "done"}
    assert failed == {}
    await _check(stack, list(names), UPLOADS)

    # The broker's disk is lost while frames are on their way.
    late = _send_all(
        admin, field, range(UPLOADS, UPLOADS + AFTER_WIPE), field.target["name"]
    )
    wipe_broker(stack)
    admin.wait_for(list(late), give_up_after_s=600)
    names |= late
    await _check(stack, list(names), UPLOADS + AFTER_WIPE)

    # The same frames in peace, under another target at the same place.
    ra, dec = field.sky.centre
    calm = admin.post(
        "/api/v1/targets",
        json={
            "name": "Field-calm",
            "ra": ra,
            "dec": dec,
            "allow_close": True,
            "archives_allowed": False,
        },
    )
    calm_names = _send_all(admin, field, range(UPLOADS + AFTER_WIPE), "Field-calm")
    admin.wait_for(list(calm_names), give_up_after_s=900)
    disturbed = values_by_frame(_light_curve(admin, field.target["target_id"]), names)
    undisturbed = values_by_frame(_light_curve(admin, calm["target_id"]), calm_names)
    assert len(disturbed) == UPLOADS + AFTER_WIPE
    assert disturbed.keys() == undisturbed.keys()
    for name, (mjd, value, error) in disturbed.items():
        calm_mjd, calm_value, calm_error = undisturbed[name]
        assert mjd == calm_mjd
        # A target's mean position has as many frames behind it as were answered when a
        # reduction started: later frames move by millionths of a magnitude, the first
        # ones, which had none, by some tenth of their error.
        assert abs(value - calm_value) < SAME * calm_error, name
        assert abs(error - calm_error) < SAME * calm_error, name


async def _check(stack: Stack, numbers: list[int], expected: int) -> None:
    ledger = await Ledger.of(stack.plan.admin_url, numbers)
    assert ledger.products_done == expected
    assert ledger.calibrations == expected
    assert ledger.points == expected
    assert ledger.revisions == expected
    assert ledger.dead_letters == 0
