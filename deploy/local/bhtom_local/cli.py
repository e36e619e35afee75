"""The command `bhtom-local`: the whole suite on this machine."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from bhtom_local import jars, logs, status, testing_servers
from bhtom_local.failure import StackFailure
from bhtom_local.parts import PARTS
from bhtom_local.places import DEPLOY_FOLDER
from bhtom_local.settings import SERVICE_NAMES, ensure_env_file, load
from bhtom_local.stack import Stack

CHECKOUT = DEPLOY_FOLDER.parent


class Interrupted(BaseException):
    """Somebody wants us to stop: Ctrl-C, SIGTERM or a closed terminal."""


def _one_sentence(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what can go wrong into a sentence and exit code 1."""

    @wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            with _stoppable():
                command(*arguments, **options)
        except StackFailure as failure:
            raise click.ClickException(str(failure)) from failure
        except Interrupted as interruption:
            raise click.ClickException(
                "Interrupted: nothing that this command started is left running."
            ) from interruption

    return wrapped


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(*_: object) -> NoReturn:
        # The way back is not to be interrupted again.
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Interrupted

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.group()
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=CHECKOUT / ".env",
    show_default=".env of the checkout",
    help="Where the settings are.",
)
@click.pass_context
def main(context: click.Context, env_file: Path) -> None:
    """Run the whole suite on this machine."""
    if os.name != "posix":
        raise click.ClickException("The local stack runs on Linux and macOS.")
    context.obj = env_file.absolute()


def _stack(env_file: Path, parts: Collection[str] = PARTS) -> Stack:
    if ensure_env_file(env_file, CHECKOUT / ".env.example"):
        click.echo(f"settings: new secrets are in {env_file}")
    return Stack.from_settings(load(env_file), env_file.parent, parts)


def _start(stack: Stack) -> None:
    begun = time.monotonic()
    stack.start(click.echo)
    click.echo(f"Ready after {time.monotonic() - begun:.0f} s.")


@main.command()
@click.option(
    "--only",
    type=click.Choice(PARTS),
    multiple=True,
    help="Start only this part; may be given again.",
)
@click.pass_obj
@_one_sentence
def up(env_file: Path, only: tuple[str, ...]) -> None:
    """Start everything and return when all is ready."""
    stack = _stack(env_file, only or PARTS)
    if stack.is_running():
        click.echo(f"The stack runs already: {stack.plan.public_url}")
        return
    _start(stack)
    name, _ = stack.plan.administrator
    click.echo(
        f"BHTOM is at {stack.plan.public_url}; sign in as {name} with the "
        f"BHTOM_ADMIN_PASSWORD of {env_file}."
    )


@main.command()
@click.pass_obj
@_one_sentence
def demo(env_file: Path) -> None:
    """Start everything, load a small sky and show a light curve."""
    # The sky's libraries take a second to load, which no other command needs.
    from bhtom_local.demo.run import report, run_demo

    stack = _stack(env_file)
    if not stack.is_running():
        _start(stack)
    if not report(stack, run_demo(stack)):
        raise StackFailure("Not everything that the demo shows is right: see above.")


@main.command(name="status")
@click.pass_obj
@_one_sentence
def show_status(env_file: Path) -> None:
    """Show every part: state, pid, uptime, memory, address and health."""
    stack = _stack(env_file)
    if not stack.is_running():
        raise StackFailure("The stack is not running: start it with `make up`.")
    rows = status.rows(stack)
    for line in status.table(rows):
        click.echo(line)
    if not all(row.healthy for row in rows):
        raise StackFailure("Not every part is well: `make logs` tells more.")


@main.command(name="logs")
@click.argument("part", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("-n", "--lines", default=50, show_default=True, help="Lines a part.")
@click.pass_obj
@_one_sentence
def show_logs(env_file: Path, part: str | None, follow: bool, lines: int) -> None:
    """Show the last lines of a part's log, or of all."""
    stack = _stack(env_file)
    files = logs.files(stack.places.logs, part)
    for line in logs.last_lines(files, lines):
        click.echo(line)
    if follow:
        with contextlib.suppress(Interrupted):
            for line in logs.follow(files):
                click.echo(line)


@main.command()
@click.pass_obj
@_one_sentence
def down(env_file: Path) -> None:
    """Stop everything that was started, and nothing else."""
    ended = _stack(env_file).stop()
    click.echo("Everything is stopped." if ended else "Nothing was running.")


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
@_one_sentence
def fresh(env_file: Path, yes: bool) -> None:
    """Stop, and remove all local data."""
    stack = _stack(env_file)
    click.echo(
        f"This removes everything in {stack.places.state}: the database, the broker's "
        "events, every stored file and the logs. Settings and downloads stay."
    )
    if stack.plan.settings.database_url:
        click.echo("The database that DATABASE_URL names is not touched.")
    if not yes and not click.confirm("Remove it all?"):
        raise StackFailure("Nothing was removed.")
    stack.wipe()
    click.echo("All local data is gone.")


@main.command(
    name="run",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("service", type=click.Choice(SERVICE_NAMES))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
@_one_sentence
def run_program(env_file: Path, service: str, arguments: tuple[str, ...]) -> None:
    """Run a service's own command here, as in `run core dead-letters list`."""
    environment = {**os.environ, **_stack(env_file).environment(service)}
    program = Path(sys.executable).with_name(f"bhtom-{service}")
    sys.stdout.flush()
    os.execve(program, [str(program), *arguments], environment)  # noqa: S606


@main.command(name="test-servers")
@_one_sentence
def run_test_servers() -> None:
    """Keep a PostgreSQL and a Kafka running for tests until Ctrl-C."""
    with contextlib.suppress(Interrupted):
        testing_servers.run(click.echo)


@main.command(name="lock-kafka")
@click.pass_obj
@_one_sentence
def lock_kafka(env_file: Path) -> None:
    """Resolve deploy/kafka/jars.toml into jars.lock.toml."""
    stack = _stack(env_file)
    click.echo(f"{jars.write_lock(stack.places.cache)} jars are locked.")
