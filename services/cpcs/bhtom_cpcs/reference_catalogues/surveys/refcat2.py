"""ATLAS-REFCAT2: griz on the Pan-STARRS system over the whole sky (Tonry 2018)."""

from dataclasses import replace
from typing import Final

from bhtom_contracts.passbands import bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    BandColumns,
    Between,
    CatalogueDescription,
    FlagName,
    OneOf,
    Rule,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.surveys.archives import vizier_table

# Columns of the files that are handed out (README of the catalogue at MAST): whole
# numbers of 10 nanodegrees, 10 microarcseconds a year and millimagnitudes.
_PARTS: Final = (("", ""), ("d", ""), ("", "chi"), ("", "contrib"))
_GAIA_COLUMNS: Final = (
    *("RA", "Dec", "plx", "dplx", "pmra", "dpmra", "pmdec", "dpmdec"),
    *("Gaia", "dGaia", "BP", "dBP", "RP", "dRP", "Teff", "AGaia", "dupvar", "Ag"),
    *("rp1", "r1", "r10"),
)
_COLUMNS: Final = (
    *_GAIA_COLUMNS,
    *(f"{part}{b}{end}" for b in "griz" for part, end in _PARTS),
    *("nstat", "J", "dJ", "H", "dH", "K", "dK"),
)
# dupvar: 1 is variable, 2 unknown, and 4 more where Gaia doubts that it is one source.
_DUPVAR: Final[dict[FlagName, tuple[Rule, ...]]] = {
    "variable": (OneOf("dupvar", ("1", "5", "1.0", "5.0")),),
    "duplicated": (Between("dupvar", 4, 7),),
}


def _flags(scale: float) -> dict[FlagName, tuple[Rule, ...]]:
    # rp1: within which radius the neighbours' light reaches a tenth of the star's
    return {**_DUPVAR, "blended": (Between("rp1", 0.0, 3.0 * scale),)}


_CASJOBS: Final = TableLayout(
    title="MAST CasJobs, refcat2",
    ra="RA",
    dec="Dec",
    pm_ra="pmra",
    pm_dec="pmdec",
    bands={band: BandColumns(band, error=f"d{band}") for band in "griz"},
    needs=("dupvar", "rp1"),
    flags=_flags(1.0),
)
_FILES: Final = replace(
    _CASJOBS,
    title="ATLAS-REFCAT2 files (44 columns, no header)",
    flags=_flags(10.0),
    without_header=_COLUMNS,
    angle_scale=1e8,
    motion_scale=100.0,
    magnitude_scale=1000.0,
)
_VIZIER: Final = TableLayout(
    title="VizieR J/ApJ/867/105/refcat2",
    ra="RA_ICRS",
    dec="DE_ICRS",
    pm_ra="pmRA",
    pm_dec="pmDE",
    bands={band: BandColumns(f"{band}mag", error=f"e_{band}mag") for band in "griz"},
    needs=("dupvar", "rp1"),
    flags=_flags(1.0),
)
_BANZAI: Final = TableLayout(
    title="LCO BANZAI's table of matched REFCAT2 stars",
    ra="ra",
    dec="dec",
    bands={band: BandColumns(f"{band}mag", error=f"{band}magerr") for band in "griz"},
    needs=("gmagerr", "fluxrad50"),
    generic=True,
)

CATALOGUE: Final = CatalogueDescription(
    name="REFCAT2",
    title="ATLAS-REFCAT2",
    catalogue_release="2018",
    epoch_jyear=2015.5,
    credit="ATLAS-REFCAT2: Tonry et al. 2018, ApJ 867, 105; doi:10.17909/t9-2p3r-7651.",
    default_error_mag=0.02,
    least_error_mag=0.005,  # the paper's systematic error
    bands=bands_of_catalogue("REFCAT2"),
    layouts=(_FILES, _CASJOBS, _VIZIER, _BANZAI),
    archive=vizier_table(
        "J/ApJ/867/105/refcat2",
        "RA_ICRS",
        "DE_ICRS",
        (
            "pmRA",
            "pmDE",
            "dupvar",
            "rp1",
            *(f"{kind}{band}mag" for band in "griz" for kind in ("", "e_")),
        ),
    ),
)
