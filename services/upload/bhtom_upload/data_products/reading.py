"""Reads data products for their API: what the caller may see, and no more."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_runtime.auth import Principal
from bhtom_runtime.database import Database
from bhtom_runtime.errors import NotFound
from bhtom_upload.data_products.domain import State, speaker_rank
from bhtom_upload.data_products.schemas import (
    DataProductOut,
    LinksOut,
    PlaneOut,
    StageOut,
)
from bhtom_upload.data_products.store import standing_in
from bhtom_upload.data_products.tables import (
    calibration_requests,
    data_product_events,
    data_products,
    files,
    planes,
)
from bhtom_upload.replicas.tables import camera_replicas, target_replicas


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which products a list shall hold."""

    mine: bool = True
    states: tuple[State, ...] = ()
    target: str | None = None
    camera: str | None = None
    batch: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """The file of a product, for those who may have it."""

    object_key: str
    size_bytes: int
    sha256: str
    file_name: str


class Reader:
    """Finds data products and shows them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(self, data_product_id: int, caller: Principal) -> DataProductOut:
        """A product with its stages; one that the caller may not see is not there."""
        async with self._database.read() as connection:
            row = await self._row(connection, data_product_id, caller)
            stages = (
                select(data_product_events)
                .where(data_product_events.c.data_product_id == data_product_id)
                .order_by(data_product_events.c.id)
            )
            told = [
                StageOut(stage=e.stage, state=e.state, message=e.message, at=e.at)
                for e in await connection.execute(stages)
            ]
            (shown,) = await _shown(connection, [row])
        return shown.model_copy(update={"stages": told})

    async def file(self, data_product_id: int, caller: Principal) -> StoredFrame:
        """Where the file of a product lies."""
        async with self._database.read() as connection:
            row = await self._row(connection, data_product_id, caller)
        return StoredFrame(row.object_key, row.size_bytes, row.sha256, row.file_name)

    async def page(
        self, wanted: Wanted, caller: Principal, limit: int
    ) -> list[DataProductOut]:
        """Products, the newest first."""
        statement = (
            _selected()
            .where(_visible_to(caller), *_conditions(wanted, caller))
            .order_by(data_products.c.data_product_id.desc())
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
            return await _shown(connection, rows)

    async def several(
        self, data_product_ids: Sequence[int], caller: Principal
    ) -> list[DataProductOut]:
        """The products with these ids, as far as the caller may see them."""
        statement = _selected().where(
            data_products.c.data_product_id.in_(data_product_ids), _visible_to(caller)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
            return await _shown(connection, rows)

    async def _row(
        self, connection: AsyncConnection, data_product_id: int, caller: Principal
    ) -> Row[Any]:
        statement = _selected().where(
            data_products.c.data_product_id == data_product_id, _visible_to(caller)
        )
        row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise NotFound(f"There is no data product {data_product_id}.")
        return row


def _selected() -> Select[Any]:
    targets, cameras = target_replicas, camera_replicas
    return (
        select(
            data_products,
            files.c.size_bytes,
            files.c.object_key,
            func.coalesce(targets.c.name, data_products.c.target_name).label("target"),
            func.coalesce(cameras.c.oname, data_products.c.oname).label("camera"),
        )
        .join(files, files.c.sha256 == data_products.c.sha256)
        .outerjoin(targets, targets.c.target_id == data_products.c.target_id)
        .outerjoin(cameras, cameras.c.camera_id == data_products.c.camera_id)
    )


def _visible_to(caller: Principal) -> ColumnElement[bool]:
    """The narrowest of what the product and its target allow."""
    if caller.allows("admin"):
        return true()
    own_target = target_replicas.c.owner_id == caller.user_id
    shown = and_(
        _is_open(data_products),
        or_(_is_open(target_replicas), own_target),
        data_products.c.state != State.DELETED,
    )
    return or_(data_products.c.owner_id == caller.user_id, shown)


def _is_open(table: Table) -> ColumnElement[bool]:
    """Public, and no embargo that still runs. Groups come later: until then closed."""
    return and_(
        table.c.visibility == "public",
        or_(table.c.embargo_until.is_(None), table.c.embargo_until <= func.now()),
    )


def _conditions(wanted: Wanted, caller: Principal) -> list[ColumnElement[bool]]:
    products = data_products.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.mine:
        conditions.append(products.owner_id == caller.user_id)
    if wanted.states:
        conditions.append(products.state.in_(wanted.states))
    else:
        conditions.append(products.state != State.DELETED)
    if wanted.target is not None:
        name = target_replicas.c.name == wanted.target
        conditions.append(_or_id(name, products.target_id, wanted.target))
    if wanted.camera is not None:
        oname = camera_replicas.c.oname == wanted.camera
        conditions.append(_or_id(oname, products.camera_id, wanted.camera))
    if wanted.batch is not None:
        conditions.append(products.batch == wanted.batch)
    if wanted.since is not None:
        conditions.append(products.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(products.created_at < wanted.until)
    if wanted.before_id is not None:
        conditions.append(products.data_product_id < wanted.before_id)
    return conditions


def _or_id(
    named: ColumnElement[bool], column: ColumnElement[int], reference: str
) -> ColumnElement[bool]:
    if reference.isascii() and reference.isdigit() and int(reference) < 1 << 63:
        return or_(named, column == int(reference))
    return named


async def _shown(
    connection: AsyncConnection, rows: Sequence[Row[Any]]
) -> list[DataProductOut]:
    ids = [row.data_product_id for row in rows]
    newest = (
        select(planes)
        .where(
            planes.c.data_product_id.in_(ids),
            planes.c.answer.is_not(None),
            ~_is_preview(),
        )
        .ext(distinct_on(planes.c.data_product_id, planes.c.plane))
        .order_by(
            planes.c.data_product_id,
            planes.c.plane,
            planes.c.request_order.desc(),
        )
    )
    of_product: dict[int, list[Row[Any]]] = defaultdict(list)
    for plane in await connection.execute(newest) if ids else ():
        of_product[plane.data_product_id].append(plane)
    return [_out(row, of_product[row.data_product_id]) for row in rows]


def _is_preview() -> ColumnElement[bool]:
    """Whether a plane was answered under a request that only shows what would come."""
    requests = calibration_requests.c
    return (
        select(1)
        .where(
            requests.data_product_id == planes.c.data_product_id,
            requests.request_order == planes.c.request_order,
            requests.purpose == "preview",
        )
        .exists()
    )


def _out(row: Row[Any], planes_of: Sequence[Row[Any]]) -> DataProductOut:
    standing = standing_in(row)
    speaking = sorted(
        planes_of,
        key=lambda plane: (
            -plane.request_order,
            *speaker_rank(plane.outcome, plane.plane),
        ),
    )
    shown = [
        PlaneOut(
            plane=plane.plane,
            plane_count=plane.plane_count,
            request_order=plane.request_order,
            state=plane.state,
            outcome=plane.outcome,
            message=plane.message,
            calibration_id=plane.calibration_id,
            point_ids=list(plane.point_ids),
        )
        for plane in planes_of
    ]
    same = {
        name: getattr(row, name)
        for name in DataProductOut.model_fields
        if name in data_products.c and name not in ("state", "outcome", "message")
    }
    same |= {"target_name": row.target, "oname": row.camera}
    return DataProductOut(
        **same,
        size_bytes=row.size_bytes,
        state=standing.state.value,
        outcome=standing.outcome,
        message=standing.message,
        advice=standing.advice,
        retryable=standing.retry_helps,
        version=row.aggregate_version,
        target_plane=speaking[0].plane if speaking else None,
        planes=shown,
        links=_links(row, speaking),
    )


def _links(row: Row[Any], planes_of: Sequence[Row[Any]]) -> LinksOut:
    here = f"/api/v1/data-products/{row.data_product_id}"
    plotted = next((plane for plane in planes_of if plane.has_plot), None)
    return LinksOut(
        self=here,
        file=f"{here}/file",
        calibrations=f"/api/v1/calibrations?data_product_id={row.data_product_id}",
        plot=(
            None
            if plotted is None
            else f"/api/v1/calibrations/{plotted.calibration_id}/plot.png"
        ),
        target=f"/api/v1/targets/{row.target_id}",
        retry=f"{here}/retry",
    )
