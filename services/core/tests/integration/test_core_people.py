"""Signing in, tokens and users over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from bhtom_core.people.first_administrator import first_administrator
from bhtom_core.people.passwords import Passwords
from bhtom_core.people.tables import sign_in_attempts, tokens, users
from bhtom_core.settings import CoreSettings
from bhtom_runtime.auth import hash_token

PASSWORD = "a good password"
WRONG = {"non_field_errors": ["Unable to log in with provided credentials."]}


async def test_token_auth_as_bhtom_clients_know_it(core) -> None:
    ada = await core.person("ada")
    async with core.client() as client:
        credentials = {"username": ada.username, "password": PASSWORD}
        as_json = await client.post("/api/token-auth/", json=credentials)
        as_form = await client.post("/api/token-auth/", data=credentials)
        multipart = await client.post(
            "/api/token-auth/", files={k: (None, v) for k, v in credentials.items()}
        )
        no_slash = await client.post("/api/token-auth", json=credentials)
        issued = [r.json()["token"] for r in (as_json, as_form, multipart, no_slash)]
        assert all(len(token) == 40 for token in issued)
        assert len(set(issued)) == 4
        for token in (ada.token, *issued):
            headers = {"Authorization": f"Token {token}"}
            me = await client.get("/api/v1/me", headers=headers)
            assert me.status_code == 200
            assert me.json()["username"] == ada.username
            assert "password" not in me.text


async def test_token_auth_refusals_have_bhtom2_s_shapes(core) -> None:
    ada = await core.person("ada")
    path = "/api/token-auth/"
    async with core.client() as client:
        wrong = await client.post(
            path, json={"username": ada.username, "password": "wrong"}
        )
        assert (wrong.status_code, wrong.json()) == (400, WRONG)
        unknown = await client.post(
            path, json={"username": "no\0body", "password": "x"}
        )
        assert (unknown.status_code, unknown.json()) == (400, WRONG)
        empty = await client.post(
            path, content=b"", headers={"Content-Type": "application/json"}
        )
        assert empty.status_code == 400
        assert empty.json() == {
            "username": ["This field is required."],
            "password": ["This field is required."],
        }
        blank = await client.post(path, json={"username": " ", "password": "x"})
        assert blank.json() == {"username": ["This field may not be blank."]}
        broken = await client.post(path, content=b"{")
        assert broken.status_code == 400
        assert broken.json()["detail"].startswith("JSON parse error")
        long = await client.post(path, content=b"x" * 20_000)
        assert long.status_code == 400


async def test_a_session_is_a_cookie_that_can_be_ended(core) -> None:
    ada = await core.person("ada")
    credentials = {"username": ada.username.upper(), "password": PASSWORD}
    async with core.client(None, Origin="http://bhtom.test") as client:
        response = await client.post("/api/v1/session", json=credentials)
        assert response.status_code == 200
        assert response.json()["user"]["username"] == ada.username
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie  # the public address of this test is http
        token = response.cookies["bhtom_session"]
        assert token not in response.text
        assert (await client.get("/api/v1/me")).status_code == 200
        tokens_listed = (await client.get("/api/v1/tokens")).json()["items"]
        assert "session" not in [s for t in tokens_listed for s in t["scopes"]]
        foreign = await client.delete(
            "/api/v1/session", headers={"Origin": "http://evil.test"}
        )
        assert foreign.status_code == 403
        assert (await client.delete("/api/v1/session")).status_code == 204
        client.cookies.set("bhtom_session", token)
        assert (await client.get("/api/v1/me")).status_code == 401
    changes = await core.events("token.changed")
    of_session = [e for e in changes if e["token_hash"] == hash_token(token)]
    assert [e["aggregate_version"] for e in of_session] == [1, 2]
    assert of_session[0]["scopes"] == ["session"]
    assert of_session[1]["revoked_at"] is not None
    assert token not in str(changes)


async def test_a_wrong_password_is_no_session(core) -> None:
    ada = await core.person("ada")
    async with core.client() as client:
        response = await client.post(
            "/api/v1/session", json={"username": ada.username, "password": "wrong"}
        )
    assert response.status_code == 401
    assert response.json()["code"] == "wrong_credentials"


async def test_guessing_is_stopped_and_signing_in_forgets(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    async with core.client() as client:

        async def sign_in(person, password: str):
            body = {"username": person.username, "password": password}
            return await client.post("/api/token-auth/", json=body)

        for _ in range(3):
            assert (await sign_in(ada, "wrong")).status_code == 400
        assert (await sign_in(ada, PASSWORD)).status_code == 200
        for _ in range(4):
            assert (await sign_in(ada, "wrong")).status_code == 400
        refused = await sign_in(ada, PASSWORD)
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_attempts"
        assert "wait 1 minute and" in refused.json()["detail"]
        assert int(refused.headers["retry-after"]) == 60
        # The name in other letters is the same name; other people are not hit.
        shouted = {"username": ada.username.upper(), "password": PASSWORD}
        again = await client.post("/api/v1/session", json=shouted)
        assert again.status_code == 429
        assert (await sign_in(eve, PASSWORD)).status_code == 200


async def test_old_attempts_are_forgotten_by_a_job(core) -> None:
    async with core.database.unit_of_work() as unit:
        await unit.execute(
            sign_in_attempts.insert().values(
                attempt_key="old", attempted_at=datetime.now(UTC) - timedelta(hours=2)
            )
        )
    kind = next(k for k in core.parts.job_kinds if k.name == "forget_attempts")
    await kind.run(None)
    async with core.database.read() as connection:
        statement = select(func.count()).where(sign_in_attempts.c.attempt_key == "old")
        assert await connection.scalar(statement) == 0


async def test_tokens_are_shown_once_and_can_be_revoked(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    async with core.client(ada) as client:
        made = await client.post(
            "/api/v1/tokens",
            json={"name": "robot", "scopes": ["read", "upload"], "expires_in_days": 9},
        )
        assert made.status_code == 201
        token = made.json()
        assert token["last_digits"] == token["token"][-4:]
        listed = (await client.get("/api/v1/tokens")).json()["items"]
        assert [t["name"] for t in listed] == ["robot", "token-auth"]
        assert token["token"] not in str(listed)
        robot = {"Authorization": f"Bearer {token['token']}"}
        assert (await client.get("/api/v1/me", headers=robot)).status_code == 200
        denied = await client.post(
            "/api/v1/tokens", headers=robot, json={"name": "x", "scopes": ["write"]}
        )
        assert denied.status_code == 403
        async with core.client(eve) as others:
            path = f"/api/v1/tokens/{token['token_id']}"
            assert (await others.delete(path)).status_code == 404
        assert (await client.delete(path)).status_code == 204
        assert (await client.delete(path)).status_code == 204
        assert (await client.get("/api/v1/me", headers=robot)).status_code == 401
        admin = await client.post(
            "/api/v1/tokens", json={"name": "x", "scopes": ["admin"]}
        )
        assert admin.status_code == 422
    async with core.database.read() as connection:
        kept = await connection.scalar(
            select(tokens.c.token_hash).where(tokens.c.token_id == token["token_id"])
        )
    assert kept == hash_token(token["token"])


async def test_an_expired_token_is_no_token(core) -> None:
    ada = await core.person("ada")
    async with core.database.unit_of_work() as unit:
        await unit.execute(
            tokens.update()
            .where(tokens.c.user_id == ada.user_id)
            .values(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        )
    async with core.client(ada) as client:
        assert (await client.get("/api/v1/me")).status_code == 401


async def test_administrators_look_after_users(core) -> None:
    root, ada = await core.person("root", admin=True), await core.person("ada")
    new = {"username": "grace", "password": PASSWORD, "full_name": "Grace Hopper"}
    async with core.client(ada) as client:
        assert (await client.post("/api/v1/users", json=new)).status_code == 403
        assert (await client.get("/api/v1/users")).status_code == 403
    async with core.client(root) as client:
        made = await client.post("/api/v1/users", json=new)
        assert made.status_code == 201
        grace = made.json()
        again = await client.post("/api/v1/users", json={**new, "username": "GRACE"})
        assert again.status_code == 409
        assert again.json()["code"] == "user_exists"
        for bad in ({"username": "a b"}, {"password": "short"}, {"email": "x"}):
            refused = await client.post("/api/v1/users", json=new | bad)
            assert refused.status_code == 422
        path = f"/api/v1/users/{grace['user_id']}"
        changed = await client.patch(path, json={"email": "grace@example.org"})
        assert changed.json()["email"] == "grace@example.org"
        assert (await client.patch(path, json={"is_active": False})).status_code == 200
        assert (await client.patch("/api/v1/users/999999", json={})).status_code == 404
        names, cursor = [], None
        while True:
            params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
            page = await client.get("/api/v1/users", params=params)
            names += [user["username"] for user in page.json()["items"]]
            cursor = page.json()["next_cursor"]
            if cursor is None:
                break
        assert len(names) == len(set(names))
        assert {root.username, ada.username, "grace"} <= set(names)
        nonsense = await client.get("/api/v1/users", params={"cursor": "e30"})
        assert nonsense.status_code == 422
    async with core.client() as client:
        body = {"username": "grace", "password": PASSWORD}
        refused = await client.post("/api/token-auth/", json=body)
        assert (refused.status_code, refused.json()) == (400, WRONG)
    snapshots = await core.events("identity.changed", grace["user_id"])
    assert [s["aggregate_version"] for s in snapshots] == [1, 2, 3]
    assert [s["is_active"] for s in snapshots] == [True, True, False]
    assert "password" not in str(snapshots)
    assert "argon2" not in str(snapshots)


async def test_the_last_administrator_stays(core) -> None:
    async with core.database.unit_of_work() as unit:
        await unit.execute(users.update().values(is_admin=False))
    root = await core.person("root", admin=True)
    async with core.client(root) as client:
        path = f"/api/v1/users/{root.user_id}"
        for change in ({"is_admin": False}, {"is_active": False}):
            refused = await client.patch(path, json=change)
            assert refused.status_code == 409
            assert refused.json()["code"] == "last_administrator"
        assert (await client.get("/api/v1/me")).json()["is_admin"] is True


async def test_one_s_own_password(core) -> None:
    ada = await core.person("ada")
    fresh = "another good one"
    async with core.client(ada) as client:
        signed_in = await client.post(
            "/api/v1/session", json={"username": ada.username, "password": PASSWORD}
        )
        cookie = signed_in.cookies["bhtom_session"]
        wrong = await client.post(
            "/api/v1/me/password",
            json={"current_password": "no", "new_password": fresh},
        )
        assert wrong.status_code == 422
        done = await client.post(
            "/api/v1/me/password",
            json={"current_password": PASSWORD, "new_password": fresh},
        )
        assert done.status_code == 204
    async with core.client() as client:
        client.cookies.set("bhtom_session", cookie)
        assert (await client.get("/api/v1/me")).status_code == 401
        client.cookies.clear()
        for password, status in ((PASSWORD, 400), (fresh, 200)):
            body = {"username": ada.username, "password": password}
            answer = await client.post("/api/token-auth/", json=body)
            assert answer.status_code == status


@pytest.fixture
async def no_administrators(core) -> None:
    async with core.database.unit_of_work() as unit:
        await unit.execute(users.update().values(is_admin=False))


@pytest.mark.usefixtures("no_administrators")
async def test_the_first_administrator_is_made_once(core, core_settings) -> None:
    settings = CoreSettings(
        **core_settings.model_dump(exclude={"database_url"}),
    ).model_copy(
        update={
            "admin_username": "first",
            "admin_password": core_settings.internal_secret,
        }
    )
    start = first_administrator(core.database, Passwords(), settings)
    for _ in range(2):
        async with start():
            pass
    async with core.database.read() as connection:
        made = (await connection.execute(select(users).where(users.c.is_admin))).all()
    assert [user.username for user in made] == ["first"]
    async with core.client() as client:
        secret = core_settings.internal_secret.get_secret_value()
        body = {"username": "first", "password": secret}
        assert (await client.post("/api/token-auth/", json=body)).status_code == 200
