"""Pan-STARRS1 grizy, declination above -30 degrees."""

from typing import Final

from bhtom_contracts.passbands import bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    AnyBit,
    BandColumns,
    Between,
    CatalogueDescription,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.surveys.archives import vizier_table
from bhtom_cpcs.reference_catalogues.surveys.credits import PANSTARRS

_EXTENDED: Final = 1  # of the quality flag: extended in Pan-STARRS itself
_GALAXY: Final = (0.05, 5.0)  # PSF minus Kron magnitude [mag] of what is no star

_MAST: Final = TableLayout(
    title="MAST Pan-STARRS catalogue (mean objects)",
    ra="raMean",
    dec="decMean",
    bands={
        band: BandColumns(f"{band}MeanPSFMag", error=f"{band}MeanPSFMagErr")
        for band in "grizy"
    },
    flags={
        "extended": (
            AnyBit("qualityFlag", _EXTENDED),
            Between("iMeanPSFMag", *_GALAXY, minus="iMeanKronMag"),
        )
    },
)
_VIZIER: Final = TableLayout(
    title="VizieR II/349/ps1",
    ra="RAJ2000",
    dec="DEJ2000",
    bands={band: BandColumns(f"{band}mag", error=f"e_{band}mag") for band in "grizy"},
    needs=("Qual",),
    flags={
        "extended": (
            AnyBit("Qual", _EXTENDED),
            Between("imag", *_GALAXY, minus="iKmag"),
        )
    },
)
_SEQUENCE: Final = TableLayout(
    title="a sequence of stars (Ra Dec g r i z y)",
    ra="Ra",
    dec="Dec",
    bands={band: BandColumns(band) for band in "grizy"},
    generic=True,
)

CATALOGUE: Final = CatalogueDescription(
    name="PS1",
    title="Pan-STARRS1 DR2",
    catalogue_release="DR2",
    epoch_jyear=2013.0,
    credit=PANSTARRS,
    default_error_mag=0.02,
    least_error_mag=0.005,
    bands=bands_of_catalogue("PS1"),
    layouts=(_MAST, _VIZIER, _SEQUENCE),
    archive=vizier_table(
        "II/349/ps1",
        "RAJ2000",
        "DEJ2000",
        (
            "Qual",
            "iKmag",
            *(f"{kind}{band}mag" for band in "grizy" for kind in ("", "e_")),
        ),
    ),
)
