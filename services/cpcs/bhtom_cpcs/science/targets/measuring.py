"""What a plane's targets are measured with."""

from dataclasses import dataclass

from bhtom_cpcs.science.astrometry.coordinates import Astrometry
from bhtom_cpcs.science.decisions import Decisions
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.frames.detector import Detector
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.results.frame import Timing
from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_cpcs.science.stars.cosmic_rays import Strikes
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.usual_fit import UsualFit
from bhtom_cpcs.science.targets.forced_fit import FrameLight


@dataclass(frozen=True, slots=True)
class Measuring:
    """What the forced measurement of a plane's targets has in common.

    `astrometric_error_arcsec` is 1 sigma an axis of the frame's own coordinates,
    `stars_missed_mag` what the PSF misses of the zero point's stars on average, but for
    what it misses of all. `usual` is how well the frame's stars are fitted,
    `brightest_peak_adu` their second highest peak above the sky.
    """

    light: FrameLight
    astrometry: Astrometry
    astrometric_error_arcsec: float
    sources: Sources
    strikes: Strikes
    detector: Detector
    sky_level: float
    usual: UsualFit
    zero_point: ZeroPoint
    timing: Timing
    reference: ReferenceStars | None
    catalogue: str
    decisions: Decisions
    aperture_m: float | None = None
    site_height_m: float = 0.0
    match_radius_arcsec: float | None = None
    stars_missed_mag: float = 0.0
    brightest_peak_adu: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image [px]."""
        height, width = self.light.pixels.shape
        return height, width

    @property
    def epoch_jyear(self) -> float:
        """When the frame was taken [yr]."""
        return julian_year(self.timing.mid_exposure_mjd_utc)
