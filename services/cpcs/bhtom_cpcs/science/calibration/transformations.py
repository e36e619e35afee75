"""Published transformations: a band that a catalogue lacks, from bands that it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_JORDI: Final = "Jordi, Grebel & Ammon 2006, A&A 460, 339"
_LUPTON: Final = (
    "Lupton 2005, SDSS data releases 4 to 16, algorithms, sdssUBVRITransform"
)
_TONRY: Final = "Tonry et al. 2012, ApJ 750, 99, table 6"
_RIELLO: Final = "Riello et al. 2021, A&A 649, A3, appendix C"
_CARRASCO: Final = (
    "Carrasco & Bellazzini in Busso et al. 2022, Gaia DR3 documentation, table 5.9"
)


@dataclass(frozen=True, slots=True)
class Transformation:
    """A polynomial: wanted - base = sum of coefficients[k] * colour**k [mag].

    Attributes
    ----------
    band : the wanted band
    base : the band that it starts from
    colour : the two bands of the colour, blue and red
    coefficients : of the powers 0, 1, 2, ... of the colour
    colour_range : where it holds [mag]; beyond it nothing is given
    scatter_mag : of single stars about it, 1 sigma [mag]; part of every error
    paper : where it was published
    """

    band: str
    base: str
    colour: tuple[str, str]
    coefficients: tuple[float, ...]
    colour_range: tuple[float, float]
    scatter_mag: float
    paper: str


# Jordi et al. give neither scatter nor range with their equations, and Lupton's
# scatter is that of bright stars. Range and scatter here are those in which the
# equations follow Gaia's own synthetic bands (some 3,000 verified stars of two fields,
# offsets included: test_cpcs_catalogues_transformations.py). Jordi's
# R - r = -0.153 (r - i) - 0.117, used in BHTOM's older catalogues, misses those stars
# by 0.05 mag at r - i = 0.1 and by 0.2 mag at 1.3, and contradicts their own r - R;
# Lupton's stays within 0.02 mag, and the one from g - r alone within 0.025 (rms) up to
# 1.2, beyond which g - r no longer tells M dwarfs apart. Equations with z or I could
# not be checked and carry a larger scatter.
_FROM_SLOAN: Final = (
    Transformation("B", "g", ("g", "r"), (0.219, 0.313), (0.0, 1.4), 0.05, _JORDI),
    Transformation("V", "g", ("g", "r"), (-0.016, -0.565), (-0.2, 1.6), 0.03, _JORDI),
    Transformation(
        "R", "r", ("r", "i"), (-0.1439, -0.2936), (-0.3, 1.4), 0.02, _LUPTON
    ),
    Transformation(
        "R", "r", ("g", "r"), (-0.0971, -0.1837), (-0.2, 1.2), 0.03, _LUPTON
    ),
    Transformation("I", "i", ("i", "z"), (-0.397, -0.386), (-0.1, 0.8), 0.04, _JORDI),
    Transformation("I", "r", ("r", "i"), (-0.382, -1.2444), (-0.2, 1.4), 0.04, _LUPTON),
)
_FROM_JOHNSON: Final = (
    Transformation("g", "V", ("B", "V"), (-0.124, 0.630), (0.2, 1.5), 0.03, _JORDI),
    Transformation("r", "R", ("V", "R"), (0.088, 0.267), (0.0, 0.93), 0.03, _JORDI),
    Transformation("i", "I", ("R", "I"), (0.329, 0.247), (-0.1, 1.5), 0.04, _JORDI),
)
# Tonry et al. derive them from stars of all types; redder than g - r = 1.4 the colour
# no longer tells M dwarfs apart, so that the range stops there.
_FROM_PANSTARRS: Final = (
    Transformation(
        "B", "g", ("g", "r"), (0.212, 0.556, 0.034), (-0.4, 1.4), 0.032, _TONRY
    ),
    Transformation(
        "V", "r", ("g", "r"), (0.005, 0.462, 0.013), (-0.4, 1.4), 0.012, _TONRY
    ),
    Transformation(
        "R", "r", ("g", "r"), (-0.137, -0.108, -0.029), (-0.4, 1.4), 0.015, _TONRY
    ),
    Transformation(
        "I", "i", ("g", "r"), (-0.366, -0.136, -0.018), (-0.4, 1.4), 0.017, _TONRY
    ),
)


def _from_gaia(
    band: str,
    coefficients: tuple[float, ...],
    colour_range: tuple[float, float],
    scatter_mag: float,
    paper: str = _CARRASCO,
) -> Transformation:
    """One of Gaia's, which are published as G minus the wanted band."""
    turned = tuple(-value for value in coefficients)
    return Transformation(
        band, "G", ("GBP", "GRP"), turned, colour_range, scatter_mag, paper
    )


_FROM_GAIA: Final = (
    _from_gaia(
        "V", (-0.02704, 0.01424, -0.2156, 0.01426), (-0.5, 5.0), 0.03017, _RIELLO
    ),
    _from_gaia(
        "R",
        (-0.02275, 0.3961, -0.1243, -0.01396, 0.003775),
        (0.0, 4.0),
        0.03167,
        _RIELLO,
    ),
    _from_gaia("I", (0.01753, 0.76, -0.0991), (-0.5, 4.5), 0.03765, _RIELLO),
    _from_gaia("g", (0.2199, -0.6365, -0.1548, 0.0064), (0.3, 3.0), 0.0745),
    _from_gaia("r", (-0.09837, 0.08592, 0.1907, -0.1701, 0.02263), (0.0, 3.0), 0.03776),
    _from_gaia("i", (-0.293, 0.6404, -0.09609, -0.002104), (0.5, 2.0), 0.04092),
)

# The photometric system that each catalogue's bands are close to.
TRANSFORMATIONS: Final[Mapping[str, tuple[Transformation, ...]]] = {
    "GaiaSP": (*_FROM_SLOAN, *_FROM_JOHNSON),
    "SDSS": _FROM_SLOAN,
    "APASS": (*_FROM_SLOAN, *_FROM_JOHNSON),
    "PS1": _FROM_PANSTARRS,
    "REFCAT2": _FROM_PANSTARRS,
    "GaiaDR3": _FROM_GAIA,
    "Landolt": _FROM_JOHNSON,
}


@dataclass(frozen=True, slots=True)
class TransformedBand:
    """A band that was transformed; NaN where a star's colour is out of range.

    Attributes
    ----------
    passband : `<catalogue>/<band>`, which the catalogue itself does not have
    magnitude, error : [mag], the error with the transformation's scatter
    verified : False where the catalogue doubts one of the values that it comes from
    transformation : what was used, with its paper
    """

    passband: str
    magnitude: FloatArray
    error: FloatArray
    verified: BoolArray
    transformation: Transformation


def transformable(catalogue: str, bands: tuple[str, ...]) -> tuple[str, ...]:
    """Wanted bands that a catalogue's `bands` (`<catalogue>/<band>`) lead to."""
    have = {band.partition("/")[2] for band in bands}
    wanted = (
        t.band
        for t in TRANSFORMATIONS.get(catalogue, ())
        if {t.base, *t.colour} <= have and t.band not in have
    )
    return tuple(f"{catalogue}/{band}" for band in dict.fromkeys(wanted))


def transform_band(
    passband: str,
    magnitude: Mapping[str, FloatArray],
    error: Mapping[str, FloatArray],
    verified: Mapping[str, BoolArray],
) -> TransformedBand | None:
    """A band that a catalogue lacks, by a published transformation.

    Parameters
    ----------
    passband : the wanted `<catalogue>/<band>`, such as "REFCAT2/V"
    magnitude, error, verified : the catalogue's bands by passband, shape (n_stars,)
        [mag]; error 1 sigma, NaN where unknown

    Returns
    -------
    TransformedBand or None
        None when no transformation is known whose bands the catalogue has, or when no
        star's colour is in its range. Its error adds in quadrature the errors of the
        bands, each with the slope that it enters with, and the published scatter.

    References
    ----------
    Those of `TRANSFORMATIONS`: Jordi et al. 2006 and Lupton 2005 (Sloan and
    Johnson-Cousins), Tonry et al. 2012 table 6 (Pan-STARRS), Riello et al. 2021 and
    the Gaia DR3 documentation table 5.9 (Gaia).
    """
    catalogue, _, band = passband.partition("/")
    for known in TRANSFORMATIONS.get(catalogue, ()):
        names = [f"{catalogue}/{name}" for name in (known.base, *known.colour)]
        if known.band != band or any(name not in magnitude for name in names):
            continue
        base, blue, red = (magnitude[name] for name in names)
        value = _polynomial(known, base, blue - red)
        if np.isfinite(value).any():
            return TransformedBand(
                passband,
                value,
                _error(known, blue - red, {name: error[name] for name in names}, names),
                verified[names[0]] & verified[names[1]] & verified[names[2]],
                known,
            )
    return None


def _polynomial(
    known: Transformation, base: FloatArray, colour: FloatArray
) -> FloatArray:
    low, high = known.colour_range
    inside = (colour >= low) & (colour <= high)
    value: FloatArray = base + np.polynomial.polynomial.polyval(
        colour, known.coefficients
    )
    return np.where(inside, value, np.nan)


def _error(
    known: Transformation,
    colour: FloatArray,
    error: Mapping[str, FloatArray],
    names: list[str],
) -> FloatArray:
    """Add up each band's error with the slope that the band enters with."""
    derivative = np.polynomial.polynomial.polyder(known.coefficients)
    slope = np.polynomial.polynomial.polyval(colour, derivative)
    base, blue, red = names
    weights = dict.fromkeys(names, np.zeros_like(colour))
    for name, weight in ((base, np.ones_like(colour)), (blue, slope), (red, -slope)):
        weights[name] = weights[name] + weight
    variance = known.scatter_mag**2 + sum(
        (weights[name] * error[name]) ** 2 for name in weights
    )
    result: FloatArray = np.sqrt(variance)
    return result
