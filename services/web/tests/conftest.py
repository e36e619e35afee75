"""What the tests of the pages share: the application and a stand-in for the services."""

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from bhtom_web.main import create_app
from bhtom_web.settings import WebSettings
from bhtom_web.static_build import build_static


def _load(name: str) -> ModuleType:
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"bhtom_web_tests_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fake = _load("fake_services")


@pytest.fixture(scope="session", autouse=True)
def built_front_end() -> None:
    """The pages name built files; building is quick when nothing changed."""
    build_static()


@pytest.fixture
def services() -> ModuleType:
    """The stand-in's module: its tokens and texts."""
    return fake


@pytest.fixture
def world() -> object:
    """The state behind the stand-in's answers."""
    return fake.World()


class _Transport(httpx.AsyncBaseTransport):
    """Hands requests to the stand-in, except for services that are down."""

    def __init__(self, world: object, settings: WebSettings) -> None:
        self._inner = httpx.ASGITransport(fake.make_fake(world))
        self._world = world
        self._ports = {
            httpx.URL(settings.core_url).port: "core",
            httpx.URL(settings.upload_url).port: "upload",
            httpx.URL(settings.cpcs_url).port: "cpcs",
            httpx.URL(settings.harvester_url).port: "harvester",
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._ports[request.url.port] in self._world.down:  # type: ignore[attr-defined]
            raise httpx.ConnectError("refused", request=request)
        return await self._inner.handle_async_request(request)


@pytest.fixture
async def visit_as(world: object) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """A browser without JavaScript: `visit_as(token)` or `visit_as()` for strangers."""
    settings = WebSettings(public_url="http://testserver")
    app = create_app(settings, _Transport(world, settings))
    clients: list[httpx.AsyncClient] = []

    def make(token: str | None = None) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://testserver",
            headers={"origin": "http://testserver"},
            cookies={"bhtom_session": token} if token else {},
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()
    await app.state.services.close()
