"""Use cases: evidence comes in, decisions are drawn from it, people overrule them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import structlog

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.decisions import domain, position_store, store
from bhtom_cpcs.decisions.domain import Ruling, RulingKind
from bhtom_cpcs.decisions.evidence import (
    Origin,
    Plain,
    catalogue_pin,
    frame_row,
    proposed_scenes,
    target_rows,
    tells,
)
from bhtom_cpcs.decisions.pin_store import pin_catalogue
from bhtom_cpcs.decisions.scene_evidence import scene_rows
from bhtom_cpcs.decisions.scene_store import scenes_to_consider
from bhtom_cpcs.decisions.scenes import learn_scene
from bhtom_cpcs.decisions.second_look import Field
from bhtom_cpcs.decisions.store import FilterKey
from bhtom_cpcs.decisions.tables import FRAME_EVIDENCE, TARGET_EVIDENCE
from bhtom_cpcs.science.calibration.settlement import (
    BandEvidence,
    BandInterval,
    settle_band,
)
from bhtom_cpcs.science.decisions import SettledBand
from bhtom_runtime.service import Context, Cron, Effect, Job, JobKind
from bhtom_runtime.unit_of_work import NewJob, UnitOfWork

DECIDE: Final = "draw_decisions"
CRON: Final = Cron(DECIDE, timedelta(seconds=10), DECIDE)
# A run stays short; what is left is for the next one.
_FILTERS_A_RUN: Final = 20
_TARGETS_A_RUN: Final = 50
# Ids that are kept with an interval as its evidence: enough to look at.
_EVIDENCE_SHOWN: Final = 50

_logger = structlog.get_logger(__name__)


async def take_evidence(
    uow: UnitOfWork,
    request: FitsUploaded,
    calibration_id: int,
    plane: Plain,
    field: Field | None = None,
) -> None:
    """Keep what a recorded plane tells; a repeat or an older request adds nothing.

    `field` is that of the whole file.
    """
    if request.purpose != "record" or not tells(plane):
        return
    origin = Origin(
        request, calibration_id, None if field is None else field.radius_deg
    )
    await store.keep_frame(uow, frame_row(origin, plane))
    for row in target_rows(origin, plane):
        await store.keep_target(uow, row)
    for row in scene_rows(origin, plane):
        await store.keep_scene_evidence(uow, row)
    for scene in proposed_scenes(plane):
        await store.propose_scene(uow, scene, calibration_id)
    anew = request.parameters.newest_catalogue
    await pin_catalogue(uow, catalogue_pin(origin, plane), anew=anew)
    await uow.enqueue(NewJob(kind=DECIDE, dedupe_key=DECIDE))


def deciding(context: Context) -> JobKind:
    """The job that draws decisions from new evidence."""

    async def run(_: Job) -> Effect | None:
        async with context.database.read() as connection:
            filters = await store.filters_to_consider(connection, _FILTERS_A_RUN)
            targets = await store.targets_to_consider(connection, _TARGETS_A_RUN)
            scenes = await scenes_to_consider(connection, _TARGETS_A_RUN)
        if not (filters or targets or scenes):
            return None

        async def effect(uow: UnitOfWork) -> None:
            for key in filters:
                await settle_filter(uow, key)
            for target_id in targets:
                await place_target(uow, target_id)
            for target_id in scenes:
                await learn_scene(uow, target_id)

        return effect

    return JobKind(DECIDE, run, timeout_s=120)


async def settle_filter(uow: UnitOfWork, key: FilterKey) -> None:
    """Settle what a filter card means, from all its evidence and people's word."""
    await store.one_at_a_time(uow, f"filter {key}")
    history, new = await store.filter_history(uow, key)
    rulings = await store.rulings_on(uow, key)
    bands = settled_bands(key.filter_card, history, rulings)
    known = await store.settlement(uow, key)
    if known is None or _ruling_of(known.intervals) != _ruling_of(bands):
        version = 1 if known is None else known.version + 1
        await store.keep_settlement(uow, key, version, bands)
        _logger.info(
            "filter settled",
            camera_id=key.camera_id,
            filter_card=key.filter_card,
            declared_filter=key.declared_filter,
            version=version,
            passbands=[band["passband"] for band in bands if not band["provisional"]],
        )
    elif known.intervals != bands:
        await store.keep_settlement(uow, key, known.version, bands)
    await store.mark_considered(uow, FRAME_EVIDENCE, new)


def _ruling_of(bands: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """What the bands rule, without how many frames say so."""
    names = ("passband", "provisional", "valid_from_mjd", "valid_until_mjd")
    return [tuple(band[name] for name in names) for band in bands]


def settled_bands(
    filter_card: str, history: Sequence[BandEvidence], rulings: Sequence[Ruling]
) -> list[dict[str, Any]]:
    """Bands of a card as they are stored, the first that holds at a time counting."""
    cleared = [one for one in rulings if one.kind is RulingKind.CLEAR]
    # Uploaded for several targets, or of several chips, an exposure counts once: by
    # the last that shows a band.
    exposures = {
        frame.mid_exposure_mjd: frame
        for frame in sorted(
            history, key=lambda one: (bool(one.shown), one.calibration_id)
        )
    }
    counting = [
        frame
        for frame in exposures.values()
        if not any(one.holds_at(frame.mid_exposure_mjd) for one in cleared)
    ]
    intervals = settle_band(filter_card, counting)
    of_stars = [
        (_settled(filter_card, interval), interval)
        for interval in intervals
        if interval.passband is not None
    ]
    of_people = domain.ruled(filter_card, (), rulings)
    return [
        *(asdict(band) | {"by": "person", **_NO_EVIDENCE} for band in of_people),
        *(asdict(band) | {"by": "stars", **_shown(of)} for band, of in of_stars),
    ]


_NO_EVIDENCE: Final = {"n_contradicting": 0, "agreeing": [], "contradicting": []}


def _settled(filter_card: str, interval: BandInterval) -> SettledBand:
    assert interval.passband is not None  # noqa: S101 - narrows the type
    return SettledBand(
        filter_card=filter_card,
        passband=interval.passband,
        provisional=interval.provisional,
        n_frames=len(interval.agreeing),
        n_nights=interval.n_nights,
        valid_from_mjd=interval.valid_from_mjd,
        valid_until_mjd=interval.valid_until_mjd,
    )


def _shown(interval: BandInterval) -> dict[str, Any]:
    return {
        "n_contradicting": len(interval.contradicting),
        "agreeing": list(interval.agreeing[:_EVIDENCE_SHOWN]),
        "contradicting": list(interval.contradicting[-_EVIDENCE_SHOWN:]),
    }


async def reconsider_product(uow: UnitOfWork, data_product_id: int) -> None:
    """Draw decisions anew that rest on a product which was deleted, or came back."""
    if await store.reconsider(uow, data_product_id):
        await uow.enqueue(NewJob(kind=DECIDE, dedupe_key=DECIDE))


async def place_target(uow: UnitOfWork, target_id: int) -> None:
    """Take the mean of a target's good positions, and keep it when it is news."""
    await store.one_at_a_time(uow, f"target {target_id}")
    positions = await position_store.positions_of(uow, target_id)
    found = domain.mean_position(positions.measured)
    known = await position_store.mean_of(uow, target_id)
    mean = None if known is None else known[1]
    if found is None:
        if positions.withdrawn:
            await position_store.withdraw_means(uow, target_id)
    elif domain.is_news(mean, found) or (positions.withdrawn and found != mean):
        version = await position_store.keep_mean(uow, target_id, found)
        _logger.info(
            "target placed",
            target_id=target_id,
            version=version,
            n_frames=found.n_frames,
        )
    await store.mark_considered(uow, TARGET_EVIDENCE, positions.new)
