"""2MASS point sources: JHK."""

from typing import Final

from bhtom_contracts.passbands import bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    BandColumns,
    Between,
    CatalogueDescription,
    Letter,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.surveys.archives import vizier_table
from bhtom_cpcs.reference_catalogues.surveys.credits import TWO_MASS

_BANDS: Final = "JHK"
# Quality letters: A to D by signal to noise; E, F, U and X have no usable value.
_MEASURED: Final = "ABCD"
_TRUSTED: Final = "ABC"
_CONFUSED: Final = "pcdsb"  # persistence, confusion, diffraction, stripe, bandmerge


def _band(position: int, magnitude: str, error: str, quality: str) -> BandColumns:
    return BandColumns(
        magnitude,
        error=error,
        usable=Letter(quality, position, _MEASURED),
        verified=Letter(quality, position, _TRUSTED),
    )


_VIZIER: Final = TableLayout(
    title="VizieR II/246/out",
    ra="RAJ2000",
    dec="DEJ2000",
    bands={
        band: _band(position, f"{band}mag", f"e_{band}mag", "Qflg")
        for position, band in enumerate(_BANDS)
    },
    needs=("Qflg",),
    flags={
        "blended": tuple(Letter("Cflg", k, _CONFUSED) for k in range(3)),
        "extended": (Between("Xflg", 1, 99),),
    },
)
_IRSA: Final = TableLayout(
    title="IRSA fp_psc",
    ra="ra",
    dec="dec",
    bands={
        band: _band(position, f"{band.lower()}_m", f"{band.lower()}_msigcom", "ph_qual")
        for position, band in enumerate(_BANDS)
    },
    needs=("ph_qual",),
    flags={
        "blended": tuple(Letter("cc_flg", k, _CONFUSED) for k in range(3)),
        "extended": (Between("gal_contam", 1, 99),),
    },
)

CATALOGUE: Final = CatalogueDescription(
    name="2MASS",
    title="2MASS All-Sky Point Source Catalogue",
    catalogue_release="2003",
    epoch_jyear=1999.5,
    credit=TWO_MASS,
    default_error_mag=0.05,
    least_error_mag=0.015,  # Skrutskie et al. 2006: uniformity of the zero points
    bands=bands_of_catalogue("2MASS"),
    layouts=(_VIZIER, _IRSA),
    archive=vizier_table(
        "II/246/out",
        "RAJ2000",
        "DEJ2000",
        (
            "Qflg",
            "Cflg",
            "Xflg",
            *(f"{kind}{band}mag" for band in _BANDS for kind in ("", "e_")),
        ),
    ),
)
