"""What a file's images say of a target that is not on them: once, and of each other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.reduction import PlaneReduction

_OUTSIDE: Final = Outcome.TARGET_OUTSIDE_FRAME


def told_together(
    planes: Sequence[PlaneReduction],
    sentences: Mapping[int, str],
    away_deg: Mapping[int, float],
) -> list[PlaneReduction]:
    """Let images beside the target name the one that shows it.

    Where none does, the first of them says so for the file, with the nearest image, and
    the others point to it. A file of one image speaks for itself.

    Parameters
    ----------
    planes : the file's images, in their order
    sentences : what each image says of the target by itself, by its number
    away_deg : how far the target is from the centre of each image, by its number
    """
    outside = [plane.plane for plane in planes if plane.outcome is _OUTSIDE]
    if len(planes) < 2 or not outside:
        return list(planes)
    shown = next((plane for plane in planes if _shows_target(plane)), None)
    if shown is not None:
        text = f"The target is not on this image: {_name(shown)} of the file shows it."
        said = dict.fromkeys(outside, text)
    else:
        text = f"The target is not on this image either: see image {outside[0] + 1}."
        said = dict.fromkeys(outside, text)
        said[outside[0]] = _on_none(planes, outside, away_deg)
    return [
        _saying(plane, sentences.get(plane.plane, ""), said[plane.plane])
        if plane.plane in said
        else plane
        for plane in planes
    ]


def _saying(plane: PlaneReduction, before: str, now: str) -> PlaneReduction:
    """Put one sentence in another's place; what else was said of the frame stays."""
    message = plane.message.replace(before, now, 1) if before else plane.message
    explanation = plane.explanation
    if explanation is not None:
        explanation = replace(explanation, verdict=message)
    return replace(plane, message=message, explanation=explanation)


def _on_none(
    planes: Sequence[PlaneReduction],
    outside: Sequence[int],
    away_deg: Mapping[int, float],
) -> str:
    """The file's sentence: how many images there are, and which is nearest."""
    if len(outside) == len(planes):
        none = f"none of the file's {len(planes)} images"
    else:
        none = (
            f"none of the {len(outside)} of {len(planes)} images whose place is known"
        )
    known = [number for number in outside if number in away_deg]
    nearest = ""
    if known:
        number = min(known, key=lambda one: (away_deg[one], one))
        away = away_deg[number]
        far = f"{away:.1f} deg" if away > 2 else f"{away * 60:.1f} arcmin"
        nearest = f"; it lies {far} from the centre of {_name(planes[number])}"
    return (
        f"The target is outside the frame: {none} shows it{nearest}; check the "
        "target's position and the frame's coordinates."
    )


def _shows_target(plane: PlaneReduction) -> bool:
    """Whether the stars put the target on an image, however its measurement ended."""
    placed = plane.wcs is not None and plane.wcs.n_matched is not None
    return placed and plane.outcome is not _OUTSIDE


def _name(plane: PlaneReduction) -> str:
    return f"image {plane.plane + 1} ({plane.plane_name})"
