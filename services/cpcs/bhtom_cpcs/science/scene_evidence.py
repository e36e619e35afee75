"""What frames tell of light beside a target that its scene does not list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StarBeside:
    """A star that a frame shows beside the target and that no scene lists.

    ICRS at the frame's epoch [deg] with 1 sigma an axis [arcsec], the frame's own
    coordinates' error included; distance from the target's fit [arcsec]; magnitude in
    the frame's passband with the error of its flux; reduced chi-square of its pixels,
    which tells stars from what is none.
    """

    ra_deg: float
    dec_deg: float
    error_arcsec: float
    distance_arcsec: float
    magnitude: float
    magnitude_error: float
    reduced_chi_square: float


@dataclass(frozen=True, slots=True)
class LightAbout:
    """What a frame shows 1.75 to 3 FWHM from a target beyond the images of stars.

    All are parts of the light of the stars there, the target among them. `sectors` are
    eight directions, the first about north and on through east, less what is usual for
    the frame's own stars; `error` is 1 sigma of their sum by the noise, `systematic` by
    what those stars differ in. `said` says that the frame by itself shows a host.
    ICRS of the target's fit [deg].
    """

    ra_deg: float
    dec_deg: float
    sectors: tuple[float, ...]
    error: float
    systematic: float
    said: bool


@dataclass(frozen=True, slots=True)
class SceneEvidence:
    """What one frame that shows the target by itself tells of its neighbourhood.

    `stars` may be empty: a sharp frame that shows nothing speaks against what others
    show. `depth` is the magnitude of a star at the target's place whose signal to noise
    would be 5; `night` counts the site's nights. `light` is None where the frame does
    not tell of it; one that shows a host tells of no stars.
    """

    calibration_id: int
    mid_exposure_mjd: float
    night: int
    passband: str
    fwhm_arcsec: float
    depth: float
    stars: tuple[StarBeside, ...] = ()
    light: LightAbout | None = None

    @property
    def tells_of_stars(self) -> bool:
        """Whether what looks like stars beside the target may be taken for stars."""
        return self.light is None or not self.light.said
