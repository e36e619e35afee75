"""Applications of the services without anything running behind them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path

import pytest
from fastapi import FastAPI

from bhtom_runtime.run import build_application, open_context


@pytest.fixture
async def service_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str], Awaitable[FastAPI]]]:
    """Builds a service's application; its engine never connects."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:none@127.0.0.1:1/none")
    monkeypatch.setenv("BHTOM_OBJECT_STORE", str(tmp_path))
    monkeypatch.setenv("BHTOM_INTERNAL_SECRET", "only-for-this-test")
    async with AsyncExitStack() as stack:

        async def build(name: str) -> FastAPI:
            service = import_module(f"bhtom_{name}.main").SERVICE
            settings = service.settings.load()
            context = await stack.enter_async_context(open_context(service, settings))
            return build_application(service, context, service.build(context))

        yield build
