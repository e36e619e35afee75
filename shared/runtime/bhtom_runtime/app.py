"""The FastAPI application that every process of a service serves."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import APIRouter, FastAPI

from bhtom_runtime.health import Part, health_router
from bhtom_runtime.http_trace import TraceMiddleware
from bhtom_runtime.problems import install_problems

Lifespan = Callable[[], AbstractAsyncContextManager[None]]


def create_app(
    service: str,
    *,
    routers: Iterable[APIRouter] = (),
    health: Mapping[str, Part] | None = None,
    lifespans: Iterable[Lifespan] = (),
) -> FastAPI:
    """An application with trace ids, problem details, health and metrics."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for enter in lifespans:
                await stack.enter_async_context(enter())
            yield

    app = FastAPI(
        title=f"BHTOM {service}",
        version="0.1.0",
        lifespan=lifespan,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    install_problems(app)
    app.add_middleware(TraceMiddleware, service=service)
    app.include_router(health_router(service, health or {}))
    for router in routers:
        app.include_router(router)
    return app
