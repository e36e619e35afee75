"""The whole suite, started once for all end-to-end tests."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bhtom_local.api_client import ApiClient
from bhtom_local.stack import Stack
from bhtom_local.testing import temporary_stack
from tests.field import Field, import_field
from tests.visitor import Visitor, chromium, visitor_of

# A closed port of this machine: tests ask no archive, and the page must say so.
NO_ARCHIVE = "http://127.0.0.1:9/alerts"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running suite on free ports, gone afterwards."""
    with temporary_stack(environment={"BHTOM_GAIA_ALERTS_URL": NO_ARCHIVE}) as running:
        yield running


@pytest.fixture(scope="session")
def admin(stack: Stack) -> Iterator[ApiClient]:
    """A client with the first administrator's token."""
    username, password = stack.plan.administrator
    with ApiClient.signed_in(stack.plan.public_url, username, password) as client:
        yield client


@pytest.fixture(scope="session")
def field(
    stack: Stack, admin: ApiClient, tmp_path_factory: pytest.TempPathFactory
) -> Field:
    """A simulated field with its reference stars, camera and target in the suite."""
    folder: Path = tmp_path_factory.mktemp("field")
    return import_field(stack, admin, folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the system."""
    with chromium() as running:
        yield running


@pytest.fixture
def visitor(stack: Stack, browser: Browser) -> Iterator[Visitor]:
    """A fresh browser session; every error in its console is noted."""
    with visitor_of(stack, browser) as opened:
        yield opened


def run_command(stack: Stack, service: str, *arguments: str) -> str:
    """Run a service's own command in the stack; its output."""
    program = Path(sys.executable).with_name(f"bhtom-{service}")
    done = subprocess.run(
        [str(program), *arguments],
        env=stack.environment(service),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
