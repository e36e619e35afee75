"""Who may see a calibration: the narrowest of its product and its target."""

from sqlalchemy import ColumnElement, Table, and_, func, or_, select, true

from bhtom_cpcs.calibrations.tables import REQUESTS
from bhtom_cpcs.replicas.tables import TARGETS
from bhtom_runtime.auth import Principal


def _is_open(table: Table) -> ColumnElement[bool]:
    """Public, and no embargo that still runs. Groups come later: until then closed."""
    return and_(
        table.c.visibility == "public",
        or_(table.c.embargo_until.is_(None), table.c.embargo_until <= func.now()),
    )


def may_see(caller: Principal | None) -> ColumnElement[bool]:
    """The condition on `calibration_requests` that every reading query carries."""
    if caller is not None and not caller.allows("read"):
        caller = None
    if caller is not None and caller.allows("admin"):
        return true()
    target = TARGETS.c.target_id == REQUESTS.c.target_id
    open_target = _is_open(TARGETS)
    if caller is None:
        return and_(_is_open(REQUESTS), select(1).where(target, open_target).exists())
    shown = or_(open_target, TARGETS.c.owner_id == caller.user_id)
    return or_(
        REQUESTS.c.owner_id == caller.user_id,
        and_(_is_open(REQUESTS), select(1).where(target, shown).exists()),
    )
