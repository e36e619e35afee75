"""Queries on targets; every read takes the reader whose view it gives."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_core.people.tables import users
from bhtom_core.rows import Query, Record
from bhtom_core.targets.positions import MOTION, Rows
from bhtom_core.targets.sky import cone_ranges
from bhtom_core.targets.tables import ephemerides, targets
from bhtom_core.visibility import Layer, Reader, is_public, may_see

# One creation, renaming or move at a time: two equal ones cannot both pass.
_IDENTITY_LOCK = 0x746172676574

LAYER = Layer(targets.c.owner_id, targets.c.visibility, targets.c.embargo_until)
_LIVE = targets.c.deleted_at.is_(None)
# All that a snapshot tells.
WHOLE: Query = select(targets, ephemerides.c.rows.label("ephemeris_rows")).outerjoin(
    ephemerides, ephemerides.c.target_id == targets.c.target_id
)


@dataclass(frozen=True, slots=True)
class Cone:
    """A circle on the sky, in degrees."""

    ra: float
    dec: float
    radius_deg: float


@dataclass(frozen=True, slots=True)
class Page:
    """Which targets a list wants."""

    name: str | None = None
    cone: Cone | None = None
    owner_id: int | None = None
    before: int | None = None
    after_separation: tuple[float, int] | None = None
    limit: int = 50


async def lock_identities(connection: AsyncConnection) -> None:
    """Wait for whoever else makes, renames or moves a target."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _IDENTITY_LOCK}
    )


async def target_by_id(
    connection: AsyncConnection,
    target_id: int,
    reader: Reader,
    *,
    for_update: bool = False,
) -> Record | None:
    """A live target that the reader may see."""
    statement = _with_owner().where(
        targets.c.target_id == target_id, _LIVE, may_see(reader, LAYER)
    )
    if for_update:
        statement = statement.with_for_update(of=targets)
    return (await connection.execute(statement)).one_or_none()


async def target_by_name(
    connection: AsyncConnection, key: str, reader: Reader
) -> Record | None:
    """A live target that the reader may see, by its name or an alias.

    Names come before aliases, the reader's own before others', older before newer.
    """
    statement = (
        _with_owner()
        .where(targets.c.name_keys.contains([key]), _LIVE, may_see(reader, LAYER))
        .order_by(
            targets.c.name_key != key,
            func.coalesce(targets.c.owner_id != reader.user_id, False),
            ~is_public(LAYER),
            targets.c.target_id,
        )
        .limit(1)
    )
    return (await connection.execute(statement)).one_or_none()


async def any_target(connection: AsyncConnection, target_id: int) -> Record | None:
    """A target with its ephemeris, deleted ones too: for services, not for people."""
    statement = WHOLE.where(targets.c.target_id == target_id)
    return (await connection.execute(statement)).one_or_none()


async def list_targets(
    connection: AsyncConnection, page: Page, reader: Reader
) -> Sequence[Record]:
    """A page of targets: by separation within a cone, else newest first."""
    distance = _separation(page.cone) if page.cone else None
    statement = _with_owner(distance).where(
        *_wanted(page), _LIVE, may_see(reader, LAYER)
    )
    if page.cone is not None and distance is not None:
        statement = statement.where(
            _in_ranges(page.cone), distance <= page.cone.radius_deg
        ).order_by(distance, targets.c.target_id)
        if page.after_separation is not None:
            here = tuple_(distance, targets.c.target_id)
            statement = statement.where(here > page.after_separation)
    else:
        statement = statement.order_by(targets.c.target_id.desc())
        if page.before is not None:
            statement = statement.where(targets.c.target_id < page.before)
    return (await connection.execute(statement.limit(page.limit))).all()


async def same_name(
    connection: AsyncConnection, keys: Sequence[str], reader: Reader, but: int | None
) -> Record | None:
    """A target that the reader may see and that is called one of these names."""
    statement = select(targets).where(
        targets.c.name_keys.overlap(literal(list(keys), ARRAY(Text))),
        _LIVE,
        may_see(reader, LAYER),
    )
    if but is not None:
        statement = statement.where(targets.c.target_id != but)
    ordered = statement.order_by(targets.c.target_id).limit(1)
    return (await connection.execute(ordered)).one_or_none()


async def nearest(
    connection: AsyncConnection, cone: Cone, reader: Reader, but: int | None
) -> Record | None:
    """The nearest target within a cone that the reader may see."""
    distance = _separation(cone)
    statement = select(targets, distance.label("separation_deg")).where(
        _in_ranges(cone),
        distance <= cone.radius_deg,
        _LIVE,
        may_see(reader, LAYER),
    )
    if but is not None:
        statement = statement.where(targets.c.target_id != but)
    ordered = statement.order_by(distance, targets.c.target_id).limit(1)
    return (await connection.execute(ordered)).one_or_none()


async def moving_count(connection: AsyncConnection, page: Page, reader: Reader) -> int:
    """How many targets without a fixed place the page would list but for its cone."""
    statement = (
        select(func.count())
        .select_from(targets)
        .where(*_wanted(page), targets.c.healpix.is_(None), _LIVE)
        .where(may_see(reader, LAYER))
    )
    return await connection.scalar(statement) or 0


async def same_motion(
    connection: AsyncConnection,
    values: Mapping[str, Any],
    reader: Reader,
    but: int | None,
) -> Record | None:
    """A target that the reader may see and that moves by the same model."""
    statement = select(targets).where(
        *(targets.c[name] == values[name] for name in MOTION if values[name]),
        targets.c.healpix.is_(None),
        _LIVE,
        may_see(reader, LAYER),
    )
    if but is not None:
        statement = statement.where(targets.c.target_id != but)
    ordered = statement.order_by(targets.c.target_id).limit(1)
    return (await connection.execute(ordered)).one_or_none()


async def ephemeris_rows(connection: AsyncConnection, target_id: int) -> Rows | None:
    """The rows of a target's ephemeris, if it has one."""
    statement = select(ephemerides.c.rows).where(ephemerides.c.target_id == target_id)
    return await connection.scalar(statement)


async def keep_ephemeris(
    connection: AsyncConnection, target_id: int, rows: Rows | None
) -> None:
    """Put a target's table in the place of the one it had."""
    if rows is None:
        gone = delete(ephemerides).where(ephemerides.c.target_id == target_id)
        await connection.execute(gone)
        return
    statement = upsert(ephemerides).values(target_id=target_id, rows=rows)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["target_id"], set_={"rows": rows}
        )
    )


async def insert_target(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """Make a target's row; the id it got."""
    statement = insert(targets).values(**values).returning(targets.c.target_id)
    target_id: int = (await connection.execute(statement)).scalar_one()
    return target_id


async def update_target(
    connection: AsyncConnection, target_id: int, values: Mapping[str, Any]
) -> Record:
    """Change a target; the version grows with it. Gives the whole target."""
    await connection.execute(
        update(targets)
        .where(targets.c.target_id == target_id)
        .values(**values, version=targets.c.version + 1, modified_at=func.now())
    )
    whole = WHOLE.where(targets.c.target_id == target_id)
    return (await connection.execute(whole)).one()


async def ended_embargoes(connection: AsyncConnection, limit: int) -> Sequence[int]:
    """Targets whose embargo is over, locked."""
    statement = (
        select(targets.c.target_id)
        .where(targets.c.embargo_until <= func.now())
        .order_by(targets.c.target_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await connection.execute(statement)).scalars().all()


def _with_owner(distance: ColumnElement[float] | None = None) -> Query:
    shown = literal(None) if distance is None else distance
    return select(
        targets, users.c.username.label("owner"), shown.label("separation_deg")
    ).join(users, users.c.user_id == targets.c.owner_id)


def _wanted(page: Page) -> Iterator[ColumnElement[bool]]:
    """What the page asks for, but for the place."""
    if page.name:
        yield _name_contains(page.name)
    if page.owner_id is not None:
        yield targets.c.owner_id == page.owner_id


def _name_contains(key: str) -> ColumnElement[bool]:
    names = func.unnest(targets.c.name_keys).column_valued("one")
    return exists(select(names).where(names.contains(key, autoescape=True)))


def _in_ranges(cone: Cone) -> ColumnElement[bool]:
    ranges = cone_ranges(cone.ra, cone.dec, cone.radius_deg)
    return or_(
        *(
            and_(targets.c.healpix >= first, targets.c.healpix < after)
            for first, after in ranges
        )
    )


def _separation(cone: Cone) -> ColumnElement[float]:
    """Degrees by the haversine formula, which is exact at small angles."""
    half_dec = func.radians(targets.c.dec - cone.dec) / 2
    half_ra = func.radians(targets.c.ra - cone.ra) / 2
    chord = func.power(func.sin(half_dec), 2) + func.cos(
        func.radians(targets.c.dec)
    ) * func.cos(func.radians(cone.dec)) * func.power(func.sin(half_ra), 2)
    return func.degrees(2 * func.asin(func.least(1.0, func.sqrt(chord))))
