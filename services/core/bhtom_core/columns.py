"""Columns that many of core's tables have."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Text,
    func,
    text,
)

VISIBILITIES = "('private', 'groups', 'public')"


def moment(name: str, *, optional: bool = False) -> "Column[object]":
    """A time; the one of the insert when it is not optional and not given."""
    if optional:
        return Column(name, DateTime(timezone=True))
    return Column(
        name, DateTime(timezone=True), nullable=False, server_default=func.now()
    )


def version(name: str = "version") -> "Column[int]":
    """The number of times that an aggregate has changed, from 1."""
    return Column(name, BigInteger, nullable=False, server_default=text("1"))


def words(name: str, *, default: str | None = "") -> "Column[str]":
    """A text that is never null; with an empty default unless there is none."""
    if default is None:
        return Column(name, Text, nullable=False)
    return Column(name, Text, nullable=False, server_default=text(f"'{default}'"))


def number(name: str, *, optional: bool = True) -> "Column[float]":
    """A double precision number."""
    return Column(name, Float(53), nullable=optional)


def person(name: str, *, optional: bool = False) -> "Column[int]":
    """A reference to a user."""
    return Column(name, BigInteger, ForeignKey("core.users.user_id"), nullable=optional)


def visibility(name: str = "visibility") -> "Column[str]":
    """Who may see a row: private, groups or public."""
    return words(name, default="public")


def visibility_check(name: str = "visibility") -> CheckConstraint:
    """The constraint that goes with `visibility`."""
    return CheckConstraint(f"{name} IN {VISIBILITIES}", name=name)
