"""The words that a reduction says of a point, one registry for all of them."""

from enum import StrEnum


class FlagWord(StrEnum):
    """What may be doubtful about a point; each word has a bit of its flags.

    The words of a zero point, a time and a frame hold for every target of the plane.
    """

    # the target's pixels and its fit
    SATURATED = "saturated"
    SATURATED_NEIGHBOUR = "saturated_neighbour"
    NEAR_EDGE = "near_edge"
    MASKED_PIXELS = "masked_pixels"
    COSMIC_RAY = "cosmic_ray"
    BLENDED = "blended"
    HOST_INCLUDED = "host_included"
    POOR_FIT = "poor_fit"
    LIGHT_BESIDE_POSITION = "light_beside_position"
    MOVED_DURING_EXPOSURE = "moved_during_exposure"
    NO_SOURCE_WITHIN_MATCH_RADIUS = "no_source_within_match_radius"
    NOISE_EMPIRICAL = "noise_empirical"
    # its zero point
    FILTER_DISAGREES = "filter_disagrees"
    PASSBAND_PROVISIONAL = "passband_provisional"
    NON_STANDARD_PASSBAND = "non_standard_passband"
    TRANSFORMED_REFERENCE = "transformed_reference"
    UNVERIFIED_REFERENCE = "unverified_reference"
    FEW_REFERENCE_STARS = "few_reference_stars"
    POOR_ZERO_POINT = "poor_zero_point"
    BORROWED_ZERO_POINT = "borrowed_zero_point"
    OUTSIDE_STARS_HULL = "outside_stars_hull"
    COLOUR_ASSUMED = "colour_assumed"
    COLOUR_EXTRAPOLATED = "colour_extrapolated"
    # the time
    TIME_UNCERTAIN = "time_uncertain"
    DATE_OBS_TAKEN_AS_START = "date_obs_taken_as_start"
    EXPOSURE_TIME_UNKNOWN = "exposure_time_unknown"
    EXPOSURE_TIME_NOT_TOLD = "exposure_time_not_told"
    TIME_CARDS_DISAGREE = "time_cards_disagree"
    TIME_SCALE_UNKNOWN = "time_scale_unknown"
    TIME_CONVERTED = "time_converted"
    SITE_UNKNOWN = "site_unknown"
    TIME_OR_SITE_IMPLAUSIBLE = "time_or_site_implausible"
    # the frame
    DRAWN_OUT = "drawn_out"
    NOT_CALIBRATED = "not_calibrated"
    EIGHT_BIT = "eight_bit"
    STRETCHED = "stretched"
