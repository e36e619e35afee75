"""What a reduction is asked for: targets, site, camera and wished filter."""

from dataclasses import dataclass

from bhtom_cpcs.science.decisions import NOTHING_DECIDED, Decisions
from bhtom_cpcs.science.learned_camera import NOTHING_LEARNT, LearnedCamera


@dataclass(frozen=True, slots=True)
class OrbitalElements:
    """Osculating heliocentric orbit, ecliptic and equinox J2000, angles in degrees.

    Any conic: `perihelion_distance_au` is a (1 - e) of an ellipse. Times are TDB (TT
    will do).
    """

    epoch_mjd_tdb: float
    perihelion_distance_au: float
    eccentricity: float
    inclination_deg: float
    ascending_node_deg: float
    perihelion_argument_deg: float
    perihelion_mjd_tdb: float


@dataclass(frozen=True, slots=True)
class EphemerisRow:
    """A place of a table: astrometric ICRS position, distance where it is known."""

    mjd_utc: float
    ra_deg: float
    dec_deg: float
    distance_au: float | None = None


@dataclass(frozen=True, slots=True)
class Ephemeris:
    """A table of places in order of time, seen from the Earth's centre or the site."""

    rows: tuple[EphemerisRow, ...]
    topocentric: bool = False


@dataclass(frozen=True, slots=True)
class TargetPosition:
    """A target's position model: sidereal, orbital elements, or an ephemeris.

    Sidereal: ICRS position at `epoch_jyear`, motion and parallax. `elements` or
    `ephemeris` take its place for a body that moves. `error_arcsec` is 1 sigma along
    each axis of what the model gives, None when nobody said.
    """

    target_id: int
    ra_deg: float | None = None
    dec_deg: float | None = None
    epoch_jyear: float = 2016.0
    pm_ra_masyr: float = 0.0  # includes cos(dec)
    pm_dec_masyr: float = 0.0
    parallax_mas: float = 0.0
    error_arcsec: float | None = None
    elements: OrbitalElements | None = None
    ephemeris: Ephemeris | None = None
    model_version: int = 1

    @property
    def moves(self) -> bool:
        """Whether it is a body of the solar system."""
        return self.elements is not None or self.ephemeris is not None


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
    They hold at a binning of `binning` x `binning`. `second_order_extinction` is the
    change of a colour term with air mass, by passband [mag per mag and air mass].
    """

    gain_e_per_adu: float | None = None
    read_noise_e: float | None = None
    saturation_adu: float | None = None
    pixel_scale_arcsec: float | None = None
    binning: int = 1
    aperture_m: float | None = None
    date_keyword: str = "DATE-OBS"
    time_keyword: str = "TIME-OBS"
    exposure_time_keyword: str = "EXPTIME"
    filter_keyword: str = "FILTER"
    second_order_extinction: tuple[tuple[str, float], ...] = ()
    learned: LearnedCamera = NOTHING_LEARNT


@dataclass(frozen=True, slots=True)
class ReductionRequest:
    """Everything but pixels and catalogue that a calibration depends on.

    `requested_filter` is `<survey>/<band>` as in BHTOM: `GaiaSP/any`, `GaiaSP/ugriz`,
    `GaiaSP/UBVRI`, `GaiaSP/r`, or `no` (the same as any). `match_radius_arcsec` is
    None for the automatic radius; it never moves the forced position.
    `mid_exposure_mjd_utc` comes with an instrumental catalogue and counts before what
    its header says; frames tell their time themselves.
    """

    targets: tuple[TargetPosition, ...]
    site: Site | None = None
    camera: CameraSettings = CameraSettings()
    requested_filter: str = "GaiaSP/any"
    match_radius_arcsec: float | None = None
    decisions: Decisions = NOTHING_DECIDED
    mid_exposure_mjd_utc: float | None = None
