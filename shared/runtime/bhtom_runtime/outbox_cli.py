"""`outbox republish` of a service's program."""

import asyncio
from datetime import UTC, datetime

import click
from sqlalchemy import update

from bhtom_runtime.database import Database
from bhtom_runtime.service import Service
from bhtom_runtime.settings import SettingsError


async def republish(
    database: Database, *, since: datetime | None = None, topic: str | None = None
) -> int:
    """Let the relay publish retained events again; gives how many.

    Consumers that have seen them know their ids and do nothing.
    """
    outbox = database.infrastructure.outbox
    statement = (
        update(outbox)
        .where(outbox.c.published_at.is_not(None))
        .values(published_at=None)
    )
    if since is not None:
        statement = statement.where(outbox.c.created_at >= since)
    if topic is not None:
        statement = statement.where(outbox.c.topic == topic)
    async with database.unit_of_work() as unit:
        result = await unit.execute(statement)
        unit.wake()
    return int(result.rowcount)


def outbox_group(service: Service) -> click.Group:
    """The commands for the events that this service has sent."""

    @click.group(name="outbox")
    def group() -> None:
        """Events that this service has sent in the last 30 days."""

    @group.command(name="republish")
    @click.option(
        "--since",
        type=click.DateTime(),
        help="Only events written since then (UTC); all that are kept by default.",
    )
    @click.option("--topic", help="Only events of this topic.")
    def republish_command(since: datetime | None, topic: str | None) -> None:
        """Publish them again, in their order, with the same ids."""
        moment = since.replace(tzinfo=UTC) if since is not None else None
        try:
            url = service.settings.load().database_url
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        if url is None:
            raise click.ClickException("DATABASE_URL is missing.")
        count = asyncio.run(_republish(service, str(url), moment, topic))
        click.echo(f"{count} events wait to be published again.")

    return group


async def _republish(
    service: Service, url: str, since: datetime | None, topic: str | None
) -> int:
    database = Database(url, service.infrastructure)
    try:
        return await republish(database, since=since, topic=topic)
    finally:
        await database.close()
