"""The schema's migrations."""

from collections.abc import Callable

from bhtom_runtime.migrations.commands import check, downgrade, upgrade

PACKAGE = "bhtom_harvester"


def test_up_nothing_left_down_and_up_again(
    fresh_database: Callable[[str], str],
) -> None:
    url = fresh_database("harvester")
    upgrade(PACKAGE, url)
    check(PACKAGE, url)
    downgrade(PACKAGE, url, "0001")
    downgrade(PACKAGE, url, "base")
    upgrade(PACKAGE, url)
    check(PACKAGE, url)
