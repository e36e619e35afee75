"""The command line that every service's program has."""

import os
import sys
from typing import get_args

import click
import uvloop

from bhtom_runtime.dead_letters_cli import dead_letters_group
from bhtom_runtime.jobs.jobs_cli import jobs_group
from bhtom_runtime.logs import configure_logs
from bhtom_runtime.migrations.commands import check, downgrade, upgrade
from bhtom_runtime.outbox_cli import outbox_group
from bhtom_runtime.run import run_service
from bhtom_runtime.service import ROLES, Role, Service
from bhtom_runtime.settings import SettingsError


def database_url() -> str:
    """DATABASE_URL, or a sentence that says that it is missing."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise click.ClickException("DATABASE_URL is missing: where is the database?")
    return url


def _roles(text: str) -> frozenset[Role]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in get_args(Role)]
    if unknown or not names:
        raise click.BadParameter(f"Roles are {', '.join(ROLES)}.")
    return frozenset(role for role in ROLES if role in names)


def service_cli(service: Service) -> click.Group:
    """The command group of a service; it may add commands of its own."""

    @click.group(name=f"bhtom-{service.name}")
    def main() -> None:
        """Run and look after this service of BHTOM."""

    @main.command()
    @click.option(
        "--roles", default=",".join(ROLES), help="Any of: " + ", ".join(ROLES)
    )
    def run(roles: str) -> None:
        """Serve, relay, consume and work, or any of them."""
        chosen = _roles(roles)
        try:
            uvloop.run(run_service(service, chosen))
        except SettingsError as error:
            raise click.ClickException(str(error)) from error

    @main.command()
    @click.option("--revision", default="head")
    def migrate(revision: str) -> None:
        """Bring the schema up to date."""
        configure_logs(service.name, "warning")
        upgrade(service.package, database_url(), revision)
        click.echo(f"{service.name}: schema is at {revision}.")

    @main.command(name="migrate-back")
    @click.argument("revision")
    def migrate_back(revision: str) -> None:
        """Take the schema back to a revision."""
        downgrade(service.package, database_url(), revision)
        click.echo(f"{service.name}: schema is at {revision}.")

    @main.command(name="check-migrations")
    def check_migrations() -> None:
        """Say whether the migrations make what the code expects."""
        try:
            check(service.package, database_url())
        except Exception as error:  # noqa: BLE001 - alembic's message is the answer
            click.echo(f"{service.name}: {error}", err=True)
            sys.exit(1)
        click.echo(f"{service.name}: nothing is left to migrate.")

    main.add_command(dead_letters_group(service))
    main.add_command(outbox_group(service))
    main.add_command(jobs_group(service))
    return main
