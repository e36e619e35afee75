"""Reading log files that somebody else writes and rotates."""

from pathlib import Path

import pytest

from bhtom_local import logs
from bhtom_local.failure import StackFailure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "core.log").write_text("".join(f"core {n}\n" for n in range(10)))
    (tmp_path / "core-migrate.log").write_text("migrated\n")
    (tmp_path / "kafka.log").write_text("kafka\n")
    (tmp_path / "core.log.1").write_text("old\n")
    return tmp_path


def test_the_last_lines_carry_their_parts_name(folder: Path) -> None:
    shown = list(logs.last_lines(logs.files(folder, None), 2))
    assert shown == [
        "core         | core 8",
        "core         | core 9",
        "core-migrate | migrated",
        "kafka        | kafka",
    ]


def test_one_part_is_shown_with_its_processes_and_without_the_others(
    folder: Path,
) -> None:
    assert set(logs.files(folder, "core")) == {"core", "core-migrate"}
    assert list(logs.last_lines(logs.files(folder, "kafka"), 5)) == ["kafka"]


def test_an_unknown_part_is_answered_with_the_known_ones(folder: Path) -> None:
    with pytest.raises(StackFailure, match=r"web.*core, core-migrate, kafka"):
        logs.files(folder, "web")


def test_following_survives_a_rotation(folder: Path) -> None:
    path = folder / "kafka.log"
    following = logs.follow({"kafka": path})
    _append(path, "first")
    assert next(following) == "first"
    _append(path, "second")
    path.rename(folder / "kafka.log.1")
    path.write_text("third\n")
    assert next(following) == "third"


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")
