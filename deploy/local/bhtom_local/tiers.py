"""Pytest plugin: a test's folder says its tier, and the tier its marker."""

from pathlib import Path

import pytest

# Contracts and architecture tests read only files of this checkout.
TIER_OF_FOLDER = {
    "unit": "unit",
    "contracts": "unit",
    "architecture": "unit",
    "integration": "integration",
    "e2e": "e2e",
    "chaos": "chaos",
    "bench": "bench",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the tier of its folder; a test without one is an error."""
    for item in items:
        tier = tier_of(item.path)
        if tier is None:
            raise pytest.UsageError(
                f"{item.path} lies in no folder of a tier: move it to tests/unit, "
                "tests/integration, tests/e2e or tests/chaos."
            )
        item.add_marker(tier)


def tier_of(path: Path) -> str | None:
    """The tier that a test file's folders name, if they name one."""
    folders = path.parts
    inside = folders[folders.index("tests") :] if "tests" in folders else ()
    return next(
        (TIER_OF_FOLDER[folder] for folder in inside if folder in TIER_OF_FOLDER), None
    )
