"""What the tests of the pages share: the application and stand-in services."""

import importlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bhtom_web.main import create_app
from bhtom_web.settings import WebSettings
from bhtom_web.static_build import build_static


def _load_stand_in() -> ModuleType:
    """The folder `stand_in` as a package, without a name of its own among all tests."""
    package = ModuleType("stand_in")
    package.__path__ = [str(Path(__file__).with_name("stand_in"))]
    sys.modules.setdefault("stand_in", package)
    return importlib.import_module("stand_in.app")


fake = _load_stand_in()


@pytest.fixture(scope="session", autouse=True)
def built_front_end() -> None:
    """The pages name built files; building is quick when nothing changed."""
    build_static()


@pytest.fixture(scope="session")
def services() -> ModuleType:
    """The stand-in's module: its tokens and texts."""
    return fake


@pytest.fixture(scope="session")
def only_world() -> Any:
    """One state for the whole session: applications take a while to build."""
    return fake.World()


@pytest.fixture
def world(only_world: Any) -> Any:
    """The state behind the stand-in's answers, fresh for each test."""
    vars(only_world).update(vars(fake.World()))
    return only_world


class _Transport(httpx.AsyncBaseTransport):
    """Hands requests to the stand-in, except for services that are down."""

    def __init__(self, world: Any, settings: WebSettings) -> None:
        self._inner = httpx.ASGITransport(fake.make_fake(world))
        self._world = world
        self._names = {
            httpx.URL(settings.core_url).port: "core",
            httpx.URL(settings.upload_url).port: "upload",
            httpx.URL(settings.cpcs_url).port: "cpcs",
            httpx.URL(settings.harvester_url).port: "harvester",
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._names[request.url.port] in self._world.down:
            raise httpx.ConnectError("refused", request=request)
        return await self._inner.handle_async_request(request)


@pytest.fixture(scope="session")
async def application(built_front_end: None, only_world: Any) -> AsyncIterator[FastAPI]:
    """The pages, in front of the stand-in."""
    settings = WebSettings(public_url="http://testserver")
    app = create_app(settings, _Transport(only_world, settings))
    yield app
    await app.state.services.close()


@pytest.fixture
async def visit_as(
    application: FastAPI, world: Any
) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """A browser without JavaScript: `visit_as(token)` or `visit_as()` for strangers."""
    clients: list[httpx.AsyncClient] = []

    def make(token: str | None = None) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(application, raise_app_exceptions=False),
            base_url="http://testserver",
            headers={"origin": "http://testserver"},
            cookies={"bhtom_session": token} if token else {},
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()
