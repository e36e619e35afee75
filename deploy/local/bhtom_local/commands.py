"""The commands that are run once at a start: migrations, topics, static files."""

import os
import subprocess
from collections.abc import Mapping

from bhtom_local.failure import StackFailure
from bhtom_local.places import Places
from bhtom_local.plan import PROGRAM_FOLDER, Plan
from bhtom_local.supervise import STACK_MARK, inherited
from bhtom_local.waiting import until

WITHIN_S = 300.0


# No network is to be noticed within seconds, not after minutes of retries.
IMPATIENT_NPM = {
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "3000",
}


def prepare_services(plan: Plan) -> None:
    """Bring tables and front-end files up to date, all at the same time."""
    commands = {
        f"{service}-migrate": (
            [str(PROGRAM_FOLDER / f"bhtom-{service}"), "migrate"],
            plan.environment(service),
        )
        for service in plan.database_services
    }
    if "web" in plan.parts:
        build = [str(PROGRAM_FOLDER / "bhtom-web"), "build-static"]
        npm = {**IMPATIENT_NPM, **npm_settings()}
        commands["web-build-static"] = (build, npm)
    _run(plan.places, commands)


def npm_settings() -> dict[str, str]:
    """What the user told npm: a registry or certificates of their own."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.lower().startswith("npm_config_") or name == "NODE_EXTRA_CA_CERTS"
    }


def create_topics(plan: Plan) -> None:
    """Make the Kafka topics of the event registry."""
    command = [str(PROGRAM_FOLDER / "bhtom-topics"), "create"]
    environment = {"KAFKA_BOOTSTRAP_SERVERS": plan.kafka_bootstrap}
    _run(plan.places, {"topics": (command, environment)})


def _run(
    places: Places, commands: Mapping[str, tuple[list[str], dict[str, str]]]
) -> None:
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, (command, environment) in commands.items():
            running[name] = _start(places, name, command, environment)
        until(
            lambda: _all_done(places, running),
            WITHIN_S,
            f"{', '.join(running)} did not end within {WITHIN_S:.0f} s.",
        )
    finally:
        for process in running.values():
            if process.poll() is None:
                process.kill()
            process.wait()


def _start(
    places: Places, name: str, command: list[str], environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    mark = {STACK_MARK: places.short_name}
    with (places.logs / f"{name}.log").open("wb") as log:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=places.state,
                env=inherited() | mark | environment,
                umask=0o077 if os.name == "posix" else -1,
            )
        except FileNotFoundError as failure:
            raise StackFailure(
                f"The program {command[0]} is missing: run `make setup`."
            ) from failure


def _all_done(places: Places, running: Mapping[str, subprocess.Popen[bytes]]) -> bool:
    # A list: every one is looked at, so that a failure is seen at once.
    return all([_done(places, name, one) for name, one in running.items()])  # noqa: C419


def _done(places: Places, name: str, process: subprocess.Popen[bytes]) -> bool:
    code = process.poll()
    if code:
        log = places.logs / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines()[-15:]
        said = "\n".join(f"    {line}" for line in lines)
        raise StackFailure(f"{name} failed. The end of {log}:\n{said}")
    return code is not None
