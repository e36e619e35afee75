"""How many of the detector's pixels were read as one."""

import re
from dataclasses import dataclass
from math import sqrt

from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import number_of, text_of
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.request import CameraSettings

# MaxIm DL and most others; SBIG; NOAO and IRAF; drivers of single cameras; ESO.
_PAIRS = (
    ("XBINNING", "YBINNING"),
    ("CCDXBIN", "CCDYBIN"),
    ("CCDBIN1", "CCDBIN2"),
    ("XBIN", "YBIN"),
    ("BINX", "BINY"),
    ("BINNINGX", "BINNINGY"),
    ("HBIN", "VBIN"),
    ("CCDBINX", "CCDBINY"),
    ("BINAXIS1", "BINAXIS2"),
    ("ESO DET WIN1 BINX", "ESO DET WIN1 BINY"),
    ("OGE DET BINX", "OGE DET BINY"),
)
_TEXTS = ("CCDSUM", "BINNING", "CCDBIN", "BIN")
_BOTH = re.compile(r"^\s*\(?(\d{1,2})(?:\s*[xX*, ]\s*(\d{1,2}))?\)?\s*$")
_MOST = 16


@dataclass(frozen=True, slots=True)
class Binning:
    """Pixels of the detector in one of the image, along x and y."""

    x: int
    y: int

    @property
    def text(self) -> str:
        """`2x2`, as results and cameras have it."""
        return f"{self.x}x{self.y}"

    def side_over(self, row_binning: int) -> float:
        """How much wider a pixel is than one of n x n, as the side of a square."""
        return sqrt(self.x * self.y) / row_binning


def binning_of(header: fits.Header) -> Binning | None:
    """The binning that the header tells, None where it tells none that can be."""
    for x_card, y_card in _PAIRS:
        x, y = _count(number_of(header, x_card)), _count(number_of(header, y_card))
        if x is not None or y is not None:
            return Binning(x or y or 1, y or x or 1)
    for card in _TEXTS:
        match = _BOTH.match(text_of(header, card) or "")
        if match is None:
            continue
        x, y = _count(float(match[1])), _count(float(match[2] or match[1]))
        if x is not None and y is not None:
            return Binning(x, y)
    return None


def row_scale_arcsec(plane: Plane, camera: CameraSettings) -> float | None:
    """The camera row's pixel scale for the binning and the sampling of a plane."""
    scale = plane.scale_of(camera.pixel_scale_arcsec)
    binning = binning_of(plane.header)
    if scale is None or binning is None:
        return scale
    return scale * binning.side_over(camera.binning)


def other_binning(header: fits.Header, camera: CameraSettings) -> str | None:
    """A sentence where the camera's figures are of another binning than the frame."""
    binning, row = binning_of(header), Binning(camera.binning, camera.binning)
    if binning is None or binning == row:
        return None
    figures = {
        "gain": camera.gain_e_per_adu,
        "read noise": camera.read_noise_e,
        "saturation level": camera.saturation_adu,
    }
    stated = [name for name, value in figures.items() if value is not None]
    done = [f"its {', '.join(stated)} are taken as they stand"] if stated else []
    if camera.pixel_scale_arcsec is not None:
        factor = binning.side_over(camera.binning)
        done.insert(0, f"its pixel scale is taken {factor:.3g} times")
    if not done:
        return None
    return (
        f"The frame is binned {binning.text} and the camera's row is of {row.text}: "
        f"{', '.join(done)}. State the row's binning if it is another."
    )


def _count(value: float | None) -> int | None:
    """A number of pixels, None for what cannot be one."""
    if value is None or not 1 <= value <= _MOST or value != int(value):
        return None
    return int(value)
