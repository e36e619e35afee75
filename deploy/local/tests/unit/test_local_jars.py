"""The lock of Kafka's jars."""

import tomllib
from pathlib import Path

import pytest

from bhtom_local import jars
from bhtom_local.failure import StackFailure

LOCKED = tomllib.loads(jars.JAR_LOCK.read_text())["dependencies"]


def test_the_lock_has_what_the_list_asks_for() -> None:
    locked = {f"{x['groupId']}:{x['artifactId']}:{x['version']}" for x in LOCKED}
    assert set(tomllib.loads(jars.JAR_LIST.read_text())["coordinates"]) <= locked


def test_the_lock_has_no_address_and_a_hash_for_every_jar() -> None:
    assert "://" not in jars.JAR_LOCK.read_text()
    assert all(len(locked["sha256"]) == 64 for locked in LOCKED)


def test_another_file_than_the_locked_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "jars.lock.toml"
    entry = {"groupId": "org.example", "artifactId": "thing", "version": "1.0"}
    lines = [f'{name} = "{value}"' for name, value in entry.items()]
    lock.write_text(
        "[[dependencies]]\n" + "\n".join([*lines, f'sha256 = "{"0" * 64}"'])
    )
    monkeypatch.setattr(jars, "JAR_LOCK", lock)
    folder = tmp_path / "kafka" / jars.sha256(lock)[:16]
    fetched = folder / "download" / "org/example/thing/1.0/thing-1.0.jar"
    fetched.parent.mkdir(parents=True)
    fetched.write_bytes(b"something else")
    with pytest.raises(StackFailure, match=r"org\.example:thing:1\.0.*SHA-256"):
        jars.class_path(tmp_path, lambda _: None)
    assert not fetched.exists()
    assert not list(folder.glob("*.jar"))
