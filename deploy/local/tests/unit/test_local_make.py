"""The commands that people and the continuous integration call."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from bhtom_local.places import DEPLOY_FOLDER

CHECKOUT = DEPLOY_FOLDER.parent
TARGETS = {
    *("demo", "up", "status", "logs", "down", "fresh"),
    *("test", "test-unit", "test-integration", "test-e2e", "chaos", "bench"),
    *("lint", "types", "docs", "lock"),
}


def test_make_alone_lists_every_target_with_a_line_about_it() -> None:
    shown = subprocess.run(
        ["make"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", shown, flags=re.MULTILINE))
    assert set(listed) >= TARGETS


def test_the_environment_depends_on_every_package() -> None:
    text = (CHECKOUT / "Makefile").read_text()
    for project in CHECKOUT.glob("*/*/pyproject.toml"):
        folder = project.parent.relative_to(CHECKOUT).as_posix()
        assert re.search(rf"\b{folder}\b", text), folder


def test_an_old_python_is_answered_with_a_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    install = scripts / "install"
    install.write_bytes((CHECKOUT / "scripts" / "install").read_bytes())
    install.chmod(0o755)
    done = subprocess.run(
        [str(install)],
        env={**os.environ, "PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("BHTOM needs Python 3.11 or newer")
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "deploy/kafka/jars.lock.toml"])
def test_a_lock_names_no_place_to_fetch_from(name: str) -> None:
    text = (CHECKOUT / name).read_text()
    assert "://" not in text
    assert "index-url" not in text


def test_the_lock_has_every_requirement_with_hashes() -> None:
    text = (CHECKOUT / "requirements.lock").read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    assert all("--hash=sha256:" in entry for entry in entries)


def test_ci_calls_what_people_call() -> None:
    run = CHECKOUT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert "make test" in run.read_text()
