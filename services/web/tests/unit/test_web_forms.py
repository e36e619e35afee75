"""Forms: what is sent on, what is refused, and where the refusal is said."""

from collections.abc import Callable
from copy import deepcopy
from types import ModuleType
from typing import Any

import httpx
import pytest

from bhtom_web.forms import MAX_FORM_BYTES, errors_by_field, parse_number
from bhtom_web.services import ApiProblem

Visitors = Callable[..., httpx.AsyncClient]


async def test_signing_in_gives_the_cookie_of_core(
    visit_as: Visitors, services: ModuleType
) -> None:
    client = visit_as()
    form = {"username": "ada", "password": "right horse", "next": "/uploads?state=x"}
    response = await client.post("/sign-in", data=form)
    assert response.status_code == 303
    assert response.headers["location"] == "/uploads?state=x"
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"bhtom_session={services.ADA};")
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()


async def test_a_wrong_password_is_said_and_never_shown(visit_as: Visitors) -> None:
    form = {"username": "ada", "password": "wr0ng-secret"}
    response = await visit_as().post("/sign-in", data=form)
    assert response.status_code == 400
    assert "The user name or the password is wrong." in response.text
    assert 'value="ada"' in response.text
    assert "wr0ng-secret" not in response.text
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "onward", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", ""]
)
async def test_signing_in_never_leads_elsewhere(
    visit_as: Visitors, onward: str
) -> None:
    form = {"username": "ada", "password": "right horse", "next": onward}
    response = await visit_as().post("/sign-in", data=form)
    assert response.headers["location"] == "/"


async def test_one_visitors_session_never_reaches_another(
    visit_as: Visitors, world: Any
) -> None:
    form = {"username": "root", "password": "right horse"}
    await visit_as().post("/sign-in", data=form)
    world.requests.clear()
    await visit_as().get("/targets")
    assert world.requests
    for request in world.requests:
        assert "cookie" not in request.headers
        assert "authorization" not in request.headers


async def test_signing_out_forgets_the_cookie_even_when_core_is_down(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    world.down = {"core"}
    response = await visit_as(services.ADA).post("/sign-out")
    assert response.status_code == 303
    assert 'bhtom_session=""' in response.headers["set-cookie"]


async def test_forms_of_other_sites_are_refused(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://testserver.evil.example"},
    ):
        response = await client.post("/uploads/102/retry", headers=headers)
        assert response.status_code == 403
        assert "not sent from a page of this site" in response.text
    del client.headers["origin"]
    crossed = {"sec-fetch-site": "cross-site"}
    assert (await client.post("/sign-out", headers=crossed)).status_code == 403
    assert world.products[1]["state"] == "failed"


async def test_a_target_is_registered(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    form = {"name": "New star", "ra": "04:20:00.4", "dec": "-54:56:16", "pm_ra": "1,5"}
    response = await visit_as(services.ADA).post("/targets/new", data=form)
    assert response.headers["location"] == "/targets/4?done=target-created"
    assert world.targets[-1]["name"] == "New star"


async def test_a_close_target_is_linked_to(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    form = {"name": "Twin", "ra": "10", "dec": "20"}
    response = await client.post("/targets/new", data=form)
    assert response.status_code == 409
    assert '<a href="/targets/1">NGC 1566</a>, 1.20″ away' in response.text
    assert 'id="ra-error">A target lies 1.20 arcsec' in response.text
    assert "javascript:" not in response.text
    assert 'name="allow_close"' in response.text
    again = await client.post("/targets/new", data={**form, "allow_close": "on"})
    assert again.status_code == 303


async def test_errors_stand_beside_their_fields(
    visit_as: Visitors, services: ModuleType
) -> None:
    client = visit_as(services.ADA)
    form = {"name": "Bad", "ra": "10", "dec": "20", "description": "kept <i>"}
    response = await client.post("/targets/new", data=form)
    assert response.status_code == 422
    assert 'id="importance-error">Importance is 0 to 10.' in response.text
    assert "<details open>" in response.text
    assert "kept &lt;i&gt;" in response.text
    empty = await client.post("/targets/new", data={"epoch": "long ago"})
    assert empty.text.count("This field is required.") == 3
    assert "This must be a number, for example 2016.0." in empty.text


async def test_an_edit_over_another_edit_is_stopped(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    form = {"name": "NGC 1566", "ra": "65", "dec": "-55", "description": "mine"}
    stale = await client.post("/targets/1/edit", data={**form, "version": "2"})
    assert stale.status_code == 412
    assert "Somebody changed this target" in stale.text
    assert 'name="version" value="3"' in stale.text
    fresh = await client.post("/targets/1/edit", data={**form, "version": "3"})
    assert fresh.status_code == 303
    assert world.targets[0]["description"] == "mine"


async def test_a_camera_with_a_new_observatory(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    form = {"observatory_id": "new", "camera_name": "C1", "name": "Hill"}
    site = {"longitude": "19.82", "latitude": "95", "gain": ""}
    refused = await client.post("/cameras/new", data={**form, **site})
    assert 'id="latitude-error">Latitude lies between' in refused.text
    site["latitude"] = "50.05"
    made = await client.post("/cameras/new", data={**form, **site})
    assert made.headers["location"] == "/cameras?done=camera-registered"
    assert world.cameras[-1]["camera_name"] == "C1"


async def test_a_cameras_second_order_extinction_is_written_as_text(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    form = {"observatory_id": "1", "camera_name": "C2"}
    for wrong in ("0.03", "GaiaSP/B", "GaiaSP/B 0,03 0,02", "GaiaSP/B 1.2.3"):
        answer = await client.post(
            "/cameras/new", data={**form, "second_order_extinction": wrong}
        )
        assert answer.status_code == 422, wrong
        assert 'id="second_order_extinction-error"' in answer.text
    text = "GaiaSP/B 0.03; GaiaSP/g = −0.02,"
    made = await client.post(
        "/cameras/new", data={**form, "second_order_extinction": text}
    )
    assert made.headers["location"] == "/cameras?done=camera-registered"
    assert world.cameras[-1]["second_order_extinction"] == [
        {"passband": "GaiaSP/B", "value": 0.03},
        {"passband": "GaiaSP/g", "value": -0.02},
    ]


async def test_an_administrator_approves(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    yes = {"approved": "true"}
    observer = await visit_as(services.ADA).post("/cameras/2/approval", data=yes)
    assert observer.status_code == 403
    assert "Only administrators approve cameras." in observer.text
    await visit_as(services.ROOT).post("/cameras/2/approval", data=yes)
    assert world.cameras[1]["active"] is True


async def test_an_approval_that_says_nothing_changes_nothing(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    before = deepcopy(world.cameras)
    root = visit_as(services.ROOT)
    for path in ("/cameras/1/approval", "/cameras/1/activation"):
        for form in ({}, {"approved": "perhaps", "active": "perhaps"}):
            answer = await root.post(path, data=form)
            assert answer.status_code == 422
            assert "neither yes nor no" in answer.text
    assert world.cameras == before


async def test_hiding_a_point_needs_a_reason(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    client.headers["HX-Request"] = "true"
    empty = await client.post("/points/1/hide", data={"reason": " "})
    assert "Say why, so that others understand." in empty.text
    assert "hx-trigger" not in empty.headers
    hidden = await client.post("/points/1/hide", data={"reason": "cloud <b>"})
    assert hidden.headers["hx-trigger"] == "light-curve-changed"
    assert "Hidden by ada: cloud &lt;b&gt;" in hidden.text
    await client.post("/points/1/unhide")
    assert world.points[0]["hidden"] is False


async def test_an_ended_session_leads_htmx_to_the_sign_in_page(
    visit_as: Visitors,
) -> None:
    headers = {
        "HX-Request": "true",
        "HX-Current-URL": "http://testserver/targets/1?a=b",
    }
    response = await visit_as("f" * 40).post("/points/1/hide", headers=headers)
    expected = "/sign-in?next=%2Ftargets%2F1%3Fa%3Db"
    assert response.headers["hx-redirect"] == expected


async def test_a_new_token_is_shown_once(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    nothing = await client.post("/profile/tokens", data={"name": "robot 2"})
    assert "Choose at least one thing" in nothing.text
    form = {"name": "robot 2", "read": "on", "expires_in_days": "30"}
    made = await client.post("/profile/tokens", data=form)
    assert "c0ffee" in made.text
    assert "c0ffee" not in (await client.get("/profile")).text
    await client.post("/profile/tokens/32/revoke")
    assert world.tokens[1]["revoked_at"]


async def test_changing_the_password_ends_the_session(
    visit_as: Visitors, services: ModuleType
) -> None:
    client = visit_as(services.ADA)
    form = {"current_password": "right horse", "new_password": "short"}
    refused = await client.post("/profile/password", data=form)
    assert 'id="new_password-error">password: use 8' in refused.text
    assert "right horse" not in refused.text
    form["new_password"] = "a longer one"
    changed = await client.post("/profile/password", data=form)
    assert changed.headers["location"] == "/sign-in?done=password-changed"
    assert 'bhtom_session=""' in changed.headers["set-cookie"]


async def test_an_administrator_makes_accounts(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    assert (await visit_as(services.ADA).get("/people")).status_code == 403
    client = visit_as(services.ROOT)
    form = {"username": "ada", "password": "a longer one"}
    taken = await client.post("/people", data=form)
    assert taken.status_code == 409
    assert "There is already a user" in taken.text
    assert "a longer one" not in taken.text
    form["username"] = services.HOSTILE
    made = await client.post("/people", data=form)
    assert made.headers["location"] == "/people?done=person-created"
    assert world.people[0]["is_admin"] is False
    assert "<script>alert" not in (await client.get("/people")).text
    await client.post("/people/9", data={"is_active": "false"})
    assert world.people[0]["is_active"] is False


async def test_a_failed_frame_is_calibrated_again(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    bad = await client.post("/uploads/102/retry", data={"match_radius": "wide"})
    assert "This must be a number" in bad.text
    await client.post("/uploads/102/retry", data={"filter": "GaiaSP/r"})
    assert world.products[1]["state"] == "calibrating"


async def test_other_services_being_down_spoils_no_page(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    world.down = {"upload", "cpcs", "harvester"}
    for path in ("/", "/points/1", "/targets/1", "/targets/1/archives", "/about"):
        response = await client.get(path)
        assert response.status_code == 200, path
    failed = await client.get("/uploads")
    assert failed.status_code == 503
    assert "receives and tracks uploads does not answer" in failed.text
    world.down = {"core"}
    assert (await client.get("/uploads")).status_code == 200
    assert (await client.get("/upload")).status_code == 200
    assert (await client.get("/targets")).status_code == 503


async def test_no_form_may_be_endless(visit_as: Visitors, services: ModuleType) -> None:
    form = {"description": "x" * (MAX_FORM_BYTES + 1)}
    response = await visit_as(services.ADA).post("/targets/new", data=form)
    assert response.status_code == 413


def problem(sentence: str, **details: Any) -> ApiProblem:
    """A refusal by core."""
    return ApiProblem("core", 422, "invalid", sentence, details)


def test_where_an_error_belongs() -> None:
    names = ("name", "pm_ra", "ra")
    fields = [{"field": "pm_ra", "message": "m"}, {"field": "odd", "message": "o"}]
    listed = errors_by_field(problem("s", fields=fields), names)
    assert listed == {"pm_ra": "m", "": "o"}
    assert errors_by_field(problem("s", field="ra"), names) == {"ra": "s"}
    named = problem("The name cannot contain a slash.")
    assert errors_by_field(named, names) == {"name": named.sentence}
    other = problem("Rates are limited.")
    assert errors_by_field(other, names) == {"": other.sentence}


@pytest.mark.parametrize(("text", "value"), [("1,5", 1.5), ("−3", -3.0), ("2e1", 20.0)])
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "nan", "inf", "1.2.3", "ten"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError):
        parse_number(text)
