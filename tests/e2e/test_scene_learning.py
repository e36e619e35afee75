"""A star that no catalogue lists: learnt from frames, taken out of the earlier ones."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from bhtom_local.api_client import ApiClient
from bhtom_local.stack import Stack
from bhtom_sky.camera import Camera
from bhtom_sky.frames import render_frame
from bhtom_sky.stars import make_sky
from tests.field import BEGIN, Field, import_stars, register_field
from tests.kafka_reader import read_all
from tests.moving_body import with_body
from tests.visitor import Visitor, sign_in

CENTRE: Final = (152.0, -31.0)
CATALOGUE: Final = "Unlisted"
TARGET: Final = "Crowded-by-one"
MAGNITUDE: Final = 16.0
SCALE_ARCSEC: Final = 0.8
# The nights get better, as they may: the neighbour is 1.5 FWHM of the middle one away.
NIGHTS_PX: Final = ((5.0, 4.5, 4.0), (3.7, 3.4, 3.1), (2.6, 2.0))
AWAY_ARCSEC: Final = 4.2
PATIENCE_MS: Final = 120_000


@pytest.fixture(scope="module")
def lonely(
    stack: Stack, admin: ApiClient, tmp_path_factory: pytest.TempPathFactory
) -> Field:
    """A constant star beside one that is 1 mag fainter and in no catalogue."""
    sky = make_sky(
        5, CENTRE, 0.05, 180,
        variable_magnitude=MAGNITUDE, variable_amplitude_mag=0.0, isolation_arcsec=20,
    )  # fmt: skip
    import_stars(stack, tmp_path_factory.mktemp("unlisted"), sky, CATALOGUE)
    model = Camera(
        width_px=256, height_px=256, pixel_scale_arcsec=SCALE_ARCSEC, cosmic_rays=0
    )
    beside = with_body(sky, neighbour(), MAGNITUDE + 1.0)
    return register_field(
        admin, TARGET, beside, model, camera="Seeing", catalogue=CATALOGUE
    )


def neighbour() -> tuple[float, float]:
    along = AWAY_ARCSEC / 3600 / np.sqrt(2)
    return CENTRE[0] + along / np.cos(np.radians(CENTRE[1])), CENTRE[1] + along


def observe(admin: ApiClient, lonely: Field) -> dict[int, float]:
    """Upload night after night; the seeing [px] of each product."""
    seeing: dict[int, float] = {}
    for night, widths in enumerate(NIGHTS_PX):
        tonight = []
        for number, width in enumerate(widths):
            frame = render_frame(
                lonely.sky,
                replace(lonely.model, fwhm_arcsec=width * SCALE_ARCSEC),
                BEGIN + timedelta(days=night, minutes=5 * number),
                60.0,
                CENTRE,
                "GaiaSP/r",
                seed=8000 + 10 * night + number,
                name=f"night{night + 1}_{number + 1}.fits",
            )
            sent = lonely.upload(admin, frame)["data_product_id"]
            seeing[sent] = width
            tonight.append(sent)
        ended = admin.wait_for(tonight).values()
        assert {one["outcome"] for one in ended} == {"calibrated"}
    return seeing


def with_seeing(
    points: dict[int, Any], seeing: dict[int, float]
) -> tuple[float, float, float]:
    """How the magnitude goes with the seeing [mag/px], its error, and the scatter.

    Every point counts alike: those with light beside them say so by large errors, and
    would hide by them what this looks for.
    """
    rows = [
        (seeing[one["data_product_id"]], one["value"], one["error"])
        for one in points.values()
    ]
    width, magnitude, error = np.array(rows, dtype=np.float64).T
    x = width - width.mean()
    found = np.sum(x * magnitude) / np.sum(x**2)
    uncertain = np.sqrt(np.sum((x * error) ** 2)) / np.sum(x**2)
    return float(found), float(uncertain), float(np.std(magnitude))


def scene_versions(stack: Stack, products: set[int]) -> dict[int, list[int]]:
    """With which versions of the scene each product was measured, one after another."""
    found: dict[int, list[int]] = {number: [] for number in products}
    for message in read_all(stack.plan.kafka_bootstrap, "photometry.calibrated"):
        body = json.loads(message.value)
        if body["data_product_id"] in products:
            (measured,) = body["measurements"]
            found[body["data_product_id"]].append(measured["scene_version"])
    return found


def recalibrate_in_the_browser(page: Page, lonely: Field, frames: int) -> None:
    """From the target's page: preview, look, accept."""
    page.goto(f"/targets/{lonely.target['target_id']}")
    page.get_by_role("link", name="Calibrate again").click()
    page.get_by_role("button", name="Preview").click()
    accept = page.get_by_role("button", name="Accept: record the new values")
    expect(accept).to_be_visible(timeout=PATIENCE_MS)
    figures = page.locator("#recalibration dl.figures")
    expect(figures).to_contain_text(f"of {frames} measurements")
    expect(figures).to_contain_text("New minus old, median")
    accept.click()
    done = page.locator("#recalibration .state")
    expect(done.first).to_have_text("Done", timeout=PATIENCE_MS)


def test_a_light_curve_stops_following_the_seeing(
    stack: Stack, admin: ApiClient, lonely: Field, visitor: Visitor
) -> None:
    seeing = observe(admin, lonely)
    before = lonely.points(admin)
    assert len(before) == len(seeing)
    follows, _, scatter = with_seeing(before, seeing)
    assert follows < -0.05

    page = visitor.page
    sign_in(page, stack)
    page.goto(f"/targets/{lonely.target['target_id']}")
    # The middle of the first exposure, as it was taken and to the second.
    expect(page.locator("#view-table")).to_contain_text("2026-03-01 02:00:00")
    page.get_by_role("link", name="What many frames decided").click()
    neighbours = page.locator("section").filter(has_text="Its neighbours")
    learnt = neighbours.locator("p").filter(has_text="found the star at")
    expect(learnt).to_contain_text("which no catalogue lists")
    expect(learnt).to_contain_text("r(Unlisted) 17.")
    expect(neighbours.get_by_text(re.compile("^Version 2, "))).to_be_visible()
    expect(neighbours.locator("td").filter(has_text="frames")).to_have_count(1)

    recalibrate_in_the_browser(page, lonely, len(seeing))
    after = lonely.points(admin)
    assert after.keys() == before.keys()
    revisions = [
        len(admin.get(f"/api/v1/points/{number}")["revisions"]) for number in after
    ]
    assert revisions == [2] * len(seeing)
    versions = scene_versions(stack, set(seeing))
    assert {found[-1] for found in versions.values()} == {2}
    assert 1 in {found[0] for found in versions.values()}
    follows, error, less = with_seeing(after, seeing)
    assert abs(follows) < 3 * error
    assert error < 0.01
    assert less < scatter / 4
    assert visitor.complaints == []
