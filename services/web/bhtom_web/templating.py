"""The templates: everything foreign is escaped, what is missing shows as nothing."""

from typing import Any
from urllib.parse import quote

from jinja2 import ChainableUndefined, Environment, PackageLoader

from bhtom_web.presentation import FILTERS
from bhtom_web.static_files import StaticFiles


def make_templates(static: StaticFiles) -> Environment:
    """The environment that renders every page."""
    environment = Environment(
        loader=PackageLoader("bhtom_web", "templates"),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.filters["path"] = path_part
    environment.globals["static"] = static.address
    return environment


def path_part(value: Any) -> str:
    """A foreign text as one part of an address."""
    return quote(str(value), safe="")
