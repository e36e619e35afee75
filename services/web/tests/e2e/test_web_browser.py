"""The pages in a real browser, before stand-in services: plot, keyboard, phone."""

import re
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FilePayload,
    Page,
    expect,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from bhtom_web.main import create_app
from bhtom_web.settings import WebSettings
from tests.visitor import chromium

MANY = 100_000
PAGES = (
    *("/", "/targets", "/targets/1", "/targets/3", "/targets/new", "/cameras"),
    *("/cameras/new", "/cameras/1", "/upload", "/uploads", "/uploads/101"),
    *("/uploads/104", "/profile", "/people", "/system", "/about", "/points/1"),
    *("/recalibrations", "/recalibrations/7", "/cameras/1/filters"),
    *("/cameras/1/report", "/targets/1/decisions", "/targets/2/decisions"),
)


def one_origin(pages: ASGIApp, services: ASGIApp) -> ASGIApp:
    """What the gateway does: the API's paths go to the services."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (services if is_api else pages)(scope, receive, send)

    return app


@pytest.fixture(scope="module")
def site(only_world: Any, services: ModuleType) -> Iterator[str]:
    """The pages and the stand-in behind one address."""
    stand_in = services.make_fake(only_world)
    pages = create_app(WebSettings(), httpx.ASGITransport(stand_in))
    config = uvicorn.Config(
        one_origin(pages, stand_in),
        host="127.0.0.1",
        port=0,
        log_config=None,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the system."""
    with chromium() as running:
        yield running


@pytest.fixture
def opened(
    browser: Browser, site: str, services: ModuleType, world: Any
) -> Iterator[BrowserContext]:
    """A browser session of an administrator; a complaint of the browser fails."""
    context = browser.new_context(
        base_url=site, viewport={"width": 1360, "height": 1400}
    )
    context.add_cookies(
        [{"name": "bhtom_session", "value": services.ROOT, "url": site}]
    )
    context.set_default_timeout(30_000)
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on(
        "console",
        lambda line: complaints.append(line.text) if line.type == "error" else None,
    )
    yield context
    context.close()
    assert complaints == []


def open_curve(context: BrowserContext, points: int) -> Page:
    """The target's page, once its light curve is drawn."""
    page = context.new_page()
    page.goto("/targets/1")
    expect(page.locator(f"#light-curve[data-count='{points}']")).to_be_visible(
        timeout=120_000
    )
    return page


def ink(page: Page) -> int:
    """How many pixels of the plot are as colourful as only marks are."""
    found: int = page.locator("#plot canvas").evaluate(
        """canvas => {
          const { data } = canvas.getContext("2d").getImageData(
            0, 0, canvas.width, canvas.height);
          let marks = 0;
          for (let at = 0; at < data.length; at += 4) {
            const [r, g, b, a] = data.subarray(at, at + 4);
            if (a > 200 && Math.max(r, g, b) - Math.min(r, g, b) > 60) marks += 1;
          }
          return marks;
        }"""
    )
    return found


@pytest.mark.parametrize("width", [360, 1360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_every_screen(
    browser: Browser,
    site: str,
    services: ModuleType,
    world: Any,
    width: int,
    scheme: Any,
) -> None:
    context = browser.new_context(
        base_url=site, viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    context.add_cookies(
        [{"name": "bhtom_session", "value": services.ROOT, "url": site}]
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: complaints.append(line.text) if line.type == "error" else None,
    )
    for path in PAGES:
        page.goto(path)
        expect(page.locator("h1, h2").first).to_be_visible()
        too_wide = page.locator(":root").evaluate(
            "root => root.scrollWidth - root.clientWidth"
        )
        assert too_wide <= 0, path
    assert complaints == []
    context.close()


def test_every_kind_of_point_is_drawn(opened: BrowserContext, world: Any) -> None:
    for point in world.points:
        point["is_limit"] = False
        point["value"] = point["value"] or 16.0
    page = open_curve(opened, len(world.points))
    assert ink(page) > 500
    for point in world.points:
        point.update(is_limit=True, value=None)
    page = open_curve(opened, len(world.points))
    assert ink(page) > 500
    assert "142 limits (arrows)" in page.locator("#plot-note").inner_text()


def test_poor_points_are_told_of_and_look_otherwise(
    opened: BrowserContext, services: ModuleType, world: Any
) -> None:
    poor, provisional = services.POOR, services.PROVISIONAL
    for point in world.points[:3]:
        point.update(flags=poor, flag_texts=["The zero point is poor."])
    world.points[5].update(flags=provisional, flag_texts=["Not settled yet."])
    world.points[6]["hidden"] = True
    page = open_curve(opened, 138)
    note = page.locator("#plot-note")
    expect(note).to_contain_text("1 of a passband that is not settled yet (hollow)")
    expect(note).to_contain_text(
        "3 points of poor calibration and 1 hidden by people are left out: show them"
    )
    page.get_by_role("button", name="show them").press("Enter")
    expect(page.locator("#light-curve[data-count='142']")).to_be_visible()
    expect(note).to_contain_text("3 of poor calibration (grey, hollow)")
    expect(note).to_contain_text("1 hidden by people (grey crosses)")
    expect(page.get_by_label("hidden and poor points")).to_be_checked()


def test_doubt_is_seen_by_form_and_colour(
    opened: BrowserContext, services: ModuleType, world: Any
) -> None:
    inks = {}
    for word in (0, services.PROVISIONAL, services.POOR):
        for point in world.points:
            told = ["Told of it."] if word else []
            point.update(flags=word, flag_texts=told, is_limit=False, value=16.0)
        page = opened.new_page()
        page.goto("/targets/1")
        page.get_by_label("hidden and poor points").check()
        expect(page.locator("#light-curve[data-count='142']")).to_be_visible()
        inks[word] = ink(page)
        rows = page.locator("#view-table tbody tr")
        expect(rows.first).to_contain_text("16.000")
        if word:
            expect(rows.nth(1)).to_contain_text("Told of it.")
        page.close()
    full, hollow, grey = inks.values()
    assert full > hollow > grey
    assert grey == 0


def test_a_hundred_thousand_points(
    opened: BrowserContext, services: ModuleType, world: Any
) -> None:
    world.points = services.light_curve(MANY)
    page = open_curve(opened, MANY)
    assert ink(page) > 10_000
    expect(page.locator("#view-count")).to_contain_text("the newest 100 below")
    page.locator("#plot").focus()
    for _ in range(12):
        page.keyboard.press("+")
    expect(page.locator("#view-count")).not_to_contain_text("100 000")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#point-panel .point")).to_be_visible()


def test_the_keyboard_goes_from_point_to_point(
    opened: BrowserContext, world: Any
) -> None:
    page = open_curve(opened, len(world.points))
    order = sorted(world.points, key=lambda point: point["mjd"])
    page.locator("#plot").focus()
    page.keyboard.press("Home")
    panel = page.locator("#point-panel .point")
    expect(panel).to_have_attribute("data-point-id", str(order[0]["point_id"]))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(panel).to_have_attribute("data-point-id", str(order[2]["point_id"]))
    assert page.url.endswith(f"#point-{order[2]['point_id']}")
    page.reload()
    expect(panel).to_have_attribute("data-point-id", str(order[2]["point_id"]))


def test_zooming_fits_the_magnitudes_and_goes_back(
    opened: BrowserContext, world: Any
) -> None:
    page = open_curve(opened, len(world.points))
    count = page.locator("#view-count")
    expect(count).to_have_text("142 points, the newest 100 below")
    over = page.locator("#plot .u-over")
    box = over.bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 9, steps=4)
    page.mouse.up()
    expect(count).to_have_text(re.compile(r"^\d\d? points$"))
    over.dblclick(position={"x": 5, "y": 5})
    expect(count).to_have_text("142 points, the newest 100 below")


def test_passbands_can_be_taken_out(opened: BrowserContext, world: Any) -> None:
    page = open_curve(opened, len(world.points))
    chips = page.locator("#bands .chip")
    expect(chips).to_have_text(["G(Gaia)", "V(GaiaSP)", "g(GaiaSP)", "r(GaiaSP)"])
    before = ink(page)
    chips.first.click()
    expect(chips.first).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#view-count")).to_have_text(re.compile("^10[67] points"))
    assert ink(page) < before


def test_a_hidden_point_leaves_and_comes_back(
    opened: BrowserContext, world: Any
) -> None:
    page = open_curve(opened, 142)
    page.locator("#view-table button").first.click()
    page.get_by_label("Hide this point because").fill("cloud <img src=x>")
    page.get_by_role("button", name="Hide", exact=True).click()
    expect(page.locator("#light-curve[data-count='141']")).to_be_visible()
    expect(page.locator("#point-panel")).to_contain_text("cloud <img src=x>")
    page.get_by_role("button", name="Show this point again").click()
    expect(page.locator("#light-curve[data-count='142']")).to_be_visible()


def test_frames_are_followed_until_they_are_done(
    opened: BrowserContext, world: Any
) -> None:
    page = opened.new_page()
    page.goto("/upload")
    frame = FilePayload(
        name="x.fits", mimeType="application/fits", buffer=b"0" * 3_000_000
    )
    files = page.locator("#files")
    files.set_input_files([frame])
    expect(page.locator("#target-error")).to_have_text("Name the target of the frames.")
    page.get_by_label("Target required").fill("NGC 1566")
    files.set_input_files([frame])
    row = page.locator(".file")
    expect(row.locator(".state")).to_have_text("Done")
    expect(row).to_contain_text("15.382 ± 0.021 in r(GaiaSP).")
    expect(row.get_by_role("link", name="Details")).to_have_attribute(
        "href", "/uploads/105"
    )


def test_the_upload_form_asks_for_the_time_of_catalogues(
    opened: BrowserContext, world: Any
) -> None:
    page = opened.new_page()
    page.goto("/upload")
    time = page.get_by_label("Middle of the exposure")
    expect(time).to_be_hidden()
    page.get_by_label("What you send").select_option("photometry")
    expect(time).to_be_visible()
    expect(page.locator("#files")).to_have_attribute("accept", "")


def test_searching_needs_no_button(opened: BrowserContext, world: Any) -> None:
    page = opened.new_page()
    page.goto("/targets")
    rows = page.locator("#target-rows tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Name contains").press_sequentially("gaia")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Gaia19bld")


def test_the_form_of_a_target_shows_one_kind_of_position(
    opened: BrowserContext,
) -> None:
    page = opened.new_page()
    page.goto("/targets/new")
    fixed = page.get_by_label("Declination", exact=True)
    orbit = page.get_by_label("Eccentricity e")
    table = page.get_by_label("Table", exact=True)
    expect(fixed).to_be_visible()
    expect(orbit).to_be_hidden()
    page.get_by_label("An orbit").check()
    expect(orbit).to_be_visible()
    expect(fixed).to_be_hidden()
    page.get_by_label("An ephemeris").check()
    expect(table).to_be_visible()
    expect(orbit).to_be_hidden()
    text = b"mjd,ra,dec\n61000,10,-5\n"
    file = FilePayload(name="body.csv", mimeType="text/csv", buffer=text)
    page.get_by_label("Take a file").set_input_files(file)
    expect(table).to_have_value(text.decode())
    expect(page.get_by_text("body.csv")).to_be_visible()
    large = FilePayload(name="big.csv", mimeType="text/csv", buffer=b"1" * 1_000_001)
    page.get_by_label("Take a file").set_input_files(large)
    expect(page.get_by_text("big.csv is larger than 1 MB")).to_be_visible()
    expect(table).to_have_value(text.decode())


def test_a_report_card_shows_a_map_for_each_band_and_image(
    opened: BrowserContext,
) -> None:
    page = opened.new_page()
    page.goto("/cameras/1/report")
    maps = page.locator("table.map")
    expect(maps).to_have_count(2)
    expect(page.get_by_role("heading", name="r(GaiaSP)", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="image 2 N2 · G pixels")).to_be_visible()
    # The image's top is at the top.
    expect(maps.nth(0).locator("tr").first).to_have_text("−4+2")
    expect(page.get_by_text("6 are left out: 1 × 1.")).to_be_visible()
