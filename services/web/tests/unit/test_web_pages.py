"""Every page renders for strangers, observers and administrators, and stays safe."""

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx
import pytest

Visitors = Callable[..., httpx.AsyncClient]
FOR_ALL = (
    *("/", "/targets", "/targets/1", "/targets/3", "/points/1", "/cameras"),
    *("/cameras/1", "/system", "/about", "/sign-in", "/sign-out"),
    *("/targets/1/decisions", "/targets/2/decisions"),
)
FOR_SIGNED_IN = (
    *("/targets/new", "/targets/1/edit", "/cameras/new", "/upload"),
    *("/uploads", "/uploads/101", "/uploads/104", "/uploads/105"),
    *("/profile", "/people"),
    *("/cameras/1/report", "/cameras/2/report"),
    *("/cameras/1/filters", "/cameras/2/filters", "/cameras/1/versions"),
    *("/recalibrations", "/recalibrations?target_id=1", "/recalibrations/7"),
)
PAGES = (*FOR_ALL, *FOR_SIGNED_IN)


@pytest.mark.parametrize("path", FOR_ALL)
async def test_strangers_see_public_pages(visit_as: Visitors, path: str) -> None:
    response = await visit_as().get(path)
    assert response.status_code == 200
    assert 'href="/sign-in"' in response.text


@pytest.mark.parametrize("path", FOR_SIGNED_IN)
async def test_strangers_are_led_to_the_sign_in_page(
    visit_as: Visitors, path: str
) -> None:
    response = await visit_as().get(path)
    assert response.status_code == 303
    assert response.headers["location"].startswith("/sign-in?next=%2F")


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/sign-in"])
async def test_administrators_see_every_page(
    visit_as: Visitors, services: ModuleType, path: str
) -> None:
    response = await visit_as(services.ROOT).get(path)
    assert response.status_code == 200
    assert "administrator" in response.text


@pytest.mark.parametrize("path", PAGES)
async def test_pages_need_no_inline_script_or_style(
    visit_as: Visitors, services: ModuleType, path: str
) -> None:
    response = await visit_as(services.ADA).get(path)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    text = response.text
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"<style|\sstyle=", text)
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", text)
    assert "javascript:" not in text
    assert not re.search(r"""(src|action)=["'](https?:)?//""", text)
    assert not re.search(r"""<link[^>]*href=["'](https?:)?//""", text)


@pytest.mark.parametrize("path", ["/", "/targets", "/targets/3", "/uploads/104"])
async def test_foreign_text_is_never_markup(
    visit_as: Visitors, services: ModuleType, path: str
) -> None:
    text = (await visit_as(services.ADA).get(path)).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert "{{7*7}}" in text


async def test_pages_are_kept_by_no_cache(
    visit_as: Visitors, services: ModuleType
) -> None:
    client = visit_as(services.ADA)
    page = await client.get("/uploads")
    assert page.headers["cache-control"] == "no-store"
    (style,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)
    kept = await client.get(style)
    assert kept.status_code == 200
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["x-content-type-options"] == "nosniff"


async def test_unknown_pages_answer_with_a_sentence(visit_as: Visitors) -> None:
    for path in ("/nothing", "/targets/999", "/points/999", "/cameras/x"):
        response = await visit_as().get(path)
        assert response.status_code == 404, path
        assert "<h1>Not found</h1>" in response.text
        assert "There is no such" in response.text


async def test_figures_carry_their_units(
    visit_as: Visitors, services: ModuleType
) -> None:
    text = (await visit_as(services.ADA).get("/points/1")).text
    for figure in (
        "27.312 ± 0.004 mag",
        "0.031 mag",
        "300.0 s",
        "61 of 66 matched",
        "2.28″ (1.84 px)",
        "1.250 e⁻/ADU",
        "1.239″/px",
        "0.0121 mag",
        "15.731 ± 0.018 mag",
        "2.6 MB",
        "UTC",
    ):
        assert figure in text, figure
    assert "the stars show r" in text
    assert 'src="/api/v1/calibrations/501/plot.png"' in text
    assert "elsewhere.example" not in text


async def test_a_target_is_found_by_its_name(visit_as: Visitors) -> None:
    response = await visit_as().get("/targets/NGC%201566")
    assert response.status_code == 200
    assert "04h 20m 00.41s" in response.text
    assert 'data-curve="/api/v1/targets/1/light-curve"' in response.text


async def test_only_administrators_are_offered_to_approve(
    visit_as: Visitors, services: ModuleType
) -> None:
    assert "Approve" in (await visit_as(services.ROOT).get("/cameras")).text
    assert "Approve" not in (await visit_as(services.ADA).get("/cameras")).text


async def test_failures_are_told_in_plain_words(
    visit_as: Visitors, services: ModuleType
) -> None:
    text = (await visit_as(services.ADA).get("/uploads")).text
    assert "The header has no usable celestial coordinates" in text
    assert "Solve the frame (ASTAP does it)." in text
    assert 'action="/uploads/102/retry"' in text
    assert 'action="/uploads/101/retry"' not in text


async def test_htmx_gets_parts_of_pages(
    visit_as: Visitors, services: ModuleType
) -> None:
    client = visit_as(services.ADA)
    for path in ("/targets?name=ngc", "/uploads", "/points/1", "/system"):
        response = await client.get(path, headers={"HX-Request": "true"})
        assert response.status_code == 200
        assert "<html" not in response.text, path


async def test_the_system_page_tells_of_every_service(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    world.down = {"cpcs", "harvester"}
    text = (await visit_as(services.ADA).get("/system")).text
    assert "Something is not well" in text
    assert text.count('class="state unreachable"') == 2
    assert text.count('class="state degraded"') == 2
    assert "Kafka does not answer." in text


async def test_health_details_are_for_those_who_signed_in(visit_as: Visitors) -> None:
    text = (await visit_as().get("/system")).text
    assert "receiving events (Kafka): not ok" in text
    assert "Kafka does not answer." not in text


async def test_the_service_itself_is_ready(visit_as: Visitors) -> None:
    response = await visit_as().get("/health/ready")
    assert response.json()["status"] == "ready"


async def test_a_report_card_becomes_a_version_by_its_owners_step(
    visit_as: Visitors, services: ModuleType
) -> None:
    visitor = visit_as(services.ADA)
    page = (await visitor.get("/cameras/1/report")).text
    assert "nights with exposures of different length" in page
    assert "40 frames disagree" in page
    # of the flat-field maps, one for each band and image, in thousandths
    assert ">+13<" in page
    assert page.index("r(GaiaSP)</h3>") < page.index(">+13<") < page.index(">+21<")
    assert "g(GaiaSP) · image 2 N2 · G pixels" in page
    assert "binned 2 × 2" in page
    assert "6 are left out: 1 × 1." in page
    stale = await visitor.post("/cameras/1/report", data={"digest": "0000000000000000"})
    assert stale.status_code == 409
    done = await visitor.post("/cameras/1/report", data={"digest": "5eed5eed5eed5eed"})
    assert done.status_code == 303
    again = (await visitor.get("/cameras/1/report")).text
    assert "version 2 rests on these frames" in again
    assert "Make it version" not in again


@pytest.mark.parametrize("path", ["/upload", "/uploads/102"])
async def test_bands_of_what_is_imported_are_offered(
    path: str, visit_as: Visitors, services: ModuleType
) -> None:
    text = (await visit_as(services.ADA).get(path)).text
    assert 'value="GaiaSP/any"' in text
    assert 'value="2MASS/any"' in text
    assert 'value="2MASS/J"' in text
    assert text.count('value="GaiaSP/g"') == 1


async def test_the_upload_form_takes_frames_and_catalogues(
    visit_as: Visitors, services: ModuleType
) -> None:
    text = (await visit_as(services.ADA).get("/upload")).text
    assert '<option value="fits_file"' in text
    assert '<option value="photometry"' in text
    assert 'name="mjd"' in text


async def test_old_and_new_are_compared_before_they_are_accepted(
    visit_as: Visitors, services: ModuleType
) -> None:
    visitor = visit_as(services.ADA)
    asked = await visitor.post("/recalibrations", data={"target_id": "1"})
    assert asked.headers["location"].startswith("/recalibrations/7?done=")
    page = (await visitor.get("/recalibrations/7")).text
    told_of_old = "r(GaiaSP) · aperture-1 · sim+1"
    for told in ("15.100", "15.123", "+0.0230", told_of_old, "No WCS.", "Accept"):
        assert told in page, told
    for told in (
        "error 0.0300 → 0.3000 (× 10.00)",
        "5 σ limit 19.000 → 18.200",
        "flag poor zero point appears",
        "flag blended goes",
        "mid-exposure +30.000 s",
        "Other flags",
    ):
        assert told in page, told
    assert re.search(r'<a href="/targets/1">(?!target 1<)', page)
    assert "every 5s" not in page
    accepted = await visitor.post("/recalibrations/7/accept")
    assert accepted.status_code == 303
    page = (await visitor.get("/recalibrations/7")).text
    assert "every 5s" in page
    assert "Accept" not in page
    assert (await visitor.post("/recalibrations/7/typo")).status_code == 404


async def test_a_wish_for_a_recalibration_is_checked(
    visit_as: Visitors, services: ModuleType
) -> None:
    visitor = visit_as(services.ADA)
    nothing = await visitor.post("/recalibrations", data={})
    assert nothing.status_code == 422
    assert "select something" in nothing.text
    named = await visitor.post("/recalibrations", data={"target_id": "NGC 1566"})
    assert named.status_code == 303
    unknown = await visitor.post("/recalibrations", data={"target_id": "M 31"})
    assert "There is no target of this name or number." in unknown.text
    wrong = await visitor.post("/recalibrations", data={"from_mjd": "yesterday"})
    assert wrong.status_code == 422
    assert "This must be a number" in wrong.text


async def test_an_owner_leaves_the_operators_rule_and_goes_back(
    visit_as: Visitors, services: ModuleType
) -> None:
    visitor, path = visit_as(services.ADA), "/cameras/1/versions"
    await visitor.post("/cameras/1/report", data={"digest": "5eed5eed5eed5eed"})
    page = (await visitor.get(path)).text
    assert "it rests on at least 50 frames of 5 nights." in page
    assert "Accepted by &lt;b&gt;." in page
    assert "60 frames of 6 nights" in page
    left = await visitor.post("/cameras/1/acceptance-rule", data={"follows": "false"})
    assert left.headers["location"] == f"{path}?done=camera-left-rule"
    assert "waits for ada" in (await visitor.get(path)).text
    back = await visitor.post(f"{path}/1/restore")
    assert back.headers["location"] == f"{path}?done=camera-restored"
    assert (await visitor.get(f"{path}?done=camera-restored")).status_code == 200


async def test_an_owner_rules_on_a_filter_and_takes_it_back(
    visit_as: Visitors, services: ModuleType
) -> None:
    visitor = visit_as(services.ADA)
    page = (await visitor.get("/cameras/1/filters")).text
    assert "not settled yet" in page
    assert "Rs&lt;b&gt;" in page
    assert "each frame's own stars decide" in page
    assert "a private frame to now" in page
    assert "12 frames were asked for in this band alone" in page
    wish = {"filter_card": "R", "kind": "settle", "passband": "GaiaSP/r", "why": "new"}
    refused = await visitor.post("/cameras/1/filters", data=wish)
    assert refused.status_code == 422
    assert "No frames propose it." in refused.text
    done = await visitor.post("/cameras/1/filters", data=wish | {"kind": "force"})
    assert done.headers["location"] == "/cameras/1/filters?done=ruling"
    assert "Withdraw" in (await visitor.get("/cameras/1/filters")).text
    back = await visitor.post("/cameras/1/filters/3/withdraw")
    assert back.status_code == 303
    assert "withdrawn by ada" in (await visitor.get("/cameras/1/filters")).text


async def test_decisions_about_a_target_have_units_and_reasons(
    visit_as: Visitors, services: ModuleType
) -> None:
    visitor = visit_as(services.ADA)
    text = (await visitor.get("/targets/1/decisions")).text
    for told in (
        "24 frames",
        "± 0.007″",
        "0.620 ± 0.040 mag",
        "Siding-Spring_Huntsman",
    ):
        assert told in text, told
    assert "2 stars within 30″ are fitted beside the target" in text
    assert "From GaiaSP DR3; 1 found in frames; on a host." in text
    assert "20 frames of 3 nights together found light about the target" in text
    assert "4.1 ± 0.6 % of the light there. 1 of them shows it alone." in text
    assert ", the host, found in frames</option>" in text
    assert "12 frames of 3 nights found the star at" in text
    assert "r(GaiaSP) 17.08, its place good to 0.011″" in text
    assert "owner dropped the star at" in text
    assert "A ghost." in text
    assert "Points measured with an earlier version keep it" in text
    assert '<a href="/recalibrations?target_id=1">calibrated again</a>' in text
    assert text.index(">frames</td>") < text.index(">the catalogue</td>")
    listed = text.index("04h 20m 02.40s −54° 56′ 24.0″</option>")
    assert text.index("found in frames</option>") < listed
    nothing = (await visitor.get("/targets/2/decisions")).text
    for told in ("Not measured yet", "Not known: no", "None yet", "Not known yet"):
        assert told in nothing, told


async def test_an_owner_drops_a_neighbour_and_takes_it_back(
    visit_as: Visitors, services: ModuleType
) -> None:
    visitor = visit_as(services.ADA)
    page = (await visitor.get("/targets/1/decisions")).text
    assert "Drop a neighbour" in page
    place = "/targets/1/decisions"
    wish = {"star": "65.01 -54.94", "why": "A ghost."}
    refused = await visitor.post(place, data=wish | {"why": "x"})
    assert refused.status_code == 422
    assert "Say why." in refused.text
    done = await visitor.post(place, data=wish)
    assert done.headers["location"] == f"{place}?done=ruling"
    back = await visitor.post(f"{place}/stars/1/withdraw")
    assert back.headers["location"] == f"{place}?done=ruling-withdrawn"


async def test_what_the_light_curve_holds_is_shown_before_what_was_looked_at(
    visit_as: Visitors, services: ModuleType
) -> None:
    text = (await visit_as(services.ADA).get("/uploads/101")).text
    assert "Calibration 501</h2>" in text
    preview = text.index("<summary>Calibration 511: measured in a preview")
    assert preview > text.index("Calibration 501</h2>")


async def test_of_a_mosaic_the_targets_chip_comes_first(
    visit_as: Visitors, services: ModuleType
) -> None:
    """The others are listed beneath, folded."""
    text = (await visit_as(services.ADA).get("/uploads/105")).text
    own = text.index("Calibration 502, image 2</h2>")
    for other in ("Calibration 501, image 1:", "Calibration 503, image 3:"):
        assert text.index(f"<summary>{other}") > own
    marked = text.index("the target's")
    assert text.index("Image 2</strong>") < marked < text.index("Image 3</strong>")
