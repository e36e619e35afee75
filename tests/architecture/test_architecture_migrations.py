"""Every service's migrations are one chain, whoever added to it at the same time."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from bhtom_runtime.migrations.commands import configuration

NOWHERE = "postgresql://nobody@localhost/nothing"


@pytest.mark.parametrize("service", ["core", "upload", "cpcs", "harvester"])
def test_migrations_are_one_chain(service: str) -> None:
    config = configuration(f"bhtom_{service}", NOWHERE)
    script = ScriptDirectory.from_config(config)
    heads = script.get_heads()
    assert len(heads) == 1, f"chain them, one upon the other: {heads}"
    # A number that two have taken would hide one of them.
    files = list(Path(script.versions).glob("[0-9]*.py"))
    assert len(files) == len(list(script.walk_revisions()))
