"""A new method, new zero points, a new catalogue on 50 frames: never a point more."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from bhtom_local.api_client import ApiClient
from bhtom_local.stack import Stack
from bhtom_sky.camera import Camera
from bhtom_sky.stars import Sky, make_sky
from tests import earlier_release
from tests.field import Field, import_stars, register_field

FRAMES: Final = 50
CENTRE: Final = (158.0, -20.0)
CATALOGUE, ANOTHER = "Steps", "OtherSteps"
NEW_RELEASE_MAG, ANOTHER_MAG = 0.05, -0.03
PATIENCE_S: Final = 300.0


@pytest.fixture(scope="module")
def small(
    stack: Stack, admin: ApiClient, tmp_path_factory: pytest.TempPathFactory
) -> Field:
    """A constant star in small frames, with two catalogues of its field."""
    folder = tmp_path_factory.mktemp("steps")
    sky = make_sky(
        21, CENTRE, 0.05, 260,
        variable_magnitude=14.5, variable_amplitude_mag=0.0, faintest=17.0,
    )  # fmt: skip
    import_stars(stack, folder, sky, CATALOGUE)
    import_stars(stack, folder, shifted(sky, ANOTHER_MAG), ANOTHER)
    model = Camera(width_px=128, height_px=128, pixel_scale_arcsec=1.2, cosmic_rays=0)
    return register_field(
        admin, "Steps-1", sky, model, camera="Small", catalogue=CATALOGUE
    )


def shifted(sky: Sky, by_mag: float) -> Sky:
    """The same stars by another catalogue's zero points."""
    bands = {band: values + by_mag for band, values in sky.magnitude.items()}
    return replace(sky, magnitude=bands)


@contextmanager
def worker_of_an_earlier_release(stack: Stack) -> Iterator[None]:
    """In place of the worker one that measures in apertures."""
    stack.stop_program("cpcs-work")
    root = str(Path(__file__).parents[2])
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.earlier_release"],
        cwd=root,
        env={
            **os.environ,
            **stack.plan.environment("cpcs", "cpcs-work"),
            "PYTHONPATH": root,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        assert worker.poll() is None
    finally:
        worker.terminate()
        worker.wait(30)
        stack.start_program("cpcs-work")


def recalibrate(admin: ApiClient, field: Field, selection: Any, changes: Any) -> None:
    """Ask for all frames again, at once, and wait until they are recorded."""
    wish = {
        "selection": {"target_id": field.target["target_id"], **selection},
        "changes": changes,
        "preview": False,
    }
    number = admin.post("/api/v1/recalibrations", json=wish)["recalibration_id"]
    deadline = time.monotonic() + PATIENCE_S
    while (found := admin.get(f"/api/v1/recalibrations/{number}"))["state"] != "done":
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    assert found["counts"] == {"done": FRAMES}


def median_step(before: dict[int, Any], after: dict[int, Any]) -> float:
    """By how much the points moved, all of the same numbers."""
    assert after.keys() == before.keys()
    steps = [after[number]["value"] - before[number]["value"] for number in before]
    assert all(steps)
    return float(np.median(steps))


def test_fifty_frames_get_revisions_and_not_one_point(
    stack: Stack, admin: ApiClient, small: Field, tmp_path: Path
) -> None:
    with worker_of_an_earlier_release(stack):
        sent = [small.upload(admin, frame) for frame in small.frames(FRAMES)]
        products = [one["data_product_id"] for one in sent]
        ended = admin.wait_for(products).values()
    assert {one["outcome"] for one in ended} == {"calibrated"}
    apertures = small.points(admin)
    assert len(apertures) == FRAMES
    hidden = min(apertures)
    reason = "a cloud"
    admin.post(f"/api/v1/points/{hidden}/hide", json={"reason": reason})

    recalibrate(admin, small, {"method_other_than": "psf-1"}, {})
    by_psf = small.points(admin)
    assert abs(median_step(apertures, by_psf)) < 0.02

    import_stars(stack, tmp_path, shifted(small.sky, NEW_RELEASE_MAG), CATALOGUE, "2")
    recalibrate(admin, small, {}, {"newest_catalogue": True})
    released = small.points(admin)
    assert median_step(by_psf, released) == pytest.approx(NEW_RELEASE_MAG, abs=0.002)

    recalibrate(admin, small, {}, {"filter": f"{ANOTHER}/any"})
    other = small.points(admin)
    expected = ANOTHER_MAG - NEW_RELEASE_MAG
    assert median_step(released, other) == pytest.approx(expected, abs=0.002)
    for number, point in other.items():
        _has_four_revisions(admin, number, point)
    assert other[hidden]["hidden_reason"] == reason


def _has_four_revisions(admin: ApiClient, number: int, point: Any) -> None:
    revisions = admin.get(f"/api/v1/points/{number}")["revisions"]
    told = [
        (one["method"], one["passband"])
        for one in sorted(revisions, key=lambda one: int(one["revision"]))
    ]
    methods = [earlier_release.METHOD, "psf-1", "psf-1", "psf-1"]
    bands = [f"{CATALOGUE}/r"] * 3 + [f"{ANOTHER}/r"]
    assert told == list(zip(methods, bands, strict=True))
    assert point["passband"] == bands[-1]
