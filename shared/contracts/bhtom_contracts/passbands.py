"""Passbands: the ids that calibrations and points use, and how they are written.

A reference band is `catalogue/band` where it is chosen ("GaiaSP/r") and
`band(catalogue)` on a calibrated point ("r(GaiaSP)"), the two styles that BHTOM
clients parse. Archives use `SURVEY(band)`, kept as reported.
"""

from typing import Final, Literal

PhotometricSystem = Literal["AB", "Vega", "none"]

GAIA_SYNTHETIC: Final = "GaiaSP"
SLOAN: Final = ("u", "g", "r", "i", "z")
JOHNSON: Final = ("U", "B", "V", "R", "I")

_SYSTEMS: Final[dict[tuple[str, str], PhotometricSystem]] = {
    **{(GAIA_SYNTHETIC, band): "AB" for band in SLOAN},
    **{(GAIA_SYNTHETIC, band): "Vega" for band in JOHNSON},
}


def displayed(passband: str) -> str:
    """`r(GaiaSP)` for `GaiaSP/r`; anything else is shown as it is."""
    catalogue, separator, band = passband.partition("/")
    return f"{band}({catalogue})" if separator else passband


def system_of(passband: str) -> PhotometricSystem:
    """The photometric system of a reference band, `none` where unknown."""
    catalogue, _, band = passband.partition("/")
    return _SYSTEMS.get((catalogue, band), "none")


def offered(requested: str, available: tuple[str, ...]) -> tuple[str, ...]:
    """The bands of a catalogue that a request such as `GaiaSP/ugriz` offers.

    `no`, an empty text and `<catalogue>/any` offer all of them.
    """
    _, _, choice = requested.partition("/")
    if requested in ("", "no") or choice == "any":
        return available
    if choice == "ugriz":
        return tuple(band for band in available if band in SLOAN)
    if choice == "UBVRI":
        return tuple(band for band in available if band in JOHNSON)
    return tuple(band for band in available if band == choice)
