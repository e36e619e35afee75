"""Use cases: a request comes, is answered, waits, is woken, or is superseded."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

import structlog

from bhtom_contracts.events.calibrations import CalibrationAnswer
from bhtom_contracts.events.frames import FitsUploaded
from bhtom_contracts.outcomes import Outcome
from bhtom_contracts.registry import BY_NAME, BY_PAYLOAD
from bhtom_cpcs.calibrations import store
from bhtom_cpcs.calibrations.answers import (
    Circumstances,
    answer_of,
    contract_outcome,
    is_waiting,
)
from bhtom_cpcs.calibrations.domain import REDUCIBLE, Move, RequestState
from bhtom_cpcs.calibrations.metrics import ANSWERED
from bhtom_cpcs.calibrations.reduced import (
    FinishedReduction,
    KeptFiles,
    ReducedFrame,
    ReducedPlane,
    stated_plane,
)
from bhtom_cpcs.calibrations.store import NewCalibration, StoredRequest
from bhtom_cpcs.decisions.second_look import whole_field
from bhtom_cpcs.decisions.service import take_evidence
from bhtom_cpcs.reference_catalogues.manifest import own_release
from bhtom_runtime.tracing import traced
from bhtom_runtime.unit_of_work import NewJob, UnitOfWork

REDUCE_FRAME: Final = "reduce_frame"
# Its own queue: small jobs never stand behind reductions.
REDUCTIONS: Final = "reductions"
# A crash is tried again; a frame that crashes thrice is at fault, not the machine.
MAX_ATTEMPTS: Final = 3
_BACKGROUND: Final = -10
_SUPERSEDED: Final = "A newer request for the same frame took the place of this one."

_logger = structlog.get_logger(__name__)


async def receive(uow: UnitOfWork, request: FitsUploaded) -> None:
    """Record a request and its job; a known one only gets its answer again."""
    if not await store.insert_request(uow, request):
        await _repeat(uow, request.calibration_request_id)
        return
    if await store.has_newer(uow, request):
        known = await store.lock_request(uow, request.calibration_request_id)
        if known is not None:
            await _supersede(uow, known)
        return
    for older in await store.lock_older_unfinished(uow, request):
        await _supersede(uow, older)
    await enqueue_reduction(uow, request)


async def enqueue_reduction(uow: UnitOfWork, request: FitsUploaded) -> int | None:
    """Ask for the reduction of a request, once at a time."""
    return await uow.enqueue(
        NewJob(
            kind=REDUCE_FRAME,
            queue=REDUCTIONS,
            payload={"calibration_request_id": request.calibration_request_id},
            priority=_BACKGROUND if request.background else 0,
            fair_key=str(request.owner_id),
            dedupe_key=str(request.calibration_request_id),
            max_attempts=MAX_ATTEMPTS,
        )
    )


async def _repeat(uow: UnitOfWork, request_id: int) -> None:
    """Send the stored answers again, or make sure that an answer is being made."""
    request = await store.lock_request(uow, request_id)
    if request is None:
        return
    if request.state is RequestState.QUEUED:
        await enqueue_reduction(uow, request.inputs)
        return
    for row in await store.calibrations_of(uow, request_id):
        uow.emit(
            _stored_answer(row.answer_topic, row.answer),
            traceparent=request.traceparent,
        )


def _stored_answer(topic: str, answer: Mapping[str, Any]) -> CalibrationAnswer:
    payload = BY_NAME[topic].payload.model_validate(answer)
    assert isinstance(payload, CalibrationAnswer)  # noqa: S101 - narrows the type
    return payload


async def answer(
    uow: UnitOfWork, request_id: int, reduction: FinishedReduction
) -> None:
    """Store a reduction and tell of it, unless the request has ended meanwhile."""
    request = await store.lock_request(uow, request_id)
    if request is None or request.state not in REDUCIBLE:
        return
    await _keep_planes(uow, request, reduction)
    waiting_for = _missing_tiles(reduction.frame)
    how = Move.ANSWER if waiting_for is None else Move.WAIT
    await store.move(uow, request, how, waiting_for)


async def bury(
    uow: UnitOfWork,
    request_id: int,
    outcome: Outcome,
    message: str,
    settings_version: str,
) -> None:
    """Tell that a request's reduction ended without any answer of its own."""
    request = await store.lock_request(uow, request_id)
    if request is None or request.state not in REDUCIBLE:
        return
    stated = ReducedFrame((stated_plane(outcome, message),))
    await _keep_planes(uow, request, _now(stated, settings_version))
    await store.move(uow, request, Move.DIE)


async def wake(uow: UnitOfWork, request_id: int) -> bool:
    """Reduce a waiting request again, in its own trace."""
    request = await store.lock_request(uow, request_id)
    if request is None or request.state is not RequestState.WAITING:
        return False
    await store.move(uow, request, Move.WAKE)
    planes = await store.calibrations_of(uow, request_id)
    if all(is_waiting(row.outcome) for row in planes):
        # Weeks may have passed, and nothing was measured with the old decisions.
        await store.release_decisions(uow, request_id)
    with traced(request.traceparent):
        await enqueue_reduction(uow, request.inputs)
    return True


async def redrive(uow: UnitOfWork, request_id: int) -> bool:
    """Give another job to a queued request that has lost its own."""
    request = await store.lock_request(uow, request_id)
    if request is None or request.state is not RequestState.QUEUED:
        return False
    with traced(request.traceparent):
        return await enqueue_reduction(uow, request.inputs) is not None


async def _supersede(uow: UnitOfWork, request: StoredRequest) -> None:
    """End an unfinished request because a newer one took its place."""
    planes = [
        (row.plane, row.plane_count)
        for row in await store.calibrations_of(uow, request.id)
        if is_waiting(row.outcome)
    ]
    stated = ReducedFrame(
        tuple(
            stated_plane(Outcome.SUPERSEDED, _SUPERSEDED, plane, count)
            for plane, count in planes or [(0, 1)]
        )
    )
    await _keep_planes(uow, request, _now(stated, ""))
    await store.move(uow, request, Move.SUPERSEDE)


def _now(frame: ReducedFrame, settings_version: str) -> FinishedReduction:
    moment = datetime.now(UTC)
    kept = (KeptFiles(),) * len(frame.planes)
    return FinishedReduction(frame, kept, moment, moment, settings_version)


async def _keep_planes(
    uow: UnitOfWork, request: StoredRequest, reduction: FinishedReduction
) -> None:
    """Store and emit one answer a plane; a plane that has its answer keeps it."""
    stored = {row.plane: row for row in await store.calibrations_of(uow, request.id)}
    starts_over = request.state is RequestState.DEAD
    field = whole_field([plane.result for plane in reduction.frame.planes])
    for plane, kept in zip(reduction.frame.planes, reduction.kept, strict=True):
        known = stored.get(plane.result["plane"])
        if known is not None and not (starts_over or is_waiting(known.outcome)):
            continue
        calibration_id = known.id if known else await store.next_calibration_id(uow)
        new, event = _calibration(request, reduction, plane, kept, calibration_id)
        await store.keep_calibration(uow, new)
        uow.emit(event, traceparent=request.traceparent)
        await take_evidence(uow, request.inputs, calibration_id, plane.result, field)
        _tell(new)
    if starts_over:
        planes = [plane.result["plane"] for plane in reduction.frame.planes]
        await store.drop_other_planes(uow, request.id, planes)


def _calibration(
    request: StoredRequest,
    reduction: FinishedReduction,
    plane: ReducedPlane,
    kept: KeptFiles,
    calibration_id: int,
) -> tuple[NewCalibration, CalibrationAnswer]:
    """The row of a plane and the event that tells of it."""
    circumstances = Circumstances(
        calibration_id=calibration_id,
        finished_at=reduction.finished_at,
        reduction_time_s=reduction.frame.seconds,
        has_plot=kept.plot is not None,
        fingerprint=reduction.frame.fingerprint,
        settings_version=reduction.settings_version,
        decisions_version=(request.decisions or {}).get("version", ""),
    )
    event = answer_of(request.inputs, plane.result, circumstances)
    provenance = plane.result.get("provenance") or {}
    return NewCalibration(
        id=calibration_id,
        calibration_request_id=request.id,
        plane=event.plane,
        plane_count=event.plane_count,
        outcome=event.outcome,
        message=event.message,
        started_at=reduction.started_at,
        finished_at=reduction.finished_at,
        reduction_time_s=reduction.frame.seconds,
        fingerprint=reduction.frame.fingerprint,
        software_version=provenance.get("software_version", version("bhtom-cpcs")),
        settings_version=reduction.settings_version,
        plot_key=kept.plot,
        explanation_key=kept.explanation,
        result=plane.result,
        answer_topic=BY_PAYLOAD[type(event)].name,
        answer=event.model_dump(mode="json"),
    ), event


def _tell(calibration: NewCalibration) -> None:
    ANSWERED.labels(calibration.outcome).inc()
    _logger.info(
        "plane answered",
        calibration_id=calibration.id,
        calibration_request_id=calibration.calibration_request_id,
        data_product_id=calibration.answer["data_product_id"],
        plane=calibration.plane,
        outcome=calibration.outcome,
        reduction_time_s=round(calibration.reduction_time_s, 3),
    )


def _missing_tiles(frame: ReducedFrame) -> dict[str, Any] | None:
    """What the waiting planes of a frame wait for, None when none waits."""
    waiting = [
        plane.result
        for plane in frame.planes
        if contract_outcome(plane.result["outcome"]) is Outcome.WAITING_FOR_CATALOGUE
    ]
    if not waiting:
        return None
    missing = [plane["missing_tiles"] for plane in waiting]
    # Pixels of two orders cannot be told apart; the largest field wakes all planes.
    order = min(tiles["healpix_order"] for tiles in missing)
    same = [tiles["pixels"] for tiles in missing if tiles["healpix_order"] == order]
    return {
        "catalogue": missing[0]["catalogue_name"],
        "healpix_order": order,
        "pixels": sorted({pixel for pixels in same for pixel in pixels}),
        "checked_release": own_release(waiting[0]["provenance"]["catalogue_release"]),
    }
