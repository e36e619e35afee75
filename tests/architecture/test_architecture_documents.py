"""What the documents name is there: files, make targets, settings, commands."""

import re
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

import click
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from bhtom_local import settings as local
from bhtom_local.service_variables import variables_of
from bhtom_runtime.settings import SHARED_VARIABLES
from tests.architecture.documents import (
    anchors,
    code,
    documents,
    links,
    make_targets,
)
from tests.architecture.source_tree import ROOT, SERVICES

each_document = pytest.mark.parametrize(
    "path", documents(), ids=lambda path: str(path.relative_to(ROOT))
)
_VARIABLE = re.compile(r"\bBHTOM_[A-Z0-9_]*[A-Z0-9]\b(?!_)")
_ADDRESS = re.compile(r"\$URL(/[^\s?\"']*)")
_COMMAND = re.compile(
    rf"(?:^|\s|/)(?:service |bhtom-)({'|'.join(SERVICES)}) ([a-z][a-z-]+)"
    r"(?: ([a-z][a-z-]+))?"
)


def broken_links(path: Path, text: str) -> list[str]:
    """Relative links of a document that lead nowhere."""
    found = []
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        goal = (path.parent / file).resolve() if file else path
        is_there = goal.exists() and goal.is_relative_to(ROOT)
        if is_there and anchor:
            is_there = anchor in anchors(goal.read_text(encoding="utf-8"))
        if not is_there:
            found.append(link)
    return found


def named_targets(text: str) -> set[str]:
    """The make targets that a document's code names."""
    return {
        match[1]
        for piece in code(text)
        if (match := re.match(r"(?:\w+=\S+ )*make ([a-z][a-z0-9-]*)", piece))
    }


def known_variables() -> set[str]:
    """Every variable that some part of the suite reads."""
    gateway = (ROOT / "deploy/gateway/Caddyfile").read_text(encoding="utf-8")
    return {
        *local.VARIABLES,
        *local.SET_BY_STACK,
        *SHARED_VARIABLES,
        *re.findall(r"\{\$(BHTOM_\w+)", gateway),
        *(name for service in SERVICES for name in variables_of(service)),
    }


def named_addresses(text: str) -> set[str]:
    """The paths of the API that a document's code calls."""
    return {path for piece in code(text) for path in _ADDRESS.findall(piece)}


def answered(path: str, templates: set[str]) -> bool:
    """Whether one of the routes' templates takes a path."""
    return any(
        re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
        for template in templates
    )


def unknown_commands(text: str) -> list[str]:
    """Commands of the services' programs that a document names and nobody has."""
    found = []
    for piece in code(text):
        for service, *words in _COMMAND.findall(piece):
            group = import_module(f"bhtom_{service}.cli").main
            for word in filter(None, words):
                if not isinstance(group, click.Group):
                    break
                if word not in group.commands:
                    found.append(f"bhtom-{service} {' '.join(words)}".strip())
                    break
                group = group.commands[word]
    return found


@each_document
def test_every_relative_link_resolves(path: Path) -> None:
    """A reader who follows a link must arrive."""
    assert broken_links(path, path.read_text(encoding="utf-8")) == []


@each_document
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    """A command that is copied from a page must run."""
    known = make_targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    assert {"up", "test", "fresh"} <= known
    assert named_targets(path.read_text(encoding="utf-8")) - known == set()


@pytest.mark.parametrize(
    "path",
    [*documents(), ROOT / ".env.example"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_variable_that_is_named_is_read_by_somebody(path: Path) -> None:
    """A setting that nobody reads is an error at the start."""
    named = set(_VARIABLE.findall(path.read_text(encoding="utf-8")))
    assert named - known_variables() == set()


@pytest.mark.parametrize("name", ["README.md", ".env.example"])
def test_every_setting_of_the_stack_is_named(name: str) -> None:
    """Who looks for a setting looks there."""
    words = set(re.findall(r"\b[A-Z_]+\b", (ROOT / name).read_text(encoding="utf-8")))
    assert set(local.VARIABLES) - words == set()


def test_the_example_shows_the_defaults() -> None:
    """A line that is taken over without its `#` changes nothing."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#([A-Z_]+)=(.*)$", text, re.MULTILINE))
    fields = local.LocalSettings.model_fields
    defaults = {
        name: str(fields[field].default)
        for name, field in local.VARIABLES.items()
        if not fields[field].is_required() and fields[field].default != ""
    }
    assert {name: shown.get(name) for name in defaults} == defaults


@each_document
def test_every_command_that_is_named_exists(path: Path) -> None:
    """An operator in trouble types what the page says."""
    assert unknown_commands(path.read_text(encoding="utf-8")) == []


async def test_every_address_that_is_called_exists(
    service_app: Callable[[str], Awaitable[FastAPI]],
) -> None:
    """A script that is copied from a page must get an answer."""
    templates = set()
    for service in ("core", "upload", "cpcs", "harvester"):
        app = await service_app(service)
        templates |= {str(one.path) for one in iter_route_contexts(app.routes)}
    called = {
        path
        for document in documents()
        for path in named_addresses(document.read_text(encoding="utf-8"))
    }
    assert "/api/v1/frames" in called
    assert {path for path in called if not answered(path, templates)} == set()
    assert not answered("/api/v1/teapots/7", templates)


def test_what_is_not_there_is_caught() -> None:
    """The rules themselves can fail."""
    here = ROOT / "docs" / "README.md"
    text = (
        "See [this](nowhere.md), [that](../Makefile) and [it](#no-heading).\n\n"
        "    make coffee\n    service core brew\n    $ bhtom-cpcs catalogue grow\n\n"
        "Or `make tea`, `BHTOM_TEAPOT=1` and make do. `bhtom-core jobs list` works.\n"
    )
    assert broken_links(here, text) == ["nowhere.md", "#no-heading"]
    known = make_targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    assert named_targets(text) - known == {"coffee", "tea"}
    assert set(_VARIABLE.findall(text)) - known_variables() == {"BHTOM_TEAPOT"}
    assert unknown_commands(text) == ["bhtom-core brew", "bhtom-cpcs catalogue grow"]


def test_documents_are_found() -> None:
    """The other rules would pass on an empty list."""
    names = {path.relative_to(ROOT).as_posix() for path in documents()}
    assert {"ARCHITECTURE.md", "docs/README.md", "docs/user-guide.md"} <= names
