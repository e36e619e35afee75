"""What frames tell of stars beside a target that its scene does not list."""

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
class SceneEvidence:
    """What one frame that shows the target by itself tells of its neighbourhood.

    `stars` may be empty: a sharp frame that shows nothing speaks against what others
    show. `depth` is the magnitude of a star at the target's place whose signal to noise
    would be 5; `night` counts the site's nights.
    """

    calibration_id: int
    mid_exposure_mjd: float
    night: int
    passband: str
    fwhm_arcsec: float
    depth: float
    stars: tuple[StarBeside, ...] = ()
