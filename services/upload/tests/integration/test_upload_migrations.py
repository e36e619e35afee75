"""The schema: made from nothing, like the code says, and taken back."""

from collections.abc import Callable

from bhtom_runtime.migrations.commands import check, downgrade, upgrade
from bhtom_upload.main import SERVICE


def test_up_and_nothing_left_and_down_and_up(
    fresh_database: Callable[[str], str],
) -> None:
    url = fresh_database("upload")
    upgrade(SERVICE.package, url)
    check(SERVICE.package, url)
    downgrade(SERVICE.package, url, "base")
    upgrade(SERVICE.package, url)
    check(SERVICE.package, url)
