"""What a person types to look after dead letters and the outbox."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from bhtom_runtime.dead_letters_cli import dead_letters_group
from bhtom_runtime.failures import Permanent
from bhtom_runtime.outbox_cli import outbox_group
from bhtom_runtime.service import Parts, Service
from bhtom_runtime.settings import ServiceSettings

Command = Callable[..., Any]


@pytest.fixture
def command(world: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs `dead-letters ...` or `outbox ...` as a service's program would."""
    url = world.database.url.set(drivername="postgresql")
    monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("BHTOM_OBJECT_STORE", str(tmp_path))
    service = Service(
        name="core",
        package="bhtom_core",
        settings=ServiceSettings,
        infrastructure=world.database.infrastructure,
        build=lambda _: Parts(subscriptions=world.subscriptions()),
    )
    program = click.Group("program")
    program.add_command(dead_letters_group(service))
    program.add_command(outbox_group(service))

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, program, arguments)

    return run


async def test_a_dead_letter_is_found_looked_at_and_replayed(
    world: Any, tools: Any, command: Command
) -> None:
    message = world.message(tools.noted(place="a", number=1))
    await world.inbox().bury(message, Permanent("The star is gone."), 3)
    await world.inbox().apply([world.message(tools.noted(place="a", number=2))])
    dead, parked = await world.letters()

    listed = await command("dead-letters", "list")
    assert listed.exit_code == 0, listed.output
    assert "The star is gone." in listed.output
    assert "2 dead letters." in listed.output
    only_dead = await command("dead-letters", "list", "--state", "dead")
    assert "1 dead letters." in only_dead.output

    shown = await command("dead-letters", "show", str(dead.id))
    assert str(dead.event_id) in shown.output
    assert '"number":1' in shown.output
    assert "ce_type" in shown.output

    refused = await command("dead-letters", "replay", str(parked.id))
    assert refused.exit_code == 1
    assert "comes before" in refused.output

    world.broken[2] = Permanent("Not yet.")
    half = await command("dead-letters", "replay", str(dead.id))
    assert half.exit_code == 1
    assert f"Dead letter {parked.id} failed again: Not yet." in half.output

    given_up = await command("dead-letters", "discard", str(parked.id))
    assert given_up.exit_code == 0, given_up.output
    assert await world.numbers() == [1]
    assert await world.letters() == []


async def test_published_events_can_be_sent_again(
    world: Any, tools: Any, command: Command
) -> None:
    await world.note(tools.noted(place="a", number=1))
    await world.rows("UPDATE core.outbox SET published_at = now() RETURNING id")
    future = await command("outbox", "republish", "--since", "2999-01-01")
    assert "0 events" in future.output
    again = await command("outbox", "republish", "--topic", world.fact.name)
    assert "1 events wait" in again.output
    assert await world.unpublished() == 1
