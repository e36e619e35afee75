"""What is found out about a frame as a whole: time, filter, place, quality."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bhtom_cpcs.science.flag_words import FlagWord


@dataclass(frozen=True, slots=True)
class Timing:
    """When the light was collected.

    `bjd_tdb` and `hjd_utc` are None without a target. `exposure_time_s` is the sum of
    the `n_exposures` a frame was made of. `site_source` says whose site counts:
    `camera`, `header`, or None. `flags` are words such as `date_obs_taken_as_start`
    or `time_uncertain`.
    """

    mid_exposure_mjd_utc: float
    bjd_tdb: float | None
    exposure_time_s: float
    time_as_reported: str
    time_card: str
    time_scale: str
    flags: tuple[FlagWord, ...] = ()
    air_mass: float | None = None
    sun_altitude_deg: float | None = None
    hjd_utc: float | None = None
    n_exposures: int = 1
    site_source: str | None = None


@dataclass(frozen=True, slots=True)
class FilterReport:
    """What the FILTER card says, and whether the stars say otherwise.

    `card_band` is the band the card's text means, offered or transformed to, None for
    a blank, generic or unknown text; `disagrees` is None when nothing can be compared.
    `kind` is the sort of filter that the card declares. `shown` are the allowed
    passbands that the stars do not tell apart, the best first; `settled` is the one
    that earlier frames settled; `contradicted` says that the stars show another band
    than the settled or the only requested one, which is used all the same.
    `plane_colour` is that of a plane of a colour camera: its card is all planes' alike
    and tells nothing of any.
    """

    card: str | None
    card_band: str | None
    disagrees: bool | None
    sentence: str | None
    kind: str = "named"
    shown: tuple[str, ...] = ()
    settled: str | None = None
    contradicted: bool = False
    plane_colour: str | None = None


@dataclass(frozen=True, slots=True)
class WcsFigures:
    """The frame's astrometry, verified against the reference stars.

    Centre, scale and rotation are those after the correction by the stars, where
    there is one. `offset_*` is catalogue minus header position, on the sky;
    `rms_arcsec` the scatter of a matched star's position per axis, wrong pairs apart,
    and `mapping_error_arcsec` what that leaves as the error of the coordinates
    themselves at a place among the stars, per axis; None where no stars were matched.
    `method` says where the coordinates come from: `header` (good as they were),
    `refined` (the header's, corrected by more than a pixel), `repaired` (the header's
    were wrong, solved anew), `solved_hinted` (none; solved near the pointing),
    `solved_blind` (without a pointing), `solved_by_other_chips` (beside the file's
    other images). `distortion_order` is the order of the
    correction's polynomial, 1 for a linear one. `cards` describe the coordinates as a
    FITS header (TAN or TAN-SIP).
    """

    centre_ra_deg: float
    centre_dec_deg: float
    pixel_scale_arcsec: float
    rotation_deg: float
    mirrored: bool
    width_px: int
    height_px: int
    radius_deg: float
    offset_ra_arcsec: float | None = None
    offset_dec_arcsec: float | None = None
    offset_arcsec: float | None = None
    rms_arcsec: float | None = None
    n_matched: int | None = None
    rms_px: float | None = None
    mapping_error_arcsec: float | None = None
    method: str | None = None
    distortion_order: int | None = None
    cards: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PsfReport:
    """The point-spread function that the frame's fluxes were fitted with.

    Full widths at half maximum along the long and the short axis, angle of the long
    axis from x towards y, Moffat exponent (None: a Gaussian), order of its change over
    the frame, and what its normalisation varies by from star to star, 1 sigma.
    `from_few_stars` says that fewer than five stars were good enough.
    """

    n_stars: int
    from_few_stars: bool
    long_fwhm_px: float
    short_fwhm_px: float
    angle_deg: float
    beta: float | None
    spatial_order: int
    normalisation_error_mag: float


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which of the detector's pixels a value of the image is of.

    `binning` (`2x2`) is None where the header tells none. `pixel_pitch` counts the
    file's pixels from one value to the next, `pixels_averaged` those in it: raw frames
    of colour cameras are cut into planes.
    """

    binning: str | None = None
    pixel_pitch: int = 1
    pixels_averaged: int = 1


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the image is. Background figures are in ADU per pixel.

    `sky_level_adu` and `sky_variance_adu2` are the sky's of one pixel of the file, as
    photon transfer wants them; `gain_source` says where the gain comes from:
    `camera`, `header`, `photon_transfer`, `sky`, `stars`, or `none`.
    `as_read` says that the values are whole numbers of one exposure.
    `saturation_seen_adu` is the level that the pixels themselves show, None where the
    limit is only stated, or the values are in another unit than the camera's.
    """

    fwhm_px: float
    fwhm_arcsec: float | None
    ellipticity: float
    background_adu: float
    background_rms_adu: float
    n_sources: int
    saturated_fraction: float
    masked_fraction: float
    saturation_adu: float | None
    gain_e_per_adu: float | None
    noise_empirical: bool
    gain_source: str = ""
    sky_level_adu: float | None = None
    sky_variance_adu2: float | None = None
    as_read: bool = False
    psf: PsfReport | None = None
    saturation_seen_adu: float | None = None
    sampling: Sampling | None = None
