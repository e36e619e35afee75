"""What a reduction is asked for: targets, site, camera and wished filter."""

from dataclasses import dataclass

from bhtom_cpcs.science.decisions import NOTHING_DECIDED, Decisions


@dataclass(frozen=True, slots=True)
class TargetPosition:
    """A sidereal target: ICRS position at an epoch, its motion and parallax."""

    target_id: int
    ra_deg: float
    dec_deg: float
    epoch_jyear: float = 2016.0
    pm_ra_masyr: float = 0.0  # includes cos(dec)
    pm_dec_masyr: float = 0.0
    parallax_mas: float = 0.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where the telescope stands (geodetic, longitude positive to the east)."""

    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """The camera row a request pins: detector figures and header keywords.

    Unknown figures are None and are then taken from the header or the pixels.
    """

    gain_e_per_adu: float | None = None
    read_noise_e: float | None = None
    saturation_adu: float | None = None
    pixel_scale_arcsec: float | None = None
    date_keyword: str = "DATE-OBS"
    time_keyword: str = "TIME-OBS"
    exposure_time_keyword: str = "EXPTIME"
    filter_keyword: str = "FILTER"


@dataclass(frozen=True, slots=True)
class ReductionRequest:
    """Everything but pixels and catalogue that a calibration depends on.

    `requested_filter` is `<survey>/<band>` as in BHTOM: `GaiaSP/any`, `GaiaSP/ugriz`,
    `GaiaSP/UBVRI`, `GaiaSP/r`, or `no` (the same as any). `match_radius_arcsec` is
    None for the automatic radius; it never moves the forced position.
    """

    targets: tuple[TargetPosition, ...]
    site: Site | None = None
    camera: CameraSettings = CameraSettings()
    requested_filter: str = "GaiaSP/any"
    match_radius_arcsec: float | None = None
    decisions: Decisions = NOTHING_DECIDED
