"""Catalogues that serve plate solutions: UCAC4 and Tycho-2."""

from typing import Final

from bhtom_contracts.passbands import bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    BandColumns,
    CatalogueDescription,
    TableLayout,
)

# UCAC4 gives the errors of its APASS magnitudes in hundredths of a magnitude.
_UCAC4_APASS: Final = ("B", "V", "g", "r", "i")

_UCAC4_LAYOUT: Final = TableLayout(
    title="VizieR I/322A/out",
    ra="RAJ2000",
    dec="DEJ2000",
    pm_ra="pmRA",
    pm_dec="pmDE",
    bands={
        "a": BandColumns("a.mag", error="e_a.mag"),
        **{band: BandColumns(f"{band}mag") for band in _UCAC4_APASS},
    },
    needs=("UCAC4",),
)
_TYCHO2_VIZIER: Final = TableLayout(
    title="VizieR I/259/tyc2",
    ra="RAmdeg",
    dec="DEmdeg",
    pm_ra="pmRA",
    pm_dec="pmDE",
    bands={
        "BT": BandColumns("BTmag", error="e_BTmag"),
        "VT": BandColumns("VTmag", error="e_VTmag"),
    },
)
_TYCHO2_LIST: Final = TableLayout(
    title="a list of Tycho-2 stars (ra_deg dec_deg VT_mag)",
    ra="ra_deg",
    dec="dec_deg",
    bands={"VT": BandColumns("VT_mag"), "BT": BandColumns("BT_mag")},
    generic=True,
)

UCAC4: Final = CatalogueDescription(
    name="UCAC4",
    title="UCAC4",
    catalogue_release="2012",
    epoch_jyear=2000.0,
    credit="UCAC4: Zacharias et al. 2013, AJ 145, 44; VizieR I/322A.",
    default_error_mag=0.1,
    least_error_mag=0.02,
    bands=bands_of_catalogue("UCAC4"),
    layouts=(_UCAC4_LAYOUT,),
)
TYCHO2: Final = CatalogueDescription(
    name="Tycho2",
    title="Tycho-2",
    catalogue_release="2000",
    epoch_jyear=2000.0,
    credit="Tycho-2: Hog et al. 2000, A&A 355, L27.",
    default_error_mag=0.1,
    least_error_mag=0.02,
    bands=bands_of_catalogue("Tycho2"),
    layouts=(_TYCHO2_VIZIER, _TYCHO2_LIST),
)
