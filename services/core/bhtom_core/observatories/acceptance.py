"""The operator's rule: which proposals for a camera become its version by themselves.

Off unless the operator switches it on. It accepts what rests on many frames and moves
little; everything else waits for a person, as without the rule.
"""

import math
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bhtom_contracts.camera_bounds import (
    FIGURES,
    at_place,
    impossible_figures,
    is_possible,
    key_of,
)
from bhtom_contracts.events.cameras import (
    CameraProposed,
    FlatMap,
    LearnedColourTerm,
    LearnedFigures,
)

# A version a night would tell nobody anything: news is twice the frames, or a figure.
_NEWS: Final = 2
STATED: Final = ("gain", "pixel_scale", "binning", "saturation_level")
# What may change with the binning, in ways that depend on where pixels were added.
_OF_A_BINNING: Final = ("gain", "readout_noise", "saturation_level")
# How far from nothing a figure may be that no version had before.
_NEW_SLOPE: Final = 0.3
_NEW_SHUTTER_S: Final = 0.5
_NEW_CELL_MAG: Final = 0.1


# Residual and error [mag] by column and row.
_Cells = dict[tuple[int, int], tuple[float, float]]


class NewestVersion(Protocol):
    """What the rule looks at of a camera with its newest version."""

    camera_version: int
    gain: float | None
    readout_noise: float | None
    pixel_scale: float | None
    binning: int | None
    saturation_level: float | None
    learned: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class AcceptanceRule:
    """What a proposal must keep to.

    `max_sigma` bounds the change of what was learnt before, in the combined errors;
    `max_change` that of a figure that a person stated, as a share of it.
    """

    min_frames: int
    min_nights: int
    max_sigma: float
    max_change: float

    @property
    def text(self) -> str:
        """The rule in words, for the version's history."""
        return (
            f"at least {self.min_frames} frames of {self.min_nights} nights; what was "
            f"learnt before moves by at most {self.max_sigma:g} sigma, a stated figure "
            f"by at most {self.max_change:.0%}; new colour terms within "
            f"{_NEW_SLOPE:g}, shutter times within {_NEW_SHUTTER_S:g} s, "
            f"flat-field cells within {_NEW_CELL_MAG:g} mag"
        )

    def objection(self, camera: NewestVersion, proposed: CameraProposed) -> str | None:
        """Why a proposal waits for a person, None when the rule accepts it."""
        learned = proposed.learned
        known = (
            None
            if camera.learned is None
            else LearnedFigures.model_validate(camera.learned)
        )
        if proposed.camera_version != camera.camera_version:
            return f"It was compared with version {proposed.camera_version}."
        if learned.frames < self.min_frames or learned.nights < self.min_nights:
            return f"It rests on {learned.frames} frames of {learned.nights} nights."
        if impossible_figures(learned) or not _is_possible(proposed):
            return "It holds what no camera can have."
        return (
            self._stated(camera, proposed)
            or self._slopes(known, learned)
            or self._shutter(known, learned)
            or self._cells(known, learned)
            or (None if _is_news(camera, known, proposed) else "It brings nothing new.")
        )

    def _stated(self, camera: NewestVersion, proposed: CameraProposed) -> str | None:
        for name in STATED:
            old, new = getattr(camera, name), getattr(proposed, name)
            if None not in (old, new) and abs(new - old) > self.max_change * abs(old):
                return (
                    f"It changes the {name.replace('_', ' ')} from {old:g} to {new:g}."
                )
        return _carried_along(camera, proposed)

    def _slopes(
        self, known: LearnedFigures | None, learned: LearnedFigures
    ) -> str | None:
        before, after = _terms(known), _terms(learned)
        for name in sorted(before.keys() | after.keys()):
            old, new = before.get(name), after.get(name)
            what = f"the colour term of {' against '.join(name)}"
            if old is None and new is not None:
                if abs(new.slope) > _NEW_SLOPE:
                    return f"It brings {what}: {new.slope:g}."
            elif old is not None and self._moves(
                old.slope,
                0.0 if new is None else new.slope,
                old.slope_error,
                0.0 if new is None else new.slope_error,
            ):
                return f"It moves {what}."
        return None

    def _shutter(
        self, known: LearnedFigures | None, learned: LearnedFigures
    ) -> str | None:
        old = None if known is None else known.shutter_time
        new = learned.shutter_time
        if old is None:
            far = new is not None and abs(new) > _NEW_SHUTTER_S
        else:
            assert known is not None  # noqa: S101 - narrows the type
            errors = (
                known.shutter_time_error or 0.0,
                learned.shutter_time_error or 0.0,
            )
            far = self._moves(old, new or 0.0, *errors)
        return "It moves the shutter time." if far else None

    def _cells(
        self, known: LearnedFigures | None, learned: LearnedFigures
    ) -> str | None:
        """Hold each map against the one of the same band and image.

        The map of all bands that older versions have is taken out of no frame.
        """
        if known is not None and known.binning != learned.binning:
            return (
                f"It was learnt at binning {learned.binning or 'unknown'} instead of "
                f"{known.binning or 'unknown'}."
            )
        before, after = _maps(known), _maps(learned)
        for key in sorted(before.keys() | after.keys()):
            old, new = before.get(key), after.get(key)
            if None not in (old, new) and _shape(old) != _shape(new):
                return "It divides the flat-field map otherwise."
            place = self._moved_cell(_cells(old), _cells(new))
            if place is not None:
                what = at_place(new or before[key])
                return (
                    f"It moves cell {place[0]}, {place[1]} of the flat-field map of "
                    f"{what}."
                )
        return None

    def _moved_cell(self, before: _Cells, after: _Cells) -> tuple[int, int] | None:
        for place in sorted(before.keys() | after.keys()):
            old, new = before.get(place), after.get(place)
            if old is None and new is not None:
                far = abs(new[0]) > _NEW_CELL_MAG
            else:
                old, new = old or (0.0, 0.0), new or (0.0, 0.0)
                far = self._moves(old[0], new[0], old[1], new[1])
            if far:
                return place
        return None

    def _moves(self, old: float, new: float, *errors: float) -> bool:
        return abs(new - old) > self.max_sigma * max(math.hypot(*errors), 1e-6)


def _carried_along(camera: NewestVersion, proposed: CameraProposed) -> str | None:
    """Say what a row would take to another binning, where nobody measured it.

    A row without a binning is of none.
    """
    if proposed.binning in (None, camera.binning or 1):
        return None
    for name in _OF_A_BINNING:
        if getattr(camera, name) is not None and getattr(proposed, name, None) is None:
            return (
                f"It takes the {name.replace('_', ' ')} to binning "
                f"{proposed.binning}, where nobody measured it."
            )
    return None


def _is_possible(proposed: CameraProposed) -> bool:
    figures = [(getattr(proposed, name), FIGURES[name]) for name in STATED]
    return all(value is None or is_possible(value, at) for value, at in figures)


def _is_news(
    camera: NewestVersion, known: LearnedFigures | None, proposed: CameraProposed
) -> bool:
    figures = [(getattr(camera, name), getattr(proposed, name)) for name in STATED]
    changed = any(new is not None and new != old for old, new in figures)
    return changed or known is None or proposed.learned.frames >= _NEWS * known.frames


def _terms(
    learned: LearnedFigures | None,
) -> dict[tuple[str, str], LearnedColourTerm]:
    terms = () if learned is None else learned.colour_terms
    return {(term.passband, term.colour): term for term in terms}


def _maps(learned: LearnedFigures | None) -> dict[tuple[str, str, str], FlatMap]:
    maps = () if learned is None else learned.flat_maps
    return {key_of(one): one for one in maps}


def _cells(flat: FlatMap | None) -> _Cells:
    if flat is None:
        return {}
    pairs = zip(flat.residuals, flat.errors, strict=False)
    return {
        (number % flat.columns, number // flat.columns): (residual, error or 0.0)
        for number, (residual, error) in enumerate(pairs)
        if residual is not None
    }


def _shape(flat: FlatMap | None) -> tuple[int, int] | None:
    if flat is None:
        return None
    return flat.columns, flat.rows
