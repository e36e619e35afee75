"""The program of the web service."""

import click
import uvicorn

from bhtom_runtime.logs import configure_logs
from bhtom_runtime.settings import SettingsError
from bhtom_web.main import create_app
from bhtom_web.settings import WebSettings
from bhtom_web.static_build import BuildFailed
from bhtom_web.static_build import build_static as build
from bhtom_web.static_files import StaticFilesMissing


@click.group(name="bhtom-web")
def main() -> None:
    """Run BHTOM's pages."""


@main.command()
@click.option(
    "--roles", default="serve", help="Only 'serve': pages have no other role."
)
def run(roles: str) -> None:
    """Serve the pages."""
    if roles != "serve":
        raise click.BadParameter("The web service has only the role 'serve'.")
    try:
        settings = WebSettings.load()
        app = create_app(settings)
    except (SettingsError, StaticFilesMissing) as error:
        raise click.ClickException(str(error)) from error
    configure_logs("web", settings.log_level)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )


@main.command(name="build-static")
def build_static() -> None:
    """Build the browser's files with npm; quick when nothing changed."""
    try:
        built = build()
    except BuildFailed as error:
        raise click.ClickException(str(error)) from error
    click.echo("The front end is built." if built else "The front end is up to date.")
