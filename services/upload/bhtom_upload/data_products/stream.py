"""Live changes of the caller's products, for server-sent events.

Ids of stages come from a sequence, so a transaction that commits later can bring a
smaller id. A plain `id > last` would lose it: rows of the last seconds are looked at
again each time, and what was sent already is remembered. (The stages of one product are
written under its row's lock, so its own are in order.)
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import ColumnElement, Interval, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_runtime.auth import Principal
from bhtom_runtime.database import Database
from bhtom_runtime.notifications import Notifications
from bhtom_upload.data_products.reading import Reader
from bhtom_upload.data_products.schemas import DataProductOut
from bhtom_upload.data_products.tables import data_product_events, data_products

# No transaction of this service is open for so long.
_SETTLED_AFTER: Final = timedelta(seconds=30)
_AT_MOST_EVERY_S: Final = 0.1
_AT_ONCE: Final = 200

_stages = data_product_events.c
Conditions = Sequence[ColumnElement[bool]]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Watched:
    """Which of the caller's products a stream is about."""

    batch: str | None = None
    data_product_id: int | None = None

    def conditions(self, caller: Principal) -> list[ColumnElement[bool]]:
        """The rows of the history that belong to them."""
        found: list[ColumnElement[bool]] = [_stages.owner_id == caller.user_id]
        if self.data_product_id is not None:
            found.append(_stages.data_product_id == self.data_product_id)
        if self.batch is not None:
            of_batch = select(data_products.c.data_product_id).where(
                data_products.c.owner_id == caller.user_id,
                data_products.c.batch == self.batch,
            )
            found.append(_stages.data_product_id.in_(of_batch))
        return found

    @property
    def is_narrow(self) -> bool:
        """Whether it is about few products, whose present state is told first."""
        return self.batch is not None or self.data_product_id is not None


@dataclass(slots=True)
class _Position:
    """Up to `floor` all was sent; of what follows, `sent` is each product's newest."""

    floor: int
    sent: dict[int, int] = field(default_factory=dict)


async def changes(
    database: Database,
    notifications: Notifications,
    reader: Reader,
    caller: Principal,
    watched: Watched,
    last_event_id: int | None,
) -> AsyncIterator[tuple[int, DataProductOut]]:
    """Products as they change, each with the number of its newest stage."""
    mine = watched.conditions(caller)
    async with database.read() as connection:
        position = await _begin(connection, watched, mine, last_event_id)
    async for _ in notifications.subscribe(at_most_every_s=_AT_MOST_EVERY_S):
        async with database.read() as connection:
            settled = await _settled(connection, mine, func.now())
            newest = await _newest_stages(connection, mine, position.floor)
        news = [
            (stage, product)
            for product, stage in newest.items()
            if position.sent.get(product, 0) < stage
        ]
        for some in _batches(sorted(news), _AT_ONCE):
            ids = [product for _, product in some]
            shown = {p.data_product_id: p for p in await reader.several(ids, caller)}
            for stage, product in some:
                position.sent[product] = stage
                if product in shown:
                    yield stage, shown[product]
        _advance(position, settled)


def _advance(position: _Position, settled: int) -> None:
    position.floor = max(position.floor, settled)
    position.sent = {
        product: stage
        for product, stage in position.sent.items()
        if stage > position.floor
    }


async def _begin(
    connection: AsyncConnection,
    watched: Watched,
    mine: Conditions,
    last_event_id: int | None,
) -> _Position:
    """Behind what the client has; without that at the present.

    A stream about a few products first tells their present state.
    """
    if last_event_id is None:
        if watched.is_narrow:
            return _Position(0)
        floor = await _settled(connection, mine, func.now())
        return _Position(floor, await _newest_stages(connection, mine, floor))
    row = (
        await connection.execute(
            select(_stages.data_product_id, _stages.at).where(
                _stages.id == last_event_id, *mine
            )
        )
    ).one_or_none()
    if row is None:
        return _Position(last_event_id)
    floor = await _settled(connection, mine, literal(row.at))
    return _Position(floor, {row.data_product_id: last_event_id})


async def _settled(
    connection: AsyncConnection, mine: Conditions, when: ColumnElement[datetime]
) -> int:
    """The newest stage that was so old at that time that no smaller id can follow."""
    statement = select(func.coalesce(func.max(_stages.id), 0)).where(
        *mine, _stages.at < when - literal(_SETTLED_AFTER, Interval())
    )
    settled: int = (await connection.execute(statement)).scalar_one()
    return settled


async def _newest_stages(
    connection: AsyncConnection, mine: Conditions, floor: int
) -> dict[int, int]:
    """The newest stage of each product that has one behind the floor."""
    statement = (
        select(_stages.data_product_id, func.max(_stages.id).label("stage"))
        .where(*mine, _stages.id > floor)
        .group_by(_stages.data_product_id)
    )
    rows = await connection.execute(statement)
    return {row.data_product_id: row.stage for row in rows}


def _batches(items: Sequence[_Item], size: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
