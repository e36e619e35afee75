"""What a reader may see: the one place that knows.

Targets, data products and points each say who may see them; what is shown is the
narrowest of the three. Sharing with groups comes later: until then `groups` means
the owner alone.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, true

from bhtom_runtime.auth import Principal


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who asks; without a user id it is the public."""

    user_id: int | None = None
    is_admin: bool = False

    @classmethod
    def of(cls, principal: Principal | None) -> "Reader":
        """The reader that a token stands for."""
        if principal is None:
            return PUBLIC
        return cls(principal.user_id, principal.allows("admin"))


PUBLIC = Reader()


@dataclass(frozen=True, slots=True)
class Layer:
    """The columns by which one thing says who may see it."""

    owner_id: ColumnElement[Any]
    visibility: ColumnElement[Any]
    embargo_until: ColumnElement[Any]


def is_public(layer: Layer) -> ColumnElement[bool]:
    """Whether everybody may see a thing, now."""
    return and_(
        layer.visibility == "public",
        or_(layer.embargo_until.is_(None), layer.embargo_until <= func.now()),
    )


def is_unrestricted(layer: Layer) -> ColumnElement[bool]:
    """Whether everybody may see a thing, with no embargo left to end.

    Unlike `is_public` it does not depend on the time of asking, so it can be kept
    in a column; the job that ends embargoes keeps the two together.
    """
    return and_(layer.visibility == "public", layer.embargo_until.is_(None))


def may_see(reader: Reader, *layers: Layer) -> ColumnElement[bool]:
    """Whether a reader may see what all these layers cover."""
    if reader.is_admin:
        return true()
    return and_(true(), *(_sees(reader, layer) for layer in layers))


def _sees(reader: Reader, layer: Layer) -> ColumnElement[bool]:
    if reader.user_id is None:
        return is_public(layer)
    return or_(layer.owner_id == reader.user_id, is_public(layer))
