"""Standard stars: Landolt's fields with Stetson's stars, and AAVSO's sequences."""

from typing import Final

from bhtom_contracts.passbands import JOHNSON, bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    BandColumns,
    CatalogueDescription,
    LongTable,
    TableLayout,
)

_IRAF: Final = TableLayout(
    title="IRAF catalogue of Landolt and Stetson standards",
    ra="ra",
    dec="dec",
    bands={band: BandColumns(band, error=f"{band}err") for band in JOHNSON},
    needs=("Verr", "vary"),
)
_SEQUENCE: Final = TableLayout(
    title="AAVSO Variable Star Plotter, sequence",
    ra="RA",
    dec="Dec",
    sexagesimal=True,
    long=LongTable(
        star="AUID",
        band="Band",
        magnitude="Mag",
        error="Error",
        bands={"U": "U", "B": "B", "V": "V", "Rc": "R", "Ic": "I"},
    ),
)

LANDOLT: Final = CatalogueDescription(
    name="Landolt",
    title="Landolt and Stetson standard stars",
    catalogue_release="2009",
    epoch_jyear=2000.0,
    credit=(
        "Landolt 1992, AJ 104, 340; Landolt 2009, AJ 137, 4186; Stetson 2000, PASP "
        "112, 925."
    ),
    default_error_mag=0.01,
    least_error_mag=0.002,
    bands=bands_of_catalogue("Landolt"),
    layouts=(_IRAF,),
)
AAVSO: Final = CatalogueDescription(
    name="AAVSO",
    title="AAVSO comparison star sequences",
    catalogue_release="VSP",
    epoch_jyear=2000.0,
    credit=(
        "This research has made use of comparison star sequences of the AAVSO, "
        "Cambridge, Massachusetts, USA (https://www.aavso.org)."
    ),
    default_error_mag=0.1,
    least_error_mag=0.01,
    bands=bands_of_catalogue("AAVSO"),
    layouts=(_SEQUENCE,),
)
