"""Passbands: the ids that calibrations and points use, and how they are written.

A reference band is `catalogue/band` where it is chosen ("GaiaSP/r") and
`band(catalogue)` on a calibrated point ("r(GaiaSP)"), the two styles that BHTOM
clients parse. Archives use `SURVEY(band)`, kept as reported.
"""

from dataclasses import dataclass
from typing import Final, Literal

PhotometricSystem = Literal["AB", "Vega", "none"]

GAIA_SYNTHETIC: Final = "GaiaSP"
SLOAN: Final = ("u", "g", "r", "i", "z")
JOHNSON: Final = ("U", "B", "V", "R", "I")


@dataclass(frozen=True, slots=True)
class Passband:
    """A band of a reference catalogue; its wavelength is where most light comes from.

    `wavelength_nm` is the effective or pivot wavelength as its paper quotes it: good
    for ordering and colouring, not for synthetic photometry.
    """

    catalogue: str
    band: str
    system: PhotometricSystem
    wavelength_nm: float

    @property
    def id(self) -> str:
        """`catalogue/band`."""
        return f"{self.catalogue}/{self.band}"


_Bands = dict[str, tuple[PhotometricSystem, float]]

# Fukugita et al. 1996 and the SDSS DR7 pages.
_SLOAN: Final[_Bands] = {
    "u": ("AB", 355.1),
    "g": ("AB", 468.6),
    "r": ("AB", 616.6),
    "i": ("AB", 748.0),
    "z": ("AB", 893.2),
}
# Bessell 2005, ARA&A 43, 293, table 1.
_JOHNSON: Final[_Bands] = {
    "U": ("Vega", 366.3),
    "B": ("Vega", 436.1),
    "V": ("Vega", 544.8),
    "R": ("Vega", 640.7),
    "I": ("Vega", 798.0),
}
# Riello et al. 2021, A&A 649, A3.
_GAIA: Final[_Bands] = {
    "G": ("Vega", 621.8),
    "GBP": ("Vega", 511.0),
    "GRP": ("Vega", 776.9),
}
# Tonry et al. 2012, ApJ 750, 99, table 4.
_PANSTARRS: Final[_Bands] = {
    "g": ("AB", 481.0),
    "r": ("AB", 617.0),
    "i": ("AB", 752.0),
    "z": ("AB", 866.0),
    "y": ("AB", 962.0),
}
# Cohen et al. 2003, AJ 126, 1090.
_TWO_MASS: Final[_Bands] = {
    "J": ("Vega", 1235.0),
    "H": ("Vega", 1662.0),
    "K": ("Vega", 2159.0),
}
# Bessell et al. 2011, PASP 123, 789.
_SKYMAPPER: Final[_Bands] = {
    "u": ("AB", 349.0),
    "v": ("AB", 384.0),
    "g": ("AB", 510.0),
    "r": ("AB", 617.0),
    "i": ("AB", 779.0),
    "z": ("AB", 916.0),
}
_APASS: Final[_Bands] = {
    "B": _JOHNSON["B"],
    "V": _JOHNSON["V"],
    **{band: _SLOAN[band] for band in "gri"},
}

_OF_CATALOGUE: Final[dict[str, _Bands]] = {
    GAIA_SYNTHETIC: {**_SLOAN, **_JOHNSON},
    "GaiaDR3": _GAIA,
    "GaiaDR2": _GAIA,
    "REFCAT2": {band: _PANSTARRS[band] for band in "griz"},
    "PS1": _PANSTARRS,
    "SkyMapper": _SKYMAPPER,
    "APASS": _APASS,
    "SDSS": _SLOAN,
    "2MASS": _TWO_MASS,
    "Landolt": _JOHNSON,
    "AAVSO": _JOHNSON,
    # UCAC's own aperture magnitude lies between V and R (Zacharias et al. 2013).
    "UCAC4": {"a": ("none", 610.0), **_APASS},
    # Hog et al. 2000, A&A 355, L27.
    "Tycho2": {"BT": ("Vega", 428.0), "VT": ("Vega", 534.0)},
}

PASSBANDS: Final[dict[str, Passband]] = {
    f"{catalogue}/{band}": Passband(catalogue, band, system, wavelength)
    for catalogue, bands in _OF_CATALOGUE.items()
    for band, (system, wavelength) in bands.items()
}

# What clients and people write for a catalogue, in lower case without - and _.
_CATALOGUE_ALIASES: Final[dict[str, str]] = {
    **{name.lower(): name for name in _OF_CATALOGUE},
    "gaia": "GaiaDR3",
    "gaiaedr3": "GaiaDR3",
    "gspc": GAIA_SYNTHETIC,
    "atlasrefcat2": "REFCAT2",
    "panstarrs": "PS1",
    "panstarrs1": "PS1",
    "smss": "SkyMapper",
    "twomass": "2MASS",
    "stetson": "Landolt",
    "vsp": "AAVSO",
    "tycho": "Tycho2",
}
_BAND_ALIASES: Final[dict[tuple[str, str], str]] = {
    ("GaiaDR3", "BP"): "GBP",
    ("GaiaDR3", "RP"): "GRP",
    ("GaiaDR2", "BP"): "GBP",
    ("GaiaDR2", "RP"): "GRP",
    ("2MASS", "Ks"): "K",
}
ANY_BAND: Final = f"{GAIA_SYNTHETIC}/any"
_GROUPS: Final = ("any", "ugriz", "UBVRI")


def displayed(passband: str) -> str:
    """`r(GaiaSP)` for `GaiaSP/r`; anything else is shown as it is."""
    catalogue, separator, band = passband.partition("/")
    return f"{band}({catalogue})" if separator else passband


def system_of(passband: str) -> PhotometricSystem:
    """The photometric system of a reference band, `none` where unknown."""
    known = PASSBANDS.get(passband)
    return known.system if known else "none"


def bands_of_catalogue(catalogue: str) -> tuple[str, ...]:
    """Bands of a known catalogue from blue to red, none of an unknown one."""
    bands = _OF_CATALOGUE.get(catalogue, {})
    return tuple(sorted(bands, key=lambda band: (bands[band][1], band)))


def canonical_request(requested: str) -> str:
    """What a client asks for, in the suite's own words.

    BHTOM clients also send `no`, `Auto`, `any/r` or `GaiaDR3/BP`, and people write
    `panstarrs/g`. Nothing and `any` become an empty text: the default catalogue, any
    band. A text that is not understood comes back as it is, for the reader to refuse.
    """
    text = requested.strip()
    if text.lower() in ("", "no", "auto", "any", "any/any"):
        return ""
    catalogue, separator, band = text.partition("/")
    if not separator:
        return text
    if catalogue.lower() == "any":
        return band
    plain = catalogue.lower().replace("-", "").replace("_", "").replace(" ", "")
    catalogue = _CATALOGUE_ALIASES.get(plain, catalogue)
    groups = {group.lower(): group for group in _GROUPS}
    band = groups.get(band.lower(), band.removesuffix("'"))
    return f"{catalogue}/{_BAND_ALIASES.get((catalogue, band), band)}"


def requested_band(requested: str) -> str:
    """One text for all ways to ask for the same; nothing and `any` are `GaiaSP/any`.

    What is settled for a filter is settled for the text that its frames were asked
    for with, so `any`, `no` and `gaiasp/Any` must not be three.
    """
    return canonical_request(requested) or ANY_BAND
