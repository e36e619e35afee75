"""The rules that hold for all tests of the project."""

import socket
from pathlib import Path

import asyncpg
import pytest
import uvloop

from bhtom_local.tiers import tier_of
from bhtom_local.unit_guard import ForbiddenConnection

CLOSED_PORT = 9


@pytest.mark.parametrize(
    ("path", "tier"),
    [
        ("services/core/tests/unit/test_core_targets.py", "unit"),
        ("services/core/tests/integration/deep/test_core_store.py", "integration"),
        ("tests/architecture/test_architecture_imports.py", "unit"),
        ("tests/contracts/test_schemas.py", "unit"),
        ("tests/e2e/test_flow.py", "e2e"),
        ("tests/chaos/test_kills.py", "chaos"),
        ("tests/bench/test_bench_upload.py", "bench"),
        ("services/unit/test_lost.py", None),
        ("services/core/tests/test_lost.py", None),
    ],
)
def test_the_folder_says_the_tier(path: str, tier: str | None) -> None:
    assert tier_of(Path(path)) == tier


def test_a_unit_test_cannot_open_a_connection() -> None:
    with socket.socket() as client, pytest.raises(ForbiddenConnection):
        client.connect(("127.0.0.1", CLOSED_PORT))


def test_a_unit_test_cannot_reach_a_database_past_python() -> None:
    address = f"postgresql://a:b@127.0.0.1:{CLOSED_PORT}/c"
    with pytest.raises(ForbiddenConnection):
        uvloop.run(asyncpg.connect(address))
