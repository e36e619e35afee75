"""Who may see what comes from a data product: the narrowest of it and its target.

A row keeps the visibility of its time; upload's newest word on the product counts
before it, so that a product that is closed later closes all that came from it.
"""

from sqlalchemy import ColumnElement, Table, and_, func, or_, select, true

from bhtom_cpcs.replicas.tables import DATA_PRODUCTS, TARGETS
from bhtom_runtime.auth import Principal


def is_open(table: Table) -> ColumnElement[bool]:
    """Public, and no embargo that still runs. Groups come later: until then closed."""
    return and_(
        table.c.visibility == "public",
        or_(table.c.embargo_until.is_(None), table.c.embargo_until <= func.now()),
    )


def may_see(caller: Principal | None, table: Table) -> ColumnElement[bool]:
    """The condition on a table that every query for a reader carries.

    The table says of each row its product, target, owner, visibility and embargo.
    """
    if caller is None or not caller.allows("read"):
        return _is_shown_to_all(table)
    if caller.allows("admin"):
        return true()
    return seen_by(caller.user_id, table)


def seen_by(user_id: int, table: Table) -> ColumnElement[bool]:
    """What a person may see who is no administrator."""
    target_shown = or_(is_open(TARGETS), TARGETS.c.owner_id == user_id)
    return or_(
        table.c.owner_id == user_id,
        and_(_product_is_open(table), _exists(TARGETS, table, target_shown)),
    )


def _is_shown_to_all(table: Table) -> ColumnElement[bool]:
    return and_(_product_is_open(table), _exists(TARGETS, table, is_open(TARGETS)))


def _product_is_open(table: Table) -> ColumnElement[bool]:
    still_there = DATA_PRODUCTS.c.deleted_at.is_(None)
    return or_(
        _exists(DATA_PRODUCTS, table, and_(is_open(DATA_PRODUCTS), still_there)),
        and_(~_exists(DATA_PRODUCTS, table, true()), is_open(table)),
    )


def is_withdrawn(table: Table) -> ColumnElement[bool]:
    """Whether a row comes from a product that was deleted since."""
    return _exists(DATA_PRODUCTS, table, DATA_PRODUCTS.c.deleted_at.is_not(None))


def _exists(
    replica: Table, table: Table, holds: ColumnElement[bool]
) -> ColumnElement[bool]:
    (key,) = replica.primary_key
    return select(1).where(key == table.c[key.name], holds).exists()
