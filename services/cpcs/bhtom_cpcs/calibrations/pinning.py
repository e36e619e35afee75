"""Ties a request to what is decided when its reduction first starts."""

from typing import Any

from bhtom_contracts.outcomes import Outcome
from bhtom_cpcs.calibrations import store
from bhtom_cpcs.calibrations.answers import contract_outcome
from bhtom_cpcs.calibrations.reduced import ReducedFrame
from bhtom_cpcs.calibrations.store import StoredRequest
from bhtom_cpcs.decisions.collecting import collect
from bhtom_cpcs.decisions.pinned import decisions_of, plain_decisions
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
            values = None
            if inputs.repeats_request_id is not None:
                values = await store.decisions_pinned_by(
                    connection, inputs.data_product_id, inputs.repeats_request_id
                )
            if values is None:
                values = plain_decisions(await collect(connection, inputs, None))
        async with self._database.unit_of_work() as uow:
            return await store.pin_decisions(uow, request.id, values)

    async def after(
        self, request: StoredRequest, pinned: dict[str, Any], frame: ReducedFrame
    ) -> dict[str, Any] | None:
        """Other decisions, when a frame needs a zero point of its night and has none.

        Its night is known only now; before, the time of the upload stood for it.
        """
        times = [
            plane.result["timing"]["mid_exposure_mjd_utc"]
            for plane in frame.planes
            if contract_outcome(plane.result["outcome"]) is Outcome.NO_REFERENCE_IN_BAND
            and plane.result.get("timing") is not None
        ]
        if not times or request.inputs.repeats_request_id is not None:
            return None
        async with self._database.read() as connection:
            found = plain_decisions(await collect(connection, request.inputs, times[0]))
        known = decisions_of(pinned).borrowed_zero_points
        if decisions_of(found).borrowed_zero_points in (known, ()):
            return None
        async with self._database.unit_of_work() as uow:
            return await store.pin_decisions(uow, request.id, found, anew=True)
