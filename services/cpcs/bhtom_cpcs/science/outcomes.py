"""The stated outcomes of a calibration: every code and its sentence."""

from enum import StrEnum


class Outcome(StrEnum):
    """How the calibration of one image plane (or of one target in it) ended."""

    CALIBRATED = "calibrated"
    LIMIT = "limit"
    FRAME_MISSING = "frame_missing"
    UNREADABLE = "unreadable"
    UNREADABLE_CATALOGUE = "unreadable_catalogue"
    NO_IMAGE = "no_image"
    EMPTY_IMAGE = "empty_image"
    IMAGE_TOO_LARGE = "image_too_large"
    IS_DARK = "is_dark"
    IS_BIAS = "is_bias"
    IS_FLAT = "is_flat"
    NO_TIME = "no_time"
    NO_WCS = "no_wcs"
    TARGET_OUTSIDE_FRAME = "target_outside_frame"
    TOO_FEW_STARS = "too_few_stars"
    TOO_FEW_MATCHES = "too_few_matches"
    TOO_FEW_USABLE_STARS = "too_few_usable_stars"
    NO_REFERENCE_IN_BAND = "no_reference_in_band"
    UNKNOWN_FILTER = "unknown_filter"
    POOR_ZERO_POINT = "poor_zero_point"
    NOT_LINEAR = "not_linear"
    TARGET_POSITION_UNKNOWN = "target_position_unknown"
    TARGET_SATURATED = "target_saturated"
    TARGET_MASKED = "target_masked"
    WAITING_FOR_CATALOGUE = "waiting_for_catalogue"
    IS_CUBE = "is_cube"
    IS_DIFFERENCE = "is_difference"
    SATURATED_FRAME = "saturated_frame"
    TRAILED = "trailed"
    OUT_OF_FOCUS = "out_of_focus"
    TIMED_OUT = "timed_out"
    WORKER_CRASHED = "worker_crashed"


SENTENCES: dict[Outcome, str] = {
    Outcome.CALIBRATED: (
        "Calibrated to {passband}: {magnitude:.3f} ± {magnitude_error:.3f}, {stars}."
    ),
    Outcome.LIMIT: (
        "The target was not seen: fainter than {limit_3sigma:.2f} in {passband} "
        "(3 sigma, {stars})."
    ),
    Outcome.FRAME_MISSING: (
        "The frame's file is not in the store any more; upload it again."
    ),
    Outcome.UNREADABLE: (
        "The file cannot be read as FITS ({reason}); check that it was saved and "
        "transferred whole, and upload it again."
    ),
    Outcome.UNREADABLE_CATALOGUE: (
        "The file cannot be used as an instrumental catalogue: {reason}. Send one file "
        "an exposure, with positions, magnitudes and their errors."
    ),
    Outcome.NO_IMAGE: (
        "The file holds no two-dimensional image ({reason}); upload the reduced "
        "frame itself."
    ),
    Outcome.EMPTY_IMAGE: (
        "The image holds no usable pixels ({reason}); check the exposure and the "
        "reduction."
    ),
    Outcome.IMAGE_TOO_LARGE: (
        "The image has {n_pixels} pixels and the limit is {limit}; cut or bin it."
    ),
    Outcome.IS_DARK: (
        "The frame is a dark ({reason}); upload the reduced frame of the sky."
    ),
    Outcome.IS_BIAS: (
        "The frame is a bias ({reason}); upload the reduced frame of the sky."
    ),
    Outcome.IS_FLAT: (
        "The frame is a flat field ({reason}); upload the reduced frame of the sky."
    ),
    Outcome.NO_TIME: (
        "No usable date and time of the exposure was found ({reason}); name the "
        "camera's date and time keywords in its settings, or correct the header."
    ),
    Outcome.NO_WCS: (
        "The header has no usable celestial coordinates ({reason}); solve the frame "
        "with an astrometry program and upload it again (a list of sources: with right "
        "ascension and declination)."
    ),
    Outcome.TARGET_OUTSIDE_FRAME: (
        "The target is outside the frame: it lies {distance} from the frame's centre, "
        "{centre}; check the target's position and the frame's coordinates."
    ),
    Outcome.TOO_FEW_STARS: (
        "Too few usable stars were found: {n_found}, and {n_needed} are needed; check "
        "focus and exposure, and that it is a frame of the sky (a list of sources: of "
        "the whole field, not of the target alone)."
    ),
    Outcome.TOO_FEW_MATCHES: (
        "Only {n_found} of {n_sources} stars agree with {catalogue} and {n_needed} are "
        "needed{elsewhere}; check the frame's coordinates and the target's."
    ),
    Outcome.TOO_FEW_USABLE_STARS: (
        "{n_matched} stars agree with {catalogue}, but only {n_found} of them can be "
        "used and {n_needed} are needed: {refused}; {advice}."
    ),
    Outcome.NO_REFERENCE_IN_BAND: (
        "{catalogue} has too few stars of this field in {requested}; choose other "
        "bands, for example GaiaSP/any."
    ),
    Outcome.UNKNOWN_FILTER: (
        "The requested filter {requested} is not one of {catalogue}; choose one of "
        "{offered}."
    ),
    Outcome.POOR_ZERO_POINT: (
        "The zero point in {passband} is too uncertain ({reason}); look at the plot "
        "for clouds, trailing or wrong coordinates."
    ),
    Outcome.TARGET_POSITION_UNKNOWN: (
        "Where the target was at the time of the frame is not known ({reason}); give "
        "the target coordinates, elements or an ephemeris that covers it."
    ),
    Outcome.NOT_LINEAR: (
        "The frame is not linear: its magnitudes change by {slope:.2f} "
        "(± {slope_error:.2f}) for each magnitude of the stars in {passband}; upload "
        "the frame before it was stretched or converted."
    ),
    Outcome.TARGET_SATURATED: (
        "The target is saturated (peak {peak:.0f} ADU, limit {limit:.0f} ADU); take a "
        "shorter exposure."
    ),
    Outcome.TARGET_MASKED: (
        "The target lies on pixels without a valid value ({reason}); shift the field "
        "or repair the mask."
    ),
    Outcome.WAITING_FOR_CATALOGUE: (
        "No {catalogue} stars are stored here yet for {where}; the calibration goes "
        "on by itself when they are imported."
    ),
    Outcome.IS_CUBE: (
        "The file holds several exposures in one array ({reason}); upload each of them "
        "as a frame with its own time."
    ),
    Outcome.IS_DIFFERENCE: (
        "The frame is a difference image ({reason}), in which constant stars are "
        "missing; upload the frame as it was before the subtraction."
    ),
    Outcome.SATURATED_FRAME: (
        "The frame is saturated, or lit like a flat field: {fraction:.0%} of its "
        "pixels are at {level:.0f} ADU or above, near its brightest; upload a frame of "
        "the sky, taken with a shorter exposure."
    ),
    Outcome.TRAILED: (
        "The stars are trails, {elongation:.1f} times longer than wide; check tracking "
        "and wind, and upload a frame with round stars."
    ),
    Outcome.OUT_OF_FOCUS: (
        "The stars are far out of focus ({reason}); focus, and upload a sharper frame."
    ),
    Outcome.TIMED_OUT: (
        "The reduction took longer than {limit_s:.0f} s and was stopped; retry it, or "
        "upload a smaller image."
    ),
    Outcome.WORKER_CRASHED: (
        "The reduction ended without an answer ({reason}); retry it, and report the "
        "frame if it happens again."
    ),
}


def sentence(outcome: Outcome, **facts: object) -> str:
    """Write the outcome's sentence with the facts of the case filled in."""
    return SENTENCES[outcome].format(**facts)
