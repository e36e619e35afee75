"""The stated outcomes of a calibration: every frame ends in exactly one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

OutcomeKind = Literal["measured", "failed", "waiting"]


class Outcome(StrEnum):
    """What became of one image plane."""

    CALIBRATED = "calibrated"
    LIMIT = "limit"
    UNREADABLE = "unreadable"
    NO_IMAGE = "no_image"
    NOT_A_SKY_FRAME = "not_a_sky_frame"
    BAD_IMAGE = "bad_image"
    NO_TIME = "no_time"
    NO_WCS = "no_wcs"
    TARGET_OUTSIDE_FRAME = "target_outside_frame"
    TARGET_POSITION_UNKNOWN = "target_position_unknown"
    TARGET_MASKED = "target_masked"
    TARGET_SATURATED = "target_saturated"
    TOO_FEW_STARS = "too_few_stars"
    TOO_FEW_MATCHES = "too_few_matches"
    POOR_ZERO_POINT = "poor_zero_point"
    NOT_LINEAR = "not_linear"
    NO_REFERENCE_IN_BAND = "no_reference_in_band"
    TIMED_OUT = "timed_out"
    WORKER_CRASHED = "worker_crashed"
    SUPERSEDED = "superseded"
    WAITING_FOR_CATALOGUE = "waiting_for_catalogue"


@dataclass(frozen=True, slots=True)
class OutcomeEntry:
    """How an outcome counts, whether a retry can help, and what a person can do."""

    kind: OutcomeKind
    retry_helps: bool
    advice: str


OUTCOMES: dict[Outcome, OutcomeEntry] = {
    Outcome.CALIBRATED: OutcomeEntry("measured", False, "Nothing to do."),
    Outcome.LIMIT: OutcomeEntry(
        "measured", False, "The target was not detected; the limit is kept."
    ),
    Outcome.UNREADABLE: OutcomeEntry(
        "failed",
        False,
        "Write the file again with the program that made it, and upload it.",
    ),
    Outcome.NO_IMAGE: OutcomeEntry(
        "failed",
        False,
        "Upload the reduced frame itself: an image with stars, neither empty nor "
        "saturated all over.",
    ),
    Outcome.NOT_A_SKY_FRAME: OutcomeEntry(
        "failed",
        False,
        "Upload reduced frames of the sky, not darks, flats, biases or differences.",
    ),
    Outcome.BAD_IMAGE: OutcomeEntry(
        "failed", False, "Check tracking, focus and exposure; use another frame."
    ),
    Outcome.NO_TIME: OutcomeEntry(
        "failed", True, "Correct the date keywords of the camera, then retry."
    ),
    Outcome.NO_WCS: OutcomeEntry(
        "failed",
        True,
        "Solve the frame (for example with ASTAP), then upload it again.",
    ),
    Outcome.TARGET_OUTSIDE_FRAME: OutcomeEntry(
        "failed",
        True,
        "Check the target chosen for this frame and the frame's pointing.",
    ),
    Outcome.TARGET_POSITION_UNKNOWN: OutcomeEntry(
        "failed",
        True,
        "Give the target coordinates, orbital elements near the time of the frame, or "
        "an ephemeris that covers it.",
    ),
    Outcome.TARGET_MASKED: OutcomeEntry(
        "failed", False, "The target fell on unusable pixels; use another frame."
    ),
    Outcome.TARGET_SATURATED: OutcomeEntry(
        "failed", False, "Use a shorter exposure for this target."
    ),
    Outcome.TOO_FEW_STARS: OutcomeEntry(
        "failed", True, "Check focus, clouds and exposure time of the frame."
    ),
    Outcome.TOO_FEW_MATCHES: OutcomeEntry(
        "failed", True, "Check the frame's WCS and the target chosen for it."
    ),
    Outcome.POOR_ZERO_POINT: OutcomeEntry(
        "failed", True, "Check flat-fielding, clouds and the filter of the frame."
    ),
    Outcome.NOT_LINEAR: OutcomeEntry(
        "failed", False, "Upload the frame as it was before it was stretched."
    ),
    Outcome.NO_REFERENCE_IN_BAND: OutcomeEntry(
        "failed", True, "Ask for another reference band, for example GaiaSP/any."
    ),
    Outcome.TIMED_OUT: OutcomeEntry(
        "failed", True, "Retry; if it happens again, send the frame to the operator."
    ),
    Outcome.WORKER_CRASHED: OutcomeEntry(
        "failed", True, "Retry; if it happens again, send the frame to the operator."
    ),
    Outcome.SUPERSEDED: OutcomeEntry(
        "failed", False, "A newer request for the same frame took its place."
    ),
    Outcome.WAITING_FOR_CATALOGUE: OutcomeEntry(
        "waiting", False, "It goes on by itself when the reference stars are imported."
    ),
}
