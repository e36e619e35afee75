"""What other services may ask, the republished state, and the API's document."""

from openapi_spec_validator import validate

from bhtom_core.state_republishing import republish
from bhtom_runtime.auth import hash_token


async def test_other_services_ask_for_people_and_targets(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    target = await core.target(ada, aliases=["Alias 1 a"], visibility="private")
    same = await core.target(eve, name=target["name"])
    async with core.internal() as client:

        async def ask(path: str, **params: object):
            response = await client.get(f"/internal/{path}", params=params)
            assert response.status_code in (200, 404), response.text
            return response.json()["snapshot"] if response.is_success else None

        token = await ask(f"tokens/{hash_token(ada.token)}")
        assert token["user_id"] == ada.user_id
        assert await ask(f"tokens/{'0' * 64}") is None
        assert (await client.get("/internal/tokens/nonsense")).status_code == 422
        for found in (
            await ask(f"identities/{ada.user_id}"),
            await ask("identities/by-username", username=ada.username.upper()),
        ):
            assert found["username"] == ada.username
        assert await ask("identities/by-username", username="no\0body") is None
        by_alias = await ask("targets/by-name", name="ALIAS 1 a")
        assert by_alias["target_id"] == target["target_id"]
        # Private names may repeat: it depends on who means it.
        for person, wanted in ((ada, target), (eve, same)):
            found = await ask(
                "targets/by-name", name=target["name"], user_id=person.user_id
            )
            assert found["target_id"] == wanted["target_id"]
        for name in ("nothing of the kind", "x" * 5000, "", "a\0b"):
            assert await ask("targets/by-name", name=name) is None
            assert await ask("cameras/by-oname", oname=name) is None
        assert (await ask("targets/by-name", name=target["name"]))["target_id"] == same[
            "target_id"
        ]


async def test_nobody_else_may_ask(core) -> None:
    root = await core.person("root", admin=True)
    async with core.client(root) as client:
        answer = await client.get(f"/internal/identities/{root.user_id}")
    assert answer.status_code == 403
    async with core.client(None, **{"X-BHTOM-Internal": "wrong"}) as client:
        answer = await client.get(f"/internal/identities/{root.user_id}")
    assert answer.status_code == 403


async def test_the_whole_state_can_be_told_again(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    before = await core.last_event()
    counts = {name: count async for name, count in republish(core.database)}
    assert counts["targets"] >= 1
    assert counts["identities"] >= 1
    assert counts["tokens"] >= 1
    (event,) = await core.events("target.changed", target["target_id"], before)
    (first,) = (await core.events("target.changed", target["target_id"]))[:1]
    assert event == first


async def test_the_document_of_the_api_is_valid(core) -> None:
    async with core.client() as client:
        document = (await client.get("/openapi.json")).json()
    validate(document)
    assert "/api/v1/targets/{target_id}/light-curve" in document["paths"]
    assert "/api/token-auth/" in document["paths"]
    assert not [path for path in document["paths"] if path.startswith("/internal")]
