"""Ties a request to what is decided when its reduction first starts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.calibrations import earlier, store
from bhtom_cpcs.calibrations.reduced import ReducedFrame
from bhtom_cpcs.calibrations.store import StoredRequest
from bhtom_cpcs.decisions.collecting import collect
from bhtom_cpcs.decisions.pinned import decisions_of, plain_decisions
from bhtom_cpcs.decisions.second_look import (
    Field,
    serves_better,
    time_of,
    whole_field,
)
from bhtom_cpcs.science.decisions import Decisions, PinnedRelease
from bhtom_runtime.database import Database


class PinnedDecisions:
    """The decisions of requests: once pinned, every repeat gets the same."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, request: StoredRequest) -> dict[str, Any]:
        """What a request is tied to; a request that repeats another takes its ties."""
        if request.decisions is not None:
            return request.decisions
        inputs = request.inputs
        async with self._database.read() as connection:
            values = await _repeated(connection, inputs)
            if values is None:
                values = plain_decisions(await _collected(connection, inputs, None))
        async with self._database.unit_of_work() as uow:
            return await store.pin_decisions(uow, request.id, values)

    async def after(
        self, request: StoredRequest, pinned: dict[str, Any], frame: ReducedFrame
    ) -> dict[str, Any] | None:
        """Other decisions, when a file's true night and field offer what it lacks.

        They are known only now; before, the time of the upload and the target's
        position stood for them.
        """
        planes = [plane.result for plane in frame.planes]
        mjd, field = time_of(planes), whole_field(planes)
        if mjd is None or request.inputs.repeats_request_id is not None:
            return None
        async with self._database.read() as connection:
            decisions = await _collected(connection, request.inputs, mjd, field)
        if not serves_better(decisions_of(pinned), decisions, planes):
            return None
        found = plain_decisions(decisions)
        async with self._database.unit_of_work() as uow:
            return await store.pin_decisions(uow, request.id, found, anew=True)


async def _collected(
    connection: AsyncConnection,
    inputs: FitsUploaded,
    mjd: float | None,
    field: Field | None = None,
) -> Decisions:
    """What was decided, with what only the calibrations themselves tell of it."""
    found = await collect(connection, inputs, mjd, field)
    lenders = [one.calibration_id for one in found.borrowed_zero_points]
    terms = await earlier.colour_terms_of(connection, lenders)
    column = None
    if inputs.kind == "photometry":
        column = await earlier.brightness_column_of(
            connection, inputs.target.target_id, inputs.camera.camera_id
        )
    return replace(
        found,
        brightness_column=column,
        borrowed_zero_points=tuple(
            replace(one, colour_term=terms.get(one.calibration_id))
            for one in found.borrowed_zero_points
        ),
    )


async def _repeated(
    connection: AsyncConnection, inputs: FitsUploaded
) -> dict[str, Any] | None:
    """What the request that is repeated was tied to, and the stars that it used.

    A preview may have asked for the newest release: by now there may be a newer one.
    """
    product, repeated = inputs.data_product_id, inputs.repeats_request_id
    if repeated is None:
        return None
    values = await store.decisions_pinned_by(connection, product, repeated)
    used = await store.releases_used_by(connection, product, repeated)
    if values is None or not used:
        return values
    decisions = decisions_of(values)
    pins = with_used(decisions.pinned_releases, used)
    return plain_decisions(replace(decisions, pinned_releases=pins))


def with_used(
    pins: Sequence[PinnedRelease], used: Sequence[PinnedRelease]
) -> tuple[PinnedRelease, ...]:
    """The ties with what was used in the place of what was tied, in the same order."""

    def instead_of(pin: PinnedRelease) -> list[PinnedRelease]:
        same = (pin.catalogue_name, pin.passband)
        of_it = [u for u in used if (u.catalogue_name, u.passband) == same]
        # its own first: another served what it does not cover
        return sorted(of_it, key=lambda one: one.release != pin.release) or [pin]

    return tuple(dict.fromkeys([*(n for pin in pins for n in instead_of(pin)), *used]))
