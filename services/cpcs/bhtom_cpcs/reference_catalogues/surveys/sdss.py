"""SDSS imaging: ugriz of point sources."""

from typing import Final

from bhtom_contracts.passbands import bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    BandColumns,
    CatalogueDescription,
    OneOf,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.surveys.archives import vizier_table

_BANDS: Final = "ugriz"
_PRIMARY: Final = OneOf("mode", ("1", "1.0"))
_GALAXY: Final = ("3", "3.0", "galaxy")

_VIZIER: Final = TableLayout(
    title="VizieR V/147/sdss12 and V/154/sdss16",
    ra="RA_ICRS",
    dec="DE_ICRS",
    bands={band: BandColumns(f"{band}pmag", error=f"e_{band}pmag") for band in _BANDS},
    needs=("class", "mode"),
    keep=_PRIMARY,
    flags={"extended": (OneOf("class", _GALAXY),)},
)
_VIZIER_MODEL: Final = TableLayout(
    title="VizieR V/147/sdss12 with model magnitudes only",
    ra="RA_ICRS",
    dec="DE_ICRS",
    bands={band: BandColumns(f"{band}mag", error=f"e_{band}mag") for band in _BANDS},
    needs=("class", "mode"),
    keep=_PRIMARY,
    flags={"extended": (OneOf("class", _GALAXY),)},
)
_SKYSERVER: Final = TableLayout(
    title="SDSS SkyServer, PhotoObj",
    ra="ra",
    dec="dec",
    bands={
        band: BandColumns(f"psfMag_{band}", error=f"psfMagErr_{band}")
        for band in _BANDS
    },
    keep=_PRIMARY,
    flags={"extended": (OneOf("type", _GALAXY),)},
)

CATALOGUE: Final = CatalogueDescription(
    name="SDSS",
    title="Sloan Digital Sky Survey DR12",
    catalogue_release="DR12",
    epoch_jyear=2004.0,
    credit=(
        "Funding for SDSS-III has been provided by the Alfred P. Sloan Foundation, the "
        "Participating Institutions, the National Science Foundation, and the U.S. "
        "Department of Energy Office of Science (http://www.sdss3.org). Alam et al. "
        "2015, ApJS 219, 12."
    ),
    default_error_mag=0.03,
    least_error_mag=0.01,
    bands=bands_of_catalogue("SDSS"),
    layouts=(_VIZIER, _VIZIER_MODEL, _SKYSERVER),
    archive=vizier_table(
        "V/147/sdss12",
        "RA_ICRS",
        "DE_ICRS",
        (
            "class",
            "mode",
            *(f"{kind}{band}pmag" for band in _BANDS for kind in ("", "e_")),
        ),
    ),
)
