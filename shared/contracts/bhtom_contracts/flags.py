"""The quality flags of a point: one registry for code, decoders and documents."""

from enum import IntFlag


class PointFlag(IntFlag):
    """Bits of a point's quality word; their meaning is in `DESCRIPTIONS`."""

    NONE = 0
    SATURATED = 1 << 0
    NEAR_EDGE = 1 << 1
    BLENDED = 1 << 2
    COSMIC_RAY = 1 << 3
    MASKED_PIXELS = 1 << 4
    TIME_UNCERTAIN = 1 << 5
    TIME_OR_SITE_IMPLAUSIBLE = 1 << 6
    FILTER_DISAGREES = 1 << 7
    POOR_ZERO_POINT = 1 << 8
    FEW_REFERENCE_STARS = 1 << 9
    NOISE_EMPIRICAL = 1 << 10
    UNVERIFIED_REFERENCE = 1 << 11
    COLOUR_ASSUMED = 1 << 12
    PASSBAND_PROVISIONAL = 1 << 13
    HOST_INCLUDED = 1 << 14
    OUTSIDE_STARS_HULL = 1 << 15
    NON_STANDARD_PASSBAND = 1 << 16
    BORROWED_ZERO_POINT = 1 << 17
    TRANSFORMED_REFERENCE = 1 << 18
    COLOUR_EXTRAPOLATED = 1 << 19
    DOUBTFUL_FRAME = 1 << 20
    SATURATED_NEIGHBOUR = 1 << 21
    LIGHT_BESIDE_POSITION = 1 << 22
    MOVED_DURING_EXPOSURE = 1 << 23
    NO_SOURCE_WITHIN_MATCH_RADIUS = 1 << 24
    EXPOSURE_TIME_NOT_TOLD = 1 << 25
    TIME_CONVERTED = 1 << 26
    SITE_UNKNOWN = 1 << 27
    POOR_FIT = 1 << 28


DESCRIPTIONS: dict[PointFlag, str] = {
    PointFlag.SATURATED: "A pixel of the aperture is at or above saturation.",
    PointFlag.NEAR_EDGE: "The aperture touches the edge of the frame.",
    PointFlag.BLENDED: (
        "Light of neighbours lies under the target: a PSF flux is without what is "
        "known of it, a flux in an aperture includes it."
    ),
    PointFlag.COSMIC_RAY: (
        "A cosmic ray or a hot pixel was found in the aperture; its pixels were left "
        "out."
    ),
    PointFlag.MASKED_PIXELS: "Some pixels of the aperture are masked.",
    PointFlag.TIME_UNCERTAIN: (
        "The header leaves the middle of the exposure open: start or middle, how "
        "long, of how many exposures, on which clock, or its cards disagree; the "
        "start and UTC were assumed."
    ),
    PointFlag.TIME_OR_SITE_IMPLAUSIBLE: (
        "At the stated time and site the Sun was up or the target was below the "
        "horizon."
    ),
    PointFlag.FILTER_DISAGREES: (
        "The stars show another band than the filter card, or than the one that was "
        "requested or settled."
    ),
    PointFlag.POOR_ZERO_POINT: "The zero point is worse than the quality limit.",
    PointFlag.FEW_REFERENCE_STARS: "Fewer than ten stars carry the zero point.",
    PointFlag.NOISE_EMPIRICAL: "No usable gain: the noise was measured in the frame.",
    PointFlag.UNVERIFIED_REFERENCE: "Unverified reference magnitudes were used.",
    PointFlag.COLOUR_ASSUMED: "No colour correction; its effect is in the error.",
    PointFlag.PASSBAND_PROVISIONAL: "The passband of this filter is not settled yet.",
    PointFlag.HOST_INCLUDED: "Light of the host galaxy is included.",
    PointFlag.OUTSIDE_STARS_HULL: "The target lies outside the reference stars' hull.",
    PointFlag.NON_STANDARD_PASSBAND: (
        "The filter's response is not that of the standard passband: a clear, narrow "
        "or light-pollution filter, or a colour slope above 0.15."
    ),
    PointFlag.BORROWED_ZERO_POINT: (
        "The zero point is that of another frame of the same night."
    ),
    PointFlag.TRANSFORMED_REFERENCE: (
        "The reference magnitudes come from other bands by a published transformation."
    ),
    PointFlag.COLOUR_EXTRAPOLATED: (
        "The target's colour is outside that of the stars of the colour term."
    ),
    PointFlag.DOUBTFUL_FRAME: (
        "The frame's stars are drawn out, or it was not calibrated, stretched, or "
        "stored with 8 bits."
    ),
    PointFlag.SATURATED_NEIGHBOUR: (
        "Pixels of a neighbour under the target are saturated; they were left out."
    ),
    PointFlag.LIGHT_BESIDE_POSITION: (
        "There is light beside the target's position, farther than it may be wrong; "
        "the flux is that of the position."
    ),
    PointFlag.MOVED_DURING_EXPOSURE: (
        "The target moved by more than the width of a star during the exposure."
    ),
    PointFlag.NO_SOURCE_WITHIN_MATCH_RADIUS: (
        "No source of the frame is within the match radius that was asked for."
    ),
    PointFlag.EXPOSURE_TIME_NOT_TOLD: (
        "The list of sources came with the middle of the exposure but not its length."
    ),
    PointFlag.TIME_CONVERTED: (
        "The header's time was in another scale, such as TT or HJD, and was converted "
        "to UTC."
    ),
    PointFlag.SITE_UNKNOWN: (
        "The observatory's place is not known: BJD is that of the Earth's centre."
    ),
    PointFlag.POOR_FIT: (
        "The image is not that of the frame's stars of this brightness; what that may "
        "change is in the error."
    ),
}


def describe(word: int) -> list[str]:
    """Sentences for the bits set in a quality word."""
    return [text for flag, text in DESCRIPTIONS.items() if word & flag]
