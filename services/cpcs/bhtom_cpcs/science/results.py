"""What a reduction answers: frozen, picklable, and convertible to plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bhtom_cpcs.science.calibration.residual_map import ResidualMap
from bhtom_cpcs.science.decisions import Scene
from bhtom_cpcs.science.explain.explanation import Explanation
from bhtom_cpcs.science.json_form import json_form
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.zero_point_terms import (
    ColourTerm,
    ExtinctionTerm,
    SpatialTerm,
)


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
    flags: tuple[str, ...] = ()
    air_mass: float | None = None
    sun_altitude_deg: float | None = None
    hjd_utc: float | None = None
    n_exposures: int = 1
    site_source: str | None = None


@dataclass(frozen=True, slots=True)
class FilterReport:
    """What the FILTER card says, and whether the stars say otherwise.

    `card_band` is the offered band the card's text means, None for a blank, generic
    or unknown text; `disagrees` is None when nothing can be compared. `kind` is the
    sort of filter that the card declares. `shown` are the allowed passbands that the
    stars do not tell apart, the best first; `settled` is the one that earlier frames
    settled; `contradicted` says that the stars show another band than the settled or
    the only requested one, which is used all the same.
    """

    card: str | None
    card_band: str | None
    disagrees: bool | None
    sentence: str | None
    kind: str = "named"
    shown: tuple[str, ...] = ()
    settled: str | None = None
    contradicted: bool = False


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
    `solved_blind` (without a pointing). `distortion_order` is the order of the
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
class Quality:
    """How good the image is. Background figures are in ADU per pixel.

    `sky_level_adu` and `sky_variance_adu2` are the sky's of one pixel of the file, as
    photon transfer wants them; `gain_source` says where the gain comes from.
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
    psf: PsfReport | None = None


@dataclass(frozen=True, slots=True)
class BandFigures:
    """One offered band in the ranking, all bands on the same stars.

    `scatter_mag` is the robust rms about the zero point and `intrinsic_scatter_mag`
    the same with the catalogue's and the measurements' errors subtracted (it ranks).
    `reason` says why a band was chosen, passed over or not ranked.
    """

    passband: str
    ranked: bool
    chosen: bool
    reason: str
    n_stars: int
    zero_point: float | None
    zero_point_error: float | None
    scatter_mag: float | None
    intrinsic_scatter_mag: float | None
    outlier_fraction: float | None


@dataclass(frozen=True, slots=True)
class ZeroPoint:
    """Offset from instrumental to standard magnitudes in the chosen passband.

    reference magnitude = -2.5 log10(flux in ADU per frame) + `value`. `error` is
    1 sigma, without the PSF normalisation, whose common part cancels between target
    and stars and whose rest is in the target's own budget; `scatter` the robust rms
    [mag]; `unverified_used` says that values the catalogue itself doubts had to be
    used.

    `value` is that of a star of the colour term's pivot at the frame's centre.
    `passband` is `reference_passband` for a standard filter and a name of its own for
    another (`GaiaSP/clear-r`, shown as `clear-r(GaiaSP)`). `source` says where the
    reference comes from: `native` magnitudes, a published `transformation`, or
    `borrowed` from a frame of the same night; `source_note` in words.
    `magnitude_slope` is the slope of instrumental against reference magnitudes minus
    one. `hull_px` are the corners of the used stars' convex hull. `flags` hold for
    every target of the frame.
    """

    passband: str
    passband_text: str
    value: float
    error: float
    scatter: float
    n_stars: int
    n_matched: int
    outlier_fraction: float
    matching_radius_arcsec: float
    ranking: tuple[BandFigures, ...]
    unverified_used: bool = False
    reference_passband: str = ""
    source: str = "native"
    source_note: str = ""
    colour_term: ColourTerm | None = None
    spatial_term: SpatialTerm | None = None
    extinction_term: ExtinctionTerm | None = None
    magnitude_slope: float | None = None
    magnitude_slope_error: float | None = None
    hull_px: tuple[tuple[float, float], ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rival:
    """Another entry of an instrumental catalogue that may be the target."""

    separation_arcsec: float
    magnitude: float
    magnitude_error: float


@dataclass(frozen=True, slots=True)
class TargetMeasurement:
    """The forced measurement at one target's position.

    The flux and its error are stored whatever their sign. `magnitude` is None below
    a signal to noise of 3 (`is_limit`) and on a target that cannot be measured.
    `error_budget_mag` holds each term of the magnitude's error [mag]: photon, sky,
    read, blend, cosmic_ray of the flux, and position, zero_point, psf_normalisation,
    scintillation, colour, floor; they add in quadrature. `error_budget_adu` holds the
    flux's own [ADU]. `position_error_arcsec` is 1 sigma an axis of the place before the
    fit, `position_source` what gave it; `fitted_*` is where the light itself lies, in
    frames that show it well, and its error with that of the frame's coordinates.
    `scene_version` counts the list of neighbours that were fitted beside the target;
    `proposed_scene` is one to be kept where there was none. `neighbour_flux_adu` is
    their light that would else have passed for the target's. On a galaxy
    (`host_included`) the fixed aperture's magnitude is of all the light in it.
    """

    target_id: int
    outcome: Outcome
    message: str
    ra_deg: float
    dec_deg: float
    x_px: float | None = None
    y_px: float | None = None
    flux_adu: float | None = None
    flux_error_adu: float | None = None
    signal_to_noise: float | None = None
    aperture_radius_px: float | None = None
    magnitude: float | None = None
    magnitude_error: float | None = None
    limit_3sigma: float | None = None
    limit_5sigma: float | None = None
    limit_definition: str | None = None
    is_limit: bool = False
    flags: tuple[str, ...] = ()
    error_budget_mag: Mapping[str, float] = field(default_factory=dict)
    error_budget_adu: Mapping[str, float] = field(default_factory=dict)
    nearest_source_arcsec: float | None = None
    rivals: tuple[Rival, ...] = ()
    position_source: str = ""
    position_error_arcsec: float | None = None
    position_free: bool = False
    fitted_ra_deg: float | None = None
    fitted_dec_deg: float | None = None
    fitted_ra_error_arcsec: float | None = None
    fitted_dec_error_arcsec: float | None = None
    scene_version: int = 0
    n_neighbours: int = 0
    proposed_scene: Scene | None = None
    neighbour_flux_adu: float | None = None
    local_background_adu: float | None = None
    reduced_chi_square: float | None = None
    fixed_aperture_arcsec: float | None = None
    fixed_aperture_magnitude: float | None = None
    fixed_aperture_magnitude_error: float | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the numbers depend on, so that they can be made again."""

    software_version: str
    method: str
    catalogue_name: str
    catalogue_release: str
    tile_hashes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MissingTiles:
    """What a waiting calibration waits for: nested HEALPix pixels of a catalogue."""

    catalogue_name: str
    healpix_order: int
    pixels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EstimatorFigures:
    """A brightness column of an instrumental catalogue and how well it does.

    `scatter_mag` is what the errors do not explain of the rms about the zero point in
    `passband`, on stars that every compared column has; None when it was not needed.
    """

    column: str
    error_column: str
    chosen: bool
    n_stars: int
    passband: str | None = None
    scatter_mag: float | None = None


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """How an instrumental catalogue was read.

    `columns` says which column was taken for what and why, `dropped` how many rows
    were left out for which reason.
    """

    format: str
    n_rows: int
    n_sources: int
    columns: Mapping[str, str]
    dropped: Mapping[str, int]
    estimators: tuple[EstimatorFigures, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaneReduction:
    """One image plane's answer; what could not be found out is None.

    With several targets the outcome is the best of theirs (calibrated before limit
    before failed); each measurement holds its own. `flags` are words about the frame
    as a whole (`drawn_out`, `not_calibrated`, `eight_bit`, `stretched`).
    """

    plane: int
    plane_count: int
    plane_name: str
    outcome: Outcome
    message: str
    provenance: Provenance
    timing: Timing | None = None
    filter: FilterReport | None = None
    wcs: WcsFigures | None = None
    quality: Quality | None = None
    zero_point: ZeroPoint | None = None
    residual_map: ResidualMap | None = None
    measurements: tuple[TargetMeasurement, ...] = ()
    missing_tiles: MissingTiles | None = None
    catalogue_file: CatalogueFile | None = None
    warnings: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    explanation: Explanation | None = field(default=None, metadata={"json": False})

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, without the explanation's arrays."""
        plain: dict[str, Any] = json_form(self)
        return plain


@dataclass(frozen=True, slots=True)
class FrameReduction:
    """The answer for a file: one entry per image plane, never none.

    `pixel_fingerprint` is the sha256 of decoded pixels and date cards, so that plain,
    gzipped and fpacked copies of a frame agree; None when the file cannot be read.
    """

    planes: tuple[PlaneReduction, ...]
    pixel_fingerprint: str | None
    stage_seconds: Mapping[str, float] = field(
        default_factory=dict, metadata={"json": False}
    )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, without the explanations' arrays."""
        return {
            "planes": [plane.to_json() for plane in self.planes],
            "pixel_fingerprint": self.pixel_fingerprint,
        }
