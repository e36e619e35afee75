"""Core's command line: the commands of every service, and two of its own."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from bhtom_core.main import SERVICE
from bhtom_core.people.first_administrator import create_administrator
from bhtom_core.people.passwords import Passwords
from bhtom_core.schema import infra
from bhtom_core.state_republishing import republish
from bhtom_runtime.cli import database_url, service_cli
from bhtom_runtime.database import Database
from bhtom_runtime.errors import ServiceError

main = service_cli(SERVICE)
Result = TypeVar("Result")
_PASSWORD_VARIABLE = "BHTOM_ADMIN_PASSWORD"  # noqa: S105 - a name, not a password


@main.command(name="create-admin")
@click.option("--username", required=True)
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that holds the password on its first line.",
)
@click.option("--password-prompt", is_flag=True, help="Ask for the password.")
def create_admin(
    username: str, password_file: Path | None, password_prompt: bool
) -> None:
    """Make an administrator; the password may come from BHTOM_ADMIN_PASSWORD."""
    password = _password(password_file, password_prompt)

    async def create(database: Database) -> int:
        return await create_administrator(database, Passwords(), username, password)

    try:
        user_id = asyncio.run(_with_database(create))
    except ServiceError as error:
        raise click.ClickException(error.sentence) from error
    click.echo(f"Administrator {username} made, user {user_id}.")


@main.command(name="republish-state")
def republish_state() -> None:
    """Tell other services every user, token, camera and target again."""

    async def run(database: Database) -> None:
        async for name, count in republish(database):
            click.echo(f"{name}: {count}")

    asyncio.run(_with_database(run))


def _password(password_file: Path | None, prompt: bool) -> str:
    if password_file is not None:
        lines = password_file.read_text().splitlines()
        return lines[0] if lines else ""
    if prompt:
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    given = os.environ.get(_PASSWORD_VARIABLE)
    if given is None:
        raise click.ClickException(
            "No password: use --password-file, --password-prompt or "
            f"{_PASSWORD_VARIABLE}."
        )
    return given


async def _with_database(work: Callable[[Database], Awaitable[Result]]) -> Result:
    database = Database(database_url(), infra, pool_size=1)
    try:
        return await work(database)
    finally:
        await database.close()
