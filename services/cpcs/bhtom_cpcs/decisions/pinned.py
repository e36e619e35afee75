"""Decisions as they are stored with a request: plain JSON, and back without a loss."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from bhtom_cpcs.science.decisions import (
    BorrowedZeroPoint,
    Decisions,
    MeanPosition,
    PinnedRelease,
    Scene,
    SceneStar,
    SettledBand,
    TargetColour,
)
from bhtom_cpcs.science.zero_point_terms import ColourTerm


def plain_decisions(decisions: Decisions) -> dict[str, Any]:
    """The decisions as JSON values; `version` names their content."""
    values = asdict(replace(decisions, version=""))
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return values | {"version": hashlib.sha256(text.encode()).hexdigest()[:16]}


def decisions_of(values: Mapping[str, Any]) -> Decisions:
    """The decisions that `plain` has written."""
    return Decisions(
        version=values["version"],
        settled_bands=tuple(SettledBand(**band) for band in values["settled_bands"]),
        scenes=tuple(scene_of(scene) for scene in values["scenes"]),
        mean_positions=tuple(MeanPosition(**one) for one in values["mean_positions"]),
        target_colours=tuple(TargetColour(**one) for one in values["target_colours"]),
        borrowed_zero_points=tuple(
            _borrowed_of(one) for one in values["borrowed_zero_points"]
        ),
        pinned_releases=tuple(
            PinnedRelease(**one) for one in values["pinned_releases"]
        ),
        brightness_column=values.get("brightness_column"),
        other_targets=tuple((ra, dec) for ra, dec in values["other_targets"]),
    )


def _borrowed_of(values: Mapping[str, Any]) -> BorrowedZeroPoint:
    term = values.get("colour_term")
    return BorrowedZeroPoint(
        **{**values, "colour_term": None if term is None else ColourTerm(**term)}
    )


def scene_of(values: Mapping[str, Any]) -> Scene:
    """A scene from its JSON values."""
    stars = tuple(SceneStar(**star) for star in values["stars"])
    return Scene(**{**values, "stars": stars})
