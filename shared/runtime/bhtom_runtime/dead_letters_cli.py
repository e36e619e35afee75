"""`dead-letters list|show|replay|discard` of a service's program."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import click

from bhtom_runtime.database import Database
from bhtom_runtime.dead_letters import OPEN, DeadLetter, get_letter, list_letters
from bhtom_runtime.errors import ServiceError
from bhtom_runtime.identity_replicas import identity_subscriptions
from bhtom_runtime.reading import Route, routes_of
from bhtom_runtime.replay import Replayed, discard, replay
from bhtom_runtime.run import open_context
from bhtom_runtime.service import Service
from bhtom_runtime.settings import SettingsError

STATES = ("dead", "parked", "replayed", "discarded", "replaced")
Resolve = Callable[[Database, Mapping[str, Route], int], Awaitable[Replayed]]


def dead_letters_group(service: Service) -> click.Group:
    """The commands with which a person looks after events that failed."""

    @click.group(name="dead-letters")
    def group() -> None:
        """Events that could not be applied, and what to do with them."""

    @group.command(name="list")
    @click.option("--state", "states", multiple=True, type=click.Choice(STATES))
    @click.option("--topic")
    @click.option("--limit", default=100, show_default=True)
    def show_list(states: tuple[str, ...], topic: str | None, limit: int) -> None:
        """List the unresolved ones, or those in the states given."""

        async def work(database: Database, _: Mapping[str, Route]) -> None:
            letters = await list_letters(
                database, states=states or OPEN, topic=topic, limit=limit
            )
            for letter in letters:
                click.echo(_line(letter))
            click.echo(f"{len(letters)} dead letters.")

        _run(service, work)

    @group.command()
    @click.argument("letter_id", type=int)
    def show(letter_id: int) -> None:
        """Show one whole: where it came from, why it failed, what it holds."""

        async def work(database: Database, _: Mapping[str, Route]) -> None:
            click.echo(_whole(await get_letter(database, letter_id)))

        _run(service, work)

    @group.command(name="replay")
    @click.argument("letter_id", type=int)
    def apply_again(letter_id: int) -> None:
        """Apply one again, then the events parked behind it."""
        _resolve(service, replay, letter_id)

    @group.command(name="discard")
    @click.argument("letter_id", type=int)
    def give_up(letter_id: int) -> None:
        """Give one up, then apply the events parked behind it."""
        _resolve(service, discard, letter_id)

    return group


def _resolve(service: Service, resolve: Resolve, letter_id: int) -> None:
    async def work(database: Database, routes: Mapping[str, Route]) -> None:
        done = await resolve(database, routes, letter_id)
        click.echo(f"{done.applied} events applied.")
        if done.failure is not None:
            raise click.ClickException(
                f"Dead letter {done.stopped_at} failed again: {done.failure}"
            )

    _run(service, work)


def _run(
    service: Service,
    work: Callable[[Database, Mapping[str, Route]], Awaitable[None]],
) -> None:
    async def run() -> None:
        async with open_context(service, service.settings.load()) as context:
            subscriptions = list(service.build(context).subscriptions)
            if service.token_source is None:
                subscriptions += identity_subscriptions(service.infrastructure)
            await work(context.database, routes_of(subscriptions))

    try:
        asyncio.run(run())
    except (ServiceError, SettingsError) as error:
        raise click.ClickException(str(error)) from error


def _line(letter: DeadLetter) -> str:
    place = letter.message.partition
    why = letter.error.splitlines()[0] if letter.error else ""
    return (
        f"{letter.id:>8} {letter.state:9} {letter.created_at:%Y-%m-%d %H:%M:%S} "
        f"{place.topic}[{place.number}]@{letter.message.offset} "
        f"key {letter.key} {why}"
    )


def _whole(letter: DeadLetter) -> str:
    headers = "\n".join(
        f"  {name}: {value.decode(errors='replace')}"
        for name, value in letter.message.headers
    )
    return (
        f"{_line(letter)}\nevent {letter.event_id}, consumer {letter.consumer}, "
        f"{letter.attempts} attempts\nheaders\n{headers}\n"
        f"body\n  {letter.message.body.decode(errors='replace')}\n"
        f"error\n{letter.error}"
    )
