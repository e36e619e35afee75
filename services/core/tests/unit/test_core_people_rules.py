"""Names, passwords, scopes."""

import hashlib

import pytest

from bhtom_core.people.domain import (
    Secret,
    attempt_key,
    checked_email,
    checked_full_name,
    checked_password,
    checked_username,
    granted_scopes,
)
from bhtom_core.people.passwords import Passwords, needs_new_hash
from bhtom_runtime.errors import Invalid


def test_secrets_are_forty_hex_digits_and_only_the_hash_is_kept() -> None:
    secret, other = Secret.fresh(), Secret.fresh()
    assert len(secret.text) == 40
    assert set(secret.text) <= set("0123456789abcdef")
    assert secret.text != other.text
    assert secret.token_hash == hashlib.sha256(secret.text.encode()).hexdigest()
    assert secret.last_digits == secret.text[-4:]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 151, "a\0b", "<a>", "a\n"])
def test_refused_usernames(name: str) -> None:
    if name == "a\n":
        assert checked_username(name) == "a"
        return
    with pytest.raises(Invalid, match="username"):
        checked_username(name)


@pytest.mark.parametrize("password", ["short", "x" * 201, "aaaaaaaa", "ADA.LOVELACE"])
def test_refused_passwords(password: str) -> None:
    with pytest.raises(Invalid, match="password"):
        checked_password(password, "ada.lovelace")


def test_scopes() -> None:
    assert granted_scopes(["write", "read", "read"], is_admin=False) == [
        "read",
        "write",
    ]
    for asked in ([], ["fly"], ["session"]):
        with pytest.raises(Invalid, match="scopes"):
            granted_scopes(asked, is_admin=True)
    with pytest.raises(Invalid, match="administrator"):
        granted_scopes(["admin"], is_admin=False)


def test_names_and_addresses() -> None:
    assert checked_full_name("  Ada   Lovelace ") == "Ada Lovelace"
    assert checked_email(" ada@example.org ") == "ada@example.org"
    with pytest.raises(Invalid):
        checked_email("ada at example")
    with pytest.raises(Invalid):
        checked_full_name("a\x07b")


def test_attempts_are_counted_by_name_and_address() -> None:
    key = attempt_key("Ada", "10.0.0.1")
    assert attempt_key(" ada ", "10.0.0.1") == key
    assert attempt_key("ada", "10.0.0.2") != key
    assert "ada" not in key


async def test_passwords() -> None:
    passwords = Passwords()
    password_hash = await passwords.hash("correct horse")
    assert password_hash.startswith("$argon2id$")
    assert not needs_new_hash(password_hash)
    assert await passwords.matches(password_hash, "correct horse")
    assert not await passwords.matches(password_hash, "battery staple")
    assert not await passwords.matches("not a hash", "battery staple")
    # Not even the password that stands in for an unknown user's works.
    assert not await passwords.matches(None, "nobody has this password")
