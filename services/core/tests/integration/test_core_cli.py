"""Core's own commands."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bhtom_core.cli import main


@pytest.fixture
def command(core_settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", str(core_settings.database_url))

    async def run(*arguments: str, text: str | None = None) -> Result:
        # In a thread of its own: a command starts an event loop.
        return await asyncio.to_thread(
            CliRunner().invoke, main, list(arguments), input=text
        )

    return run


async def sign_in(core, username: str, password: str) -> int:
    async with core.client() as client:
        body = {"username": username, "password": password}
        return (await client.post("/api/token-auth/", json=body)).status_code


async def test_an_administrator_with_the_password_from_a_file(
    core, command, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("from a file 1\n")
    made = await command(
        "create-admin", "--username", "filer", "--password-file", str(secret)
    )
    assert made.exit_code == 0, made.output
    assert "from a file" not in made.output
    assert await sign_in(core, "filer", "from a file 1") == 200
    again = await command(
        "create-admin", "--username", "filer", "--password-file", str(secret)
    )
    assert again.exit_code == 1
    assert "There is already a user 'filer'" in again.output


async def test_an_administrator_with_the_password_asked_for(core, command) -> None:
    made = await command(
        "create-admin",
        "--username",
        "prompted",
        "--password-prompt",
        text="typed twice 1\ntyped twice 1\n",
    )
    assert made.exit_code == 0, made.output
    assert "typed twice" not in made.output
    assert await sign_in(core, "prompted", "typed twice 1") == 200


async def test_an_administrator_with_the_password_of_the_environment(
    core, command, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = await command("create-admin", "--username", "environed")
    assert missing.exit_code == 1
    assert "BHTOM_ADMIN_PASSWORD" in missing.output
    monkeypatch.setenv("BHTOM_ADMIN_PASSWORD", "from outside 1")
    made = await command("create-admin", "--username", "environed")
    assert made.exit_code == 0, made.output
    assert await sign_in(core, "environed", "from outside 1") == 200
    weak = await command("create-admin", "--username", "a b")
    assert weak.exit_code == 1
    assert "username: use" in weak.output


async def test_the_state_is_told_again(core, command) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    done = await command("republish-state")
    assert done.exit_code == 0, done.output
    assert "targets: 1" in done.output
    told = await core.events("target.changed", target["target_id"])
    assert len(told) == 2
    assert told[0] == told[1]
