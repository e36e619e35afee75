"""Use cases: a target's scene learns from its frames, and people drop stars of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import structlog

from bhtom_cpcs.decisions import scene_store, store
from bhtom_cpcs.decisions.scene_store import SceneVersion
from bhtom_cpcs.decisions.scene_tables import SCENE_EVIDENCE
from bhtom_cpcs.decisions.schemas import SceneRulingIn
from bhtom_cpcs.science.decisions import SceneMember, SceneStar
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Conflict, NotFound
from bhtom_runtime.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    # What reads it imports numpy, which the service itself does without.
    from bhtom_cpcs.science.targets.host_learning import LearntHost
    from bhtom_cpcs.science.targets.scene_learning import LearntStar

# Ids that are kept with a star as its evidence: enough to look at.
_EVIDENCE_SHOWN: Final = 50

_logger = structlog.get_logger(__name__)


async def learn_scene(uow: UnitOfWork, target_id: int) -> None:
    """Add the star, or the host, that a target's frames agree on: the next version."""
    from bhtom_cpcs.science.targets.host_learning import learn_host
    from bhtom_cpcs.science.targets.scene_learning import learn_star

    await store.one_at_a_time(uow, f"scene {target_id}")
    versions = await scene_store.versions_of(uow, target_id)
    newest = versions[-1].scene.version if versions else 0
    history, new = await scene_store.scene_history(uow, target_id, newest)
    if versions:
        ever = [star for version in versions for star in version.scene.stars]
        found: LearntStar | LearntHost | None = learn_star(ever, history)
        if found is None and not any(star.kind == SceneMember.HOST for star in ever):
            found = learn_host(history)
        await _revise(uow, versions, found)
    await store.mark_considered(uow, SCENE_EVIDENCE, new)


async def _revise(
    uow: UnitOfWork,
    versions: Sequence[SceneVersion],
    found: "LearntStar | LearntHost | None" = None,
) -> None:
    """Write the next version where what was learnt or ruled is another scene."""
    from bhtom_cpcs.science.targets.scene_learning import FROM_FRAMES, with_stars

    newest = versions[-1]
    target_id = newest.scene.target_id
    learnt = _learnt_ever(versions)
    if found is not None:
        learnt[found.star] = _shown(found)
    dropped = await scene_store.dropped_stars(uow, target_id)
    listed = [s for s in versions[0].scene.stars if s.source != FROM_FRAMES]
    stars = [
        star
        for star in (*listed, *learnt)
        if (star.ra_deg, star.dec_deg) not in dropped
    ]
    if tuple(stars) == newest.scene.stars:
        return
    scene = with_stars(newest.scene, stars)
    told = found.found_in[0] if found is not None else newest.calibration_id
    evidence = tuple(learnt[star] for star in stars if star in learnt)
    await scene_store.keep_version(uow, SceneVersion(scene, evidence, told))
    _logger.info(
        "scene revised",
        target_id=target_id,
        version=scene.version,
        n_stars=len(stars),
        n_learnt=len(evidence),
    )


def _learnt_ever(
    versions: Sequence[SceneVersion],
) -> dict[SceneStar, Mapping[str, Any]]:
    """Stars that were learnt in any version, the earliest first, and their evidence."""
    from bhtom_cpcs.science.targets.scene_learning import FROM_FRAMES

    learnt: dict[SceneStar, Mapping[str, Any]] = {}
    for version in versions:
        ours = [star for star in version.scene.stars if star.source == FROM_FRAMES]
        for star, shown in zip(ours, version.learnt, strict=True):
            learnt.setdefault(star, shown)
    return learnt


def _shown(found: "LearntStar | LearntHost") -> dict[str, Any]:
    values = asdict(found)
    star = values.pop("star")
    return values | {
        "kind": star["kind"],
        "ra_deg": star["ra_deg"],
        "dec_deg": star["dec_deg"],
        "magnitudes": dict(values.get("magnitudes", ())),
        "found_in": list(found.found_in[:_EVIDENCE_SHOWN]),
    }


async def drop_star(
    uow: UnitOfWork, target_id: int, wanted: SceneRulingIn, caller: Principal
) -> None:
    """Take a star out of a target's scene by a person's word."""
    from bhtom_cpcs.science.targets.scene_learning import is_same_star

    versions = await _locked_versions(uow, target_id)
    star = next(
        (
            star
            for star in versions[-1].scene.stars
            if is_same_star(star, wanted.ra_deg, wanted.dec_deg)
        ),
        None,
    )
    if star is None:
        raise Conflict(
            f"The scene of target {target_id} has no star within half an arcsecond of "
            f"{wanted.ra_deg:.6f} {wanted.dec_deg:+.6f}: look at its decisions for the "
            "stars that it has.",
            code="no_such_star",
        )
    ruling_id = await scene_store.keep_scene_ruling(
        uow,
        {
            "target_id": target_id,
            "ra": star.ra_deg,
            "dec": star.dec_deg,
            "why": wanted.why,
            "user_id": caller.user_id,
            "username": caller.username,
        },
    )
    await _revise(uow, versions)
    _logger.info("scene ruled on", target_id=target_id, ruling_id=ruling_id)


async def take_back(
    uow: UnitOfWork, target_id: int, ruling_id: int, caller: Principal
) -> None:
    """Take a ruling back: the star returns, as the scene's next version."""
    versions = await _locked_versions(uow, target_id)
    withdrawn = await scene_store.withdraw_scene_ruling(
        uow, target_id, ruling_id, caller.username
    )
    if not withdrawn:
        raise NotFound(f"There is no ruling {ruling_id} on this scene that holds.")
    await _revise(uow, versions)
    _logger.info("scene ruling withdrawn", target_id=target_id, ruling_id=ruling_id)


async def _locked_versions(uow: UnitOfWork, target_id: int) -> list[SceneVersion]:
    await store.one_at_a_time(uow, f"scene {target_id}")
    versions = await scene_store.versions_of(uow, target_id)
    if not versions:
        raise NotFound(f"Target {target_id} has no scene yet: no frame was calibrated.")
    return versions
