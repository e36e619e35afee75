"""The web service's application: wiring only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles as MountedFiles
from starlette.types import Scope

from bhtom_runtime.app import create_app as create_runtime_app
from bhtom_web.failures import install_failure_pages
from bhtom_web.pages import ROUTERS
from bhtom_web.protection import SecurityHeaders
from bhtom_web.services import Services
from bhtom_web.settings import WebSettings
from bhtom_web.static_files import STATIC_FOLDER, load_static_files
from bhtom_web.templating import make_templates


class _KeptFiles(MountedFiles):
    """Files whose address changes with their content."""

    async def get_response(self, path: str, scope: Scope):  # type: ignore[no-untyped-def]
        """A file that browsers may keep."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(
    settings: WebSettings, transport: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """The pages; `transport` lets tests answer for the services."""
    services = Services(settings, transport)

    @asynccontextmanager
    async def connections() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await services.close()

    app = create_runtime_app("web", routers=ROUTERS, lifespans=[connections])
    app.state.settings = settings
    app.state.services = services
    app.state.templates = make_templates(load_static_files())
    app.add_middleware(SecurityHeaders)
    # Behind the gateway Caddy serves these; here they make the service whole alone.
    app.mount("/static", _KeptFiles(directory=STATIC_FOLDER), name="static")
    install_failure_pages(app)
    return app
