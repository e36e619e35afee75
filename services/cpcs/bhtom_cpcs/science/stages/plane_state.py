"""What the stages of a plane's reduction have found out so far."""

from dataclasses import dataclass, field
from typing import TypeVar

from bhtom_cpcs.science.astrometry.chip_layout import Layout
from bhtom_cpcs.science.astrometry.coordinates import Astrometry
from bhtom_cpcs.science.astrometry.cross_match import Matches
from bhtom_cpcs.science.astrometry.other_chips import SolvedChip
from bhtom_cpcs.science.calibration.band_choice import BandChoice
from bhtom_cpcs.science.calibration.comparison import ComparisonStars, StarFluxes
from bhtom_cpcs.science.calibration.selection import Selection
from bhtom_cpcs.science.explain.explanation import MatchedStars
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.detector import Detector
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import ReferenceCatalogue, ReferenceStars
from bhtom_cpcs.science.request import ReductionRequest
from bhtom_cpcs.science.results.frame import FilterReport, Quality, Timing, WcsFigures
from bhtom_cpcs.science.results.reduction import MissingTiles
from bhtom_cpcs.science.results.target import TargetMeasurement
from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_cpcs.science.stars.cosmic_rays import NO_STRIKES, Strikes
from bhtom_cpcs.science.stars.detection import Sky, Sources
from bhtom_cpcs.science.stars.psf_fluxes import PsfFluxes
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.usual_fit import UsualFit
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.targets.target_position import TargetPlace


@dataclass(frozen=True, slots=True)
class OtherChips:
    """What is known of the other planes of the file, which share the pointing.

    `layout` is of the plane itself. `alone`: they were tried by themselves before, and
    only the others can tell where this one is. `doubted`: by the headers no image of
    the file is near the target, so that they may all be wrong.
    """

    solved: tuple[SolvedChip, ...] = ()
    layout: Layout = field(default_factory=dict)
    n_planes: int = 1
    alone: bool = False
    doubted: bool = False


NO_OTHERS = OtherChips()


@dataclass(slots=True)
class PlaneState:
    """Filled in stage by stage; what a stage needs, an earlier one has set."""

    plane: Plane
    request: ReductionRequest
    catalogue: ReferenceCatalogue
    others: OtherChips = NO_OTHERS
    warnings: list[str] = field(default_factory=list)
    frame_flags: list[FlagWord] = field(default_factory=list)
    outcome: Outcome | None = None
    message: str = ""
    # How a chip ends that does not show the target; it is calibrated all the same.
    shown_elsewhere: tuple[Outcome, str] | None = None

    timing: Timing | None = None
    header_astrometry: Astrometry | None = None
    astrometry: Astrometry | None = None
    wcs_problem: Stop | None = None
    places: tuple[TargetPlace, ...] = ()
    detector: Detector | None = None
    sky: Sky | None = None
    pixel_noise: PixelNoise | None = None
    strikes: Strikes = NO_STRIKES
    sources: Sources | None = None
    psf: PsfModel | None = None
    source_fluxes: PsfFluxes | None = None  # of all sources, by the PSF
    usual_fit: UsualFit | None = None  # how well the PSF fits them
    reference: ReferenceStars | None = None
    matches: Matches | None = None
    star_fluxes: StarFluxes | None = None
    selection: Selection | None = None
    comparison: ComparisonStars | None = None
    choice: BandChoice | None = None

    filter: FilterReport | None = None
    wcs: WcsFigures | None = None
    quality: Quality | None = None
    zero_point: ZeroPoint | None = None
    matched_stars: MatchedStars | None = None
    measurements: tuple[TargetMeasurement, ...] = ()
    missing_tiles: MissingTiles | None = None

    @property
    def has_pixels(self) -> bool:
        """Whether there is an image; lists of sources come without."""
        return True

    @property
    def fwhm_px(self) -> float:
        """Width of the stars' image [px]."""
        return need(self.psf, "find_sources").fwhm_px


_Value = TypeVar("_Value")


def need(value: _Value | None, stage: str) -> _Value:
    """Return what an earlier stage has set; its absence is a mistake in the order."""
    if value is None:
        message = f"the stages are out of order: {stage} has not run"
        raise RuntimeError(message)
    return value
