"""Rules of people: names, passwords, scopes, life of tokens."""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from bhtom_runtime.errors import Invalid, ServiceError

SCOPES: Final = frozenset({"read", "write", "upload", "admin"})
SESSION_SCOPE: Final = "session"
SIGN_IN_SCOPES: Final = ("read", "write", "upload")
SESSION_LIFE: Final = timedelta(days=14)
TOKEN_LIFE: Final = timedelta(days=365)
MAX_TOKEN_DAYS: Final = 3650
MIN_PASSWORD: Final = 8
MAX_PASSWORD: Final = 200
_USERNAME: Final = re.compile(r"^[\w.@+-]{1,150}$")
_EMAIL: Final = re.compile(r"^[^@\s]{1,64}@[^@\s]{1,190}$")


class TooManyAttempts(ServiceError):
    """Somebody guesses passwords, or forgot theirs."""

    status: ClassVar[int] = 429
    retryable: ClassVar[bool] = True
    default_code: ClassVar[str] = "too_many_attempts"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A user to be made, with the password in the clear."""

    username: str
    password: str
    full_name: str = ""
    email: str = ""
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """A fresh token: the text is shown once, the hash is kept."""

    text: str
    token_hash: str
    last_digits: str

    @classmethod
    def fresh(cls) -> "Secret":
        """40 hex digits, the form that BHTOM clients expect."""
        text = secrets.token_hex(20)
        return cls(text, hashlib.sha256(text.encode()).hexdigest(), text[-4:])


def checked_username(name: str) -> str:
    """The name in one Unicode form; letters, digits and `. @ + - _` only."""
    normal = unicodedata.normalize("NFKC", name.strip())
    if not _USERNAME.match(normal):
        raise Invalid(
            "username: use 1 to 150 letters, digits and the characters . @ + - _ only.",
            code="invalid_username",
        )
    return normal


def checked_password(password: str, username: str) -> str:
    """The password, when it is not too easy to guess."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(
            f"password: use {MIN_PASSWORD} to {MAX_PASSWORD} characters.",
            code="invalid_password",
        )
    if password.casefold() == username.casefold() or len(set(password)) == 1:
        raise Invalid(
            "password: it is too easy to guess; take another one.",
            code="invalid_password",
        )
    return password


def checked_full_name(name: str) -> str:
    """The name without control characters, at most 200 characters."""
    normal = unicodedata.normalize("NFC", " ".join(name.split()))
    if len(normal) > 200 or any(unicodedata.category(c)[0] == "C" for c in normal):
        raise Invalid("full_name: use at most 200 printable characters.")
    return normal


def checked_email(email: str) -> str:
    """An address with one @, or nothing."""
    stripped = email.strip()
    if stripped and not _EMAIL.match(stripped):
        raise Invalid("email: this is not an e-mail address.", code="invalid_email")
    return stripped


def granted_scopes(asked: list[str], *, is_admin: bool) -> list[str]:
    """The scopes of a new token, in one order; nobody grants what he does not have."""
    unknown = sorted(set(asked) - SCOPES)
    if unknown or not asked:
        raise Invalid(
            f"scopes: choose from {', '.join(sorted(SCOPES))}.", code="invalid_scopes"
        )
    if "admin" in asked and not is_admin:
        raise Invalid(
            "scopes: only an administrator's token can have the scope 'admin'.",
            code="invalid_scopes",
        )
    return sorted(set(asked))


def attempt_key(username: str, address: str) -> str:
    """What sign-in attempts are counted by."""
    folded = unicodedata.normalize("NFKC", username.strip()).casefold()
    return hashlib.sha256(f"{folded}\0{address}".encode()).hexdigest()
