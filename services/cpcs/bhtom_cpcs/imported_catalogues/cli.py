"""`bhtom-cpcs catalogue`: import reference stars, and list what is here."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bhtom_cpcs.imported_catalogues.held import CATALOGUE_NAME, HeldCatalogues
from bhtom_cpcs.reference_catalogues.descriptions import CatalogueDescription
from bhtom_cpcs.reference_catalogues.import_lock import one_import_at_a_time
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError, Manifest
from bhtom_cpcs.reference_catalogues.surveys import KNOWN
from bhtom_cpcs.settings import CpcsSettings
from bhtom_runtime.settings import SettingsError

if TYPE_CHECKING:
    from bhtom_cpcs.reference_catalogues.importers import Cone, WholeTiles

WHOLE_TILES: Final = "tiles"


@click.group()
def catalogue() -> None:
    """Reference catalogues: the stars that frames are calibrated against."""


@catalogue.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--name",
    help="Short name, as in GaiaSP/r; told by the file's columns if it can be.",
)
@click.option("--release", help="The catalogue's own release, such as DR3.")
@click.option(
    "--footprint",
    required=True,
    help="Where the file is complete: 'ra,dec,radius' in degrees, or 'tiles' when "
    "every tile that it touches is.",
)
@click.option("--title", help="The catalogue's name for people.")
@click.option("--credit", help="Whom to thank for the stars.")
@click.option("--epoch", type=float, help="Julian year of the positions.")
def import_(
    file: Path,
    name: str | None,
    release: str | None,
    footprint: str,
    title: str | None,
    credit: str | None,
    epoch: float | None,
) -> None:
    """Add the stars of a FILE (text, VOTable, FITS, Parquet); what waits goes on."""
    folder = _folder()
    # The libraries behind it are heavy, and no other command needs them.
    from bhtom_cpcs.reference_catalogues.importers import import_slice, recognised_file

    try:
        described = _description(
            name or recognised_file(file).name,
            title=title,
            release=release,
            credit=credit,
            epoch=epoch,
        )
        with one_import_at_a_time(folder):
            manifest = import_slice(folder, file, _footprint(footprint), described)
    except (CatalogueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Imported {file.name}. {_line(manifest)}")


@catalogue.command()
@click.option("--name", required=True, help="A known catalogue, such as GaiaSP.")
@click.option("--cone", required=True, help="'ra,dec,radius' in degrees.")
def fetch(name: str, cone: str) -> None:
    """Ask the catalogue's archive on the internet for a cone and import it.

    Needs the extra `bhtom-cpcs[fetch]`.
    """
    folder = _folder()
    from bhtom_cpcs.reference_catalogues.fetching.fetch import fetch_cone
    from bhtom_cpcs.reference_catalogues.importers import Cone

    wanted = _footprint(cone)
    if not isinstance(wanted, Cone):
        raise click.BadParameter("The cone is 'ra,dec,radius' in degrees.")
    try:
        manifest = fetch_cone(folder, name, wanted)
    except (CatalogueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Fetched {wanted}. {_line(manifest)}")


@catalogue.command(name="index")
@click.argument("name", default="GaiaSP")
def index(name: str) -> None:
    """Prepare catalogue NAME for frames without any pointing; after imports again.

    It takes one to two gigabytes of disk for a whole sky, and some minutes. Without it
    a frame is only looked for near the pointing of its header and of its target.
    """
    folder = _folder()
    from bhtom_cpcs.reference_catalogues.manifest import load_current
    from bhtom_cpcs.reference_catalogues.solver_index import make_patterns

    try:
        with one_import_at_a_time(folder):
            manifest = load_current(folder, name) if _is_name(name) else None
            if manifest is None:
                message = f"No catalogue {name} was imported yet."
                raise click.ClickException(message)
            count = make_patterns(folder / name, manifest)
    except (CatalogueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{name} {manifest.release}: {count} patterns.")


def _is_name(name: str) -> bool:
    return CATALOGUE_NAME.match(name) is not None


@catalogue.command(name="list")
def list_() -> None:
    """Say what is here."""
    try:
        held = asyncio.run(HeldCatalogues(_folder()).every())
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    for manifest, written in held:
        click.echo(f"{_line(manifest)} Since {written:%Y-%m-%d %H:%M} UTC.")
    if not held:
        click.echo("No reference catalogue was imported yet.")


def _line(manifest: Manifest) -> str:
    return (
        f"{manifest.name} {manifest.release}: {manifest.rows} stars in "
        f"{len(manifest.tiles)} tiles, bands {' '.join(manifest.bands)}."
    )


def _folder() -> Path:
    try:
        settings = CpcsSettings.load()
        assert isinstance(settings, CpcsSettings)  # noqa: S101 - narrows the type
        return settings.catalogue_folder
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _description(
    name: str,
    *,
    title: str | None,
    release: str | None,
    credit: str | None,
    epoch: float | None,
) -> CatalogueDescription:
    """What the file does not tell of itself; known catalogues tell most of it."""
    if not CATALOGUE_NAME.match(name):
        raise click.BadParameter(f"'{name}' is not made of letters and digits.")
    known = KNOWN.get(name) or CatalogueDescription(
        name=name,
        title=name,
        catalogue_release="1",
        epoch_jyear=2016.0,
        credit="",
        default_error_mag=0.02,
    )
    return replace(
        known,
        title=title or known.title,
        catalogue_release=release or known.catalogue_release,
        credit=credit or known.credit,
        epoch_jyear=epoch or known.epoch_jyear,
    )


def _footprint(text: str) -> "Cone | WholeTiles":
    from bhtom_cpcs.reference_catalogues.importers import Cone, WholeTiles

    if text.strip() == WHOLE_TILES:
        return WholeTiles()
    try:
        ra, dec, radius = (float(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter(
            "The footprint is 'ra,dec,radius' in degrees, or 'tiles'."
        ) from error
    return Cone(ra, dec, radius)
