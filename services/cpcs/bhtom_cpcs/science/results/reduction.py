"""What a reduction answers: frozen, picklable, and convertible to plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bhtom_cpcs.science.calibration.residual_map import ResidualMap
from bhtom_cpcs.science.explain.explanation import Explanation
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.json_form import json_form
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.catalogue_file import CatalogueFile
from bhtom_cpcs.science.results.frame import FilterReport, Quality, Timing, WcsFigures
from bhtom_cpcs.science.results.target import TargetMeasurement
from bhtom_cpcs.science.results.zero_point import ZeroPoint


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
class PlaneReduction:
    """One image plane's answer; what could not be found out is None.

    With several targets the outcome is the best of theirs (calibrated before limit
    before failed); each measurement holds its own. `flags` are words about the frame
    as a whole (`drawn_out`, `not_calibrated`, `eight_bit`, `stretched`). `image` names
    the chip alike in all files of a camera, without the colour of a plane.
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
    flags: tuple[FlagWord, ...] = ()
    image: str = ""
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
