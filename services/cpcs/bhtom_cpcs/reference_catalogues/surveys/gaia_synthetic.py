"""Gaia DR3 synthetic photometry: the default, standardised UBVRI and ugriz."""

from typing import Final

from bhtom_contracts.passbands import GAIA_SYNTHETIC, bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    ArchiveTable,
    BandColumns,
    CatalogueDescription,
    CorrectedExcess,
    OneOf,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.surveys.archives import GAIA_ARCHIVE
from bhtom_cpcs.reference_catalogues.surveys.credits import GAIA
from bhtom_cpcs.reference_catalogues.surveys.gaia import DUPLICATED, VARIABLE

_VERIFIED: Final = ("1", "1.0", "true", "t")
_SYSTEM: Final = {**dict.fromkeys("UBVRI", "jkc"), **dict.fromkeys("ugriz", "sdss")}


def _archive_band(band: str) -> BandColumns:
    stem = f"{band.lower()}_{_SYSTEM[band]}"
    return BandColumns(
        f"{stem}_mag",
        flux=(f"{stem}_flux", f"{stem}_flux_error"),
        verified=OneOf(f"{stem}_flag", _VERIFIED),
    )


_VIZIER: Final = TableLayout(
    title="VizieR I/360/syntphot",
    ra="RA_ICRS",
    dec="DE_ICRS",
    pm_ra="pmRA",
    pm_dec="pmDE",
    bands={
        band: BandColumns(
            f"{band}mag",
            error=f"e_{band}mag",
            flux=(f"F{band}", f"e_F{band}"),
            verified=OneOf(f"{band}Flag", _VERIFIED),
        )
        for band in _SYSTEM
    },
    needs=("VFlag",),
    flags={"variable": (OneOf("VarFlag", ("variable",)),)},
)
_ARCHIVE: Final = TableLayout(
    title="Gaia archive, synthetic_photometry_gspc with gaia_source",
    ra="ra",
    dec="dec",
    pm_ra="pmra",
    pm_dec="pmdec",
    bands={band: _archive_band(band) for band in _SYSTEM},
    needs=("v_jkc_mag",),
    epoch="ref_epoch",
    flags={
        "variable": VARIABLE,
        "blended": (CorrectedExcess("phot_g_mean_mag", "c_star"),),
        "duplicated": DUPLICATED,
    },
)
_PHOTOMETRY: Final = tuple(
    f"s.{name}"
    for band in _SYSTEM
    for name in (
        *_archive_band(band).columns(),
        f"{band.lower()}_{_SYSTEM[band]}_flag",
    )
)
_FROM_SOURCE: Final = (
    "g.pmra",
    "g.pmdec",
    "g.ref_epoch",
    "g.phot_g_mean_mag",
    "g.phot_variable_flag",
    "g.duplicated_source",
)

CATALOGUE: Final = CatalogueDescription(
    name=GAIA_SYNTHETIC,
    title="Gaia DR3 synthetic photometry",
    catalogue_release="DR3",
    epoch_jyear=2016.0,
    credit=f"{GAIA} Gaia Collaboration, Montegriffo et al. 2023, A&A 674, A33.",
    # The usual slice carries no errors; Montegriffo et al. (2023) find some 0.02 mag.
    default_error_mag=0.02,
    least_error_mag=0.002,
    bands=bands_of_catalogue(GAIA_SYNTHETIC),
    layouts=(_VIZIER, _ARCHIVE),
    archive=ArchiveTable(
        GAIA_ARCHIVE,
        "gaiadr3.synthetic_photometry_gspc AS s "
        "JOIN gaiadr3.gaia_source AS g ON g.source_id = s.source_id",
        "g.ra",
        "g.dec",
        (*_FROM_SOURCE, "s.c_star", *_PHOTOMETRY),
    ),
    companions=("GaiaDR3",),
)
