"""APASS: BV and gri of the whole sky, 10th to 17th magnitude."""

from typing import Final

from bhtom_contracts.passbands import bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    BandColumns,
    CatalogueDescription,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.surveys.archives import vizier_table

_VIZIER_NAMES: Final = {"B": "B", "V": "V", "g": "g'", "r": "r'", "i": "i'"}

_VIZIER: Final = TableLayout(
    title="VizieR II/336/apass9",
    ra="RAJ2000",
    dec="DEJ2000",
    bands={
        band: BandColumns(f"{name}mag", error=f"e_{name}mag")
        for band, name in _VIZIER_NAMES.items()
    },
    needs=("r'mag",),
)
_AAVSO: Final = TableLayout(
    title="AAVSO, APASS DR10 download",
    ra="radeg",
    dec="decdeg",
    bands={
        "B": BandColumns("Johnson_B", error="Johnson_B_err"),
        "V": BandColumns("Johnson_V", error="Johnson_V_err"),
        "g": BandColumns("Sloan_g", error="Sloan_g_err"),
        "r": BandColumns("Sloan_r", error="Sloan_r_err"),
        "i": BandColumns("Sloan_i", error="Sloan_i_err"),
    },
)

CATALOGUE: Final = CatalogueDescription(
    name="APASS",
    title="AAVSO Photometric All-Sky Survey DR9",
    catalogue_release="DR9",
    epoch_jyear=2000.0,
    credit=(
        "This research was made possible through the use of the AAVSO Photometric "
        "All-Sky Survey (APASS), funded by the Robert Martin Ayers Sciences Fund and "
        "NSF AST-1412587. Henden et al. 2016, VizieR II/336."
    ),
    # An error of zero in APASS is that of a star seen once.
    default_error_mag=0.1,
    least_error_mag=0.02,
    bands=bands_of_catalogue("APASS"),
    layouts=(_VIZIER, _AAVSO),
    archive=vizier_table(
        "II/336/apass9",
        "RAJ2000",
        "DEJ2000",
        tuple(f"{k}{name}mag" for name in _VIZIER_NAMES.values() for k in ("", "e_")),
    ),
)
