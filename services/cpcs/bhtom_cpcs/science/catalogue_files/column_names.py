"""Which columns mean what, in the words of the programs that write catalogues.

The order is the choice: of each list the first pair that a file has is taken. For
SExtractor it is the order BHTOM2 documents: MAG_BEST, MAG_AUTO, MAG_APER.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Two columns that belong together, by their upper-case names."""

    first: str
    second: str


def _pairs(*names: tuple[str, str]) -> tuple[Pair, ...]:
    return tuple(Pair(*both) for both in names)


SKY = _pairs(
    ("ALPHA_J2000", "DELTA_J2000"),
    ("ALPHAWIN_J2000", "DELTAWIN_J2000"),
    ("ALPHAPSF_J2000", "DELTAPSF_J2000"),
    ("ALPHA_SKY", "DELTA_SKY"),
    ("ALPHAWIN_SKY", "DELTAWIN_SKY"),
    ("ALPHAPEAK_J2000", "DELTAPEAK_J2000"),
    ("RA_ICRS", "DE_ICRS"),
    ("RA", "DEC"),
    ("RAJ2000", "DEJ2000"),
    ("_RAJ2000", "_DEJ2000"),
    ("RA_J2000", "DEC_J2000"),
    ("RA_DEG", "DEC_DEG"),
    ("RADEG", "DECDEG"),
    ("DEGRA", "DEGDEC"),
    ("RIGHT_ASCENSION", "DECLINATION"),
    ("X_WORLD", "Y_WORLD"),
)
PIXELS = _pairs(
    ("XWIN_IMAGE", "YWIN_IMAGE"),
    ("X_IMAGE", "Y_IMAGE"),
    ("XPSF_IMAGE", "YPSF_IMAGE"),
    ("XCENTER", "YCENTER"),
    ("XWIN", "YWIN"),
    ("X", "Y"),
)
# photutils numbers the first pixel 0 (its tables' columns are named so); the others 1.
PIXELS_FROM_ZERO = _pairs(("XCENTROID", "YCENTROID"), ("X_FIT", "Y_FIT"))
_MAGNITUDES_FIRST = _pairs(
    ("MAG_BEST", "MAGERR_BEST"),
    ("MAG_AUTO", "MAGERR_AUTO"),
    ("MAG_APER", "MAGERR_APER"),
)
_FLUXES = _pairs(
    ("FLUX_AUTO", "FLUXERR_AUTO"),
    ("FLUX_APER", "FLUXERR_APER"),
    ("FLUX_PSF", "FLUXERR_PSF"),
    ("FLUX", "FLUXERR"),
    ("FLUX_FIT", "FLUX_ERR"),
    ("FLUX", "FLUX_ERR"),
    ("FLUX", "FLUX_ERROR"),
    ("FLUX", "E_FLUX"),
    ("APERTURE_NET_CNTS", "NOISE_CNTS"),
    ("APERTURE_SUM_BKGSUB", "APERTURE_SUM_ERR"),
    ("APERTURE_SUM", "APERTURE_SUM_ERR"),
    ("COUNTS", "COUNTS_ERROR"),
    ("COUNTS", "COUNTERR"),
    ("FLUX_ISO", "FLUXERR_ISO"),
)
_MAGNITUDES = _pairs(
    ("MAG_PSF", "MAGERR_PSF"),
    ("MAG_ISOCOR", "MAGERR_ISOCOR"),
    ("MAG_ISO", "MAGERR_ISO"),
    ("MAG", "MERR"),
    ("INSTRUMENTAL_MAGNITUDE", "INSTRUMENTAL_MAGNITUDE_ERROR"),
    ("INSTMAG", "INSTMAGSIGMA"),
    ("MAG_INST", "MAG_ERROR"),
    ("MAGNITUDE", "MAGNITUDE_ERROR"),
    ("MAGNITUDE", "ERROR"),
    ("MAG", "MAGERR"),
    ("MAG", "MAG_ERR"),
    ("MAG", "MAG_ERROR"),
    ("MAG", "E_MAG"),
    ("MAG", "ERR"),
    ("MAG", "ERROR"),
)
# (pairs, are they fluxes), in the order of the choice.
BRIGHTNESS = ((_MAGNITUDES_FIRST, False), (_FLUXES, True), (_MAGNITUDES, False))
# Numbered apertures beside a pair: BANZAI's fluxaper1 with fluxerr1, ORAC's
# FLUX_APER1 with FLUXERR_APER1, vector columns FLUX_APER[1] with FLUXERR_APER[1].
APERTURES = {
    "FLUX": (("FLUXAPER{}", "FLUXERR{}"),),
    "FLUX_APER": (
        ("FLUX_APER{}", "FLUXERR_APER{}"),
        ("FLUX_APER_{}", "FLUXERR_APER_{}"),
    ),
    "MAG_APER": (("MAG_APER{}", "MAGERR_APER{}"), ("MAG_APER_{}", "MAGERR_APER_{}")),
}
MOST_APERTURES = 40

FLAGS = ("FLAGS", "FLAG", "FLAGS_WIN")
PEAKS = ("PEAK", "MAXADU_UR", "FLUX_MAX")
BACKGROUNDS = ("BACKGROUND",)
WIDTHS = ("FWHM_IMAGE", "FWHM", "FWHM_X")

# Columns that tell of the exposure, by the card that would hold the same.
FACTS = {
    "DATE-OBS": ("DATE-OBS", "DATE_OBS", "DATEOBS", "UTC_START"),
    "JD": ("JD", "JD_START", "JD_UTC", "BJD", "HJD"),
    "MJD-OBS": ("MJD", "MJD-OBS", "MJD_OBS", "TIME"),
    "EXPTIME": ("EXPTIME", "EXPOSURE"),
    "FILTER": ("FILTER", "PASSBAND", "BAND"),
    "AIRMASS": ("AIRMASS",),
    "FILENAME": ("FITSFILE", "FILENAME", "FILE", "IMAGE"),
}
# More than one of these in a file: it holds several exposures.
ONE_EXPOSURE = ("DATE-OBS", "JD", "MJD-OBS", "FILENAME", "FILTER")

_PLAIN = frozenset(
    name
    for pairs in (SKY, PIXELS, PIXELS_FROM_ZERO, *(pairs for pairs, _ in BRIGHTNESS))
    for pair in pairs
    for name in (pair.first, pair.second)
) | frozenset((*FLAGS, *PEAKS, *BACKGROUNDS, *WIDTHS))
_STEMS = tuple(
    sorted(
        {
            form.format("")
            for forms in APERTURES.values()
            for pair in forms
            for form in pair
        }
    )
)
_FACT_NAMES = {name: card for card, names in FACTS.items() for name in names}


def is_number_column(name: str) -> bool:
    """Whether a column (upper-case, vector index included) may be needed."""
    base = name.partition("[")[0]
    if base in _PLAIN:
        return True
    return base.rstrip("0123456789") in _STEMS


def fact_card(name: str) -> str | None:
    """Return the card that a column's text belongs to, None for other columns."""
    return _FACT_NAMES.get(name)
