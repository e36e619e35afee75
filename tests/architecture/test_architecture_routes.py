"""Every route says who may call it."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from bhtom_runtime.auth import Authenticator, public

GUARDS = {
    public,
    Authenticator.optional,
    Authenticator.internal,
}


def _calls(dependant: Dependant) -> Iterator[object]:
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _is_guard(call: object) -> bool:
    function = getattr(call, "__func__", call)
    qualified = getattr(function, "__qualname__", "")
    return function in GUARDS or qualified.startswith("Authenticator.require.")


def _routes(app: FastAPI) -> list[RouteContext]:
    return [
        route
        for route in iter_route_contexts(app.routes)
        if getattr(route, "dependant", None) is not None
    ]


def unguarded(app: FastAPI) -> list[str]:
    """Routes without an authentication dependency and without the public mark."""
    return [
        f"{sorted(route.methods or ())} {route.path}"
        for route in _routes(app)
        if not any(_is_guard(call) for call in _calls(route.dependant))
    ]


@pytest.mark.parametrize("service", ["core", "upload", "cpcs", "harvester"])
async def test_every_route_is_guarded(service: str, service_app: object) -> None:
    """A forgotten dependency is a route that anybody may call."""
    app = await service_app(service)  # type: ignore[operator]
    assert unguarded(app) == []
    assert len(_routes(app)) > 4


def test_a_forgotten_guard_is_caught() -> None:
    """The rule itself can fail."""
    app = FastAPI(openapi_url=None)

    @app.get("/open")
    def open_route() -> None: ...

    assert unguarded(app) == ["['GET'] /open"]


def test_every_service_module_exists() -> None:
    """The parametrisation above names real services."""
    for service in ("core", "upload", "cpcs", "harvester"):
        assert import_module(f"bhtom_{service}.main").SERVICE.name == service
