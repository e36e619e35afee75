"""A visitor with a browser: from the sign-in page to a point that comes and goes."""

import csv
import io
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from bhtom_local.api_client import ApiClient
from bhtom_local.demo.run import catalogue_importer
from bhtom_local.demo.scenes import real_target_position
from bhtom_local.stack import Stack
from bhtom_sky.sample_data import (
    HUNTSMAN_CATALOGUE,
    HUNTSMAN_FOOTPRINT,
    HUNTSMAN_FRAME,
    sample,
)
from tests.visitor import Visitor, sign_in

# Calibration takes a moment; a machine that also does other things takes longer.
PATIENCE_MS = 120_000
MAX_PAGE_BYTES = 1_500_000
TARGET = "Seen in a browser"
OBSERVATORY = "BrowserHill"
CAMERA = "Tube"
REASON = "A cloud, <b>I think</b>"


@pytest.fixture(scope="module")
def reference_stars(stack: Stack) -> None:
    """Gaia's stars of the real frame."""
    place = HUNTSMAN_FOOTPRINT
    disc = f"{place.ra_deg},{place.dec_deg},{place.radius_deg}"
    with sample(HUNTSMAN_CATALOGUE) as path:
        catalogue_importer(stack, path, "GaiaSP", "DR3-sample", disc)


def another_star() -> tuple[float, float]:
    """A star of the real frame which is not the demonstration's."""
    taken = real_target_position()
    with sample(HUNTSMAN_CATALOGUE) as path, path.open(encoding="utf-8") as file:
        stars = list(csv.DictReader(file))
    places = [
        (
            abs(float(star["mag_r"]) - 14.8),
            float(star["ra_deg"]),
            float(star["dec_deg"]),
        )
        for star in stars
        if star["mag_r"]
    ]
    near = [
        (rank, ra, dec)
        for rank, ra, dec in places
        if abs(ra - HUNTSMAN_FOOTPRINT.ra_deg) < 0.12
        and abs(dec - HUNTSMAN_FOOTPRINT.dec_deg) < 0.07
        and abs(dec - taken[1]) > 0.01
    ]
    _, ra, dec = min(near)
    return ra, dec


def register_target(page: Page) -> int:
    """Register the target by its form; its number."""
    ra, dec = another_star()
    page.get_by_role("link", name="Targets", exact=True).click()
    page.get_by_role("link", name="Register a target").click()
    page.get_by_label("Name required").fill(TARGET)
    page.get_by_label("Right ascension", exact=True).fill(f"{ra:.6f}")
    page.get_by_label("Declination", exact=True).fill(f"{dec:.6f}")
    page.get_by_text("Proper motion and parallax").click()
    page.locator("#epoch").fill("2016.0")
    page.get_by_text("Importance, sharing").click()
    page.get_by_label("Ask outside archives").uncheck()
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("The target is registered.")).to_be_visible()
    expect(page.get_by_text("No point yet.")).to_be_visible()
    found = re.search(r"/targets/(\d+)", page.url)
    assert found
    return int(found[1])


def register_camera(page: Page) -> None:
    """Register observatory and camera, and approve the camera as administrator."""
    page.get_by_role("link", name="Cameras", exact=True).click()
    page.get_by_role("link", name="Register a camera").click()
    page.get_by_label("Observatory required").select_option("new")
    page.get_by_label("Name of the observatory").fill(OBSERVATORY)
    page.get_by_label("Longitude").fill("149.0661")
    page.get_by_label("Latitude").fill("-31.2749")
    page.get_by_label("Altitude").fill("1165")
    page.get_by_label("Name of the camera").fill(CAMERA)
    page.get_by_label("Saturation level").fill("4000")
    page.get_by_label("Pixel scale").fill("1.26")
    page.get_by_role("button", name="Register").click()
    row = page.get_by_role("row").filter(has_text=f"{OBSERVATORY}_{CAMERA}")
    expect(row).to_contain_text("waits for approval")
    row.get_by_role("button", name="Approve").click()
    expect(row).to_contain_text("approved")


def upload_frame(page: Page, target_id: int, observer: str) -> None:
    """Upload the real frame and wait until it is recorded."""
    page.goto(f"/upload?target={target_id}")
    expect(page.get_by_label("Target required")).to_have_value(TARGET)
    page.get_by_label("Camera required").select_option(f"{OBSERVATORY}_{CAMERA}")
    page.get_by_label("Observers").fill(observer)
    with sample(HUNTSMAN_FRAME) as path:
        page.locator("#files").set_input_files(path)
    row = page.locator(".file")
    expect(row).to_contain_text(HUNTSMAN_FRAME)
    expect(row.locator(".state")).to_have_text("Done", timeout=PATIENCE_MS)
    expect(page.locator("#upload-summary")).to_have_text("1 done")
    row.get_by_role("link", name="Light curve").click()


def curve_csv(page: Page, target_id: int) -> list[dict[str, str]]:
    """The light curve's CSV file as this visitor gets it."""
    answer = page.request.get(f"/api/v1/targets/{target_id}/light-curve.csv")
    assert answer.ok
    return list(csv.DictReader(io.StringIO(answer.text())))


def click_the_point(page: Page) -> None:
    """Click the only point where it is drawn: in the middle of the time axis."""
    expect(page.locator("#light-curve[data-count='1']")).to_be_visible()
    page.locator("#plot").focus()
    page.keyboard.press("End")
    ring = page.locator(".u-over > .ring:not(.hover)")
    expect(ring).to_be_visible()
    place = ring.bounding_box()
    assert place
    page.locator("#point-panel").evaluate("panel => panel.replaceChildren()")
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(page.locator("#point-panel .point")).to_be_visible()


def see_all_panels(page: Page, link: Locator) -> None:
    """Open the drawing of all panels: nothing of it is withheld."""
    withheld: list[str] = []
    drawing = page.context.new_page()
    drawing.on("console", lambda message: withheld.append(message.text))
    drawing.goto(link.get_attribute("href") or "")
    expect(drawing.locator("image").first).to_be_visible()
    drawing.close()
    assert withheld == []


def test_from_the_sign_in_page_to_a_point_and_back(
    stack: Stack, visitor: Visitor, reference_stars: None
) -> None:
    page = visitor.page
    sign_in(page, stack)
    target_id = register_target(page)
    register_camera(page)
    observer = stack.plan.administrator[0]
    upload_frame(page, target_id, observer)

    click_the_point(page)
    panel = page.locator("#point-panel")
    expect(panel).to_contain_text(HUNTSMAN_FRAME)
    expect(panel).to_contain_text("Zero point")
    expect(panel).to_contain_text("r(GaiaSP)")
    expect(panel).to_contain_text(observer)
    plot = panel.locator(".plot-image img")
    expect(plot).to_be_visible()
    expect(plot).not_to_have_js_property("naturalWidth", 0)
    see_all_panels(page, panel.get_by_role("link", name="All panels"))
    (point,) = curve_csv(page, target_id)
    assert point["passband"] == "r(GaiaSP)"

    panel.get_by_label("Hide this point because").fill(REASON)
    panel.get_by_role("button", name="Hide", exact=True).click()
    expect(panel).to_contain_text(REASON)
    expect(page.locator("#light-curve[data-count='0']")).to_be_visible()
    assert curve_csv(page, target_id) == []

    page.get_by_label("hidden and poor points").check()
    expect(page.get_by_text("1 hidden by people (grey crosses)")).to_be_visible()
    panel.get_by_role("button", name="Show this point again").click()
    expect(panel.get_by_label("Hide this point because")).to_be_visible()
    page.get_by_label("hidden and poor points").uncheck()
    expect(page.locator("#light-curve[data-count='1']")).to_be_visible()
    assert curve_csv(page, target_id) == [point]
    assert visitor.complaints == []


def test_every_page_is_whole_and_light(stack: Stack, visitor: Visitor) -> None:
    page = visitor.page
    sign_in(page, stack)
    paths = ["/", "/targets", "/targets/new", "/cameras", "/cameras/new", "/upload"]
    paths += ["/uploads", "/profile", "/system", "/about"]
    for path in paths:
        page.context.clear_cookies(name="none")
        visitor.weights.clear()
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert "unsafe" not in answer.headers["content-security-policy"]
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert sum(visitor.weights.values()) <= MAX_PAGE_BYTES, path
    assert visitor.complaints == []


def test_the_system_page_names_every_service(stack: Stack, visitor: Visitor) -> None:
    page = visitor.page
    sign_in(page, stack)
    page.goto("/system")
    for title in ("Targets, cameras", "Uploads", "Calibration", "Archives and alerts"):
        card = page.locator(".health-card").filter(has_text=title)
        expect(card.locator(".state")).to_have_text(re.compile("ready|degraded"))


def test_a_session_ends_with_signing_out(
    stack: Stack, visitor: Visitor, admin: ApiClient
) -> None:
    page = visitor.page
    sign_in(page, stack)
    (cookie,) = [
        one for one in page.context.cookies() if one["name"] == "bhtom_session"
    ]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto("/uploads")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fuploads"))
    with ApiClient(stack.plan.public_url, cookie["value"]) as client:
        assert client.http.get("/api/v1/me").status_code == 401
