"""The `.env` of the local stack."""

import stat
from pathlib import Path

import pytest

from bhtom_local.failure import StackFailure
from bhtom_local.places import DEPLOY_FOLDER
from bhtom_local.settings import SECRETS, VARIABLES, ensure_env_file, load, read

EXAMPLE = DEPLOY_FOLDER.parent / ".env.example"


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    ensure_env_file(path)
    return path


def test_the_first_start_makes_secrets_that_only_the_owner_reads(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert ensure_env_file(first, EXAMPLE)
    assert ensure_env_file(second, EXAMPLE)
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    ours, others = read(first), read(second)
    assert set(SECRETS) <= set(ours)
    assert all(len(ours[name]) >= 32 for name in SECRETS)
    assert len({ours[name] for name in SECRETS} | {others[n] for n in SECRETS}) == 2 * (
        len(SECRETS)
    )


def test_what_is_set_already_is_kept(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# mine\nBHTOM_CORE_PASSWORD=chosen\nBHTOM_CORE_PORT=9001\n")
    path.chmod(0o644)
    assert ensure_env_file(path)
    assert path.read_text().startswith("# mine\nBHTOM_CORE_PASSWORD=chosen\n")
    assert not ensure_env_file(path)
    settings = load(path, {})
    assert settings.core_password == "chosen"
    assert settings.core_port == 9001
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_readable_env_file_is_closed_again(env_file: Path) -> None:
    env_file.chmod(0o644)
    ensure_env_file(env_file)
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600


def test_an_unknown_name_is_named_with_what_was_meant(env_file: Path) -> None:
    with env_file.open("a") as file:
        file.write("BHTOM_GATEWAY_PROT=8000\n")
    with pytest.raises(StackFailure, match=r"BHTOM_GATEWAY_PROT.*BHTOM_GATEWAY_PORT"):
        load(env_file, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BHTOM_GATEWAY_PORT", "eighty"),
        ("BHTOM_GATEWAY_PORT", "70000"),
        ("BHTOM_LAYOUT", "spread"),
        ("BHTOM_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_names_its_variable(
    env_file: Path, name: str, value: str
) -> None:
    with env_file.open("a") as file:
        file.write(f"{name}={value}\n")
    with pytest.raises(StackFailure, match=name):
        load(env_file, {})


def test_a_missing_secret_names_its_variable(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("BHTOM_CORE_PORT=9001\n")
    with pytest.raises(StackFailure, match=r"BHTOM_\w+ is missing"):
        load(path, {})


def test_the_process_may_override_but_not_with_a_database(env_file: Path) -> None:
    settings = load(
        env_file,
        {
            "BHTOM_GATEWAY_PORT": "9000",
            "DATABASE_URL": "postgresql://elsewhere/",
            "KAFKA_BOOTSTRAP_SERVERS": "elsewhere:9092",
            "BHTOM_TEST_KAFKA": "127.0.0.1:1",
            "HOME": "/nowhere",
        },
    )
    assert settings.gateway_port == 9000
    assert settings.database_url == ""
    assert settings.kafka_bootstrap_servers == ""


def test_a_services_own_variable_is_handed_on(env_file: Path) -> None:
    with env_file.open("a") as file:
        file.write("BHTOM_JOB_LEASE_S=7\n")
    assert load(env_file, {}).handed_on == {"BHTOM_JOB_LEASE_S": "7"}


def test_what_the_stack_decides_cannot_be_set(env_file: Path) -> None:
    with env_file.open("a") as file:
        file.write("BHTOM_CORE_URL=http://elsewhere\n")
    with pytest.raises(StackFailure, match="BHTOM_CORE_URL"):
        load(env_file, {})


def test_a_dollar_in_a_secret_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("BHTOM_CORE_PASSWORD=a${HOME}b\n")
    ensure_env_file(path)
    assert load(path, {}).core_password == "a${HOME}b"


def test_the_example_names_every_variable() -> None:
    lines = [line.lstrip("#") for line in EXAMPLE.read_text().splitlines()]
    named = {line.partition("=")[0] for line in lines if "=" in line}
    assert set(VARIABLES) <= named


def test_relative_folders_start_at_the_env_file(env_file: Path) -> None:
    places = load(env_file, {}).places(env_file.parent)
    assert places.state == env_file.parent / ".bhtom"
    assert places.cache == Path("~/.cache/bhtom").expanduser()
