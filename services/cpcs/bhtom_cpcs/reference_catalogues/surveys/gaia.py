"""Gaia's own G, BP and RP, releases 3 and 2."""

from typing import Final

from bhtom_contracts.passbands import bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    ArchiveTable,
    BandColumns,
    CatalogueDescription,
    OneOf,
    RawExcess,
    Rule,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.surveys.archives import GAIA_ARCHIVE
from bhtom_cpcs.reference_catalogues.surveys.credits import GAIA

VARIABLE: Final[tuple[Rule, ...]] = (
    OneOf("phot_variable_flag", ("variable", "true", "1", "1.0")),
)
DUPLICATED: Final[tuple[Rule, ...]] = (
    OneOf("duplicated_source", ("true", "t", "1", "1.0")),
)
_NAMES: Final = {"G": "g", "GBP": "bp", "GRP": "rp"}


def _source_layout(release: int) -> TableLayout:
    return TableLayout(
        title="Gaia archive, gaia_source",
        ra="ra",
        dec="dec",
        pm_ra="pmra",
        pm_dec="pmdec",
        bands={
            band: BandColumns(
                f"phot_{name}_mean_mag",
                signal_to_noise=f"phot_{name}_mean_flux_over_error",
            )
            for band, name in _NAMES.items()
        },
        epoch="ref_epoch",
        flags={
            "variable": VARIABLE,
            "duplicated": DUPLICATED,
            "blended": (
                RawExcess(
                    "phot_g_mean_mag",
                    excess="phot_bp_rp_excess_factor",
                    blue="phot_bp_mean_mag",
                    red="phot_rp_mean_mag",
                    release=release,
                ),
            ),
        },
    )


def _vizier_layout(table: str, excess: str, release: int) -> TableLayout:
    return TableLayout(
        title=f"VizieR {table}",
        ra="RA_ICRS",
        dec="DE_ICRS",
        pm_ra="pmRA",
        pm_dec="pmDE",
        bands={
            "G": BandColumns("Gmag", error="e_Gmag"),
            "GBP": BandColumns("BPmag", error="e_BPmag"),
            "GRP": BandColumns("RPmag", error="e_RPmag"),
        },
        flags={
            "variable": (OneOf("VarFlag", ("variable",)),),
            "duplicated": (OneOf("Dup", ("1", "1.0", "true")),),
            "blended": (
                RawExcess(
                    "Gmag", excess=excess, blue="BPmag", red="RPmag", release=release
                ),
            ),
        },
    )


_SCAMP: Final = TableLayout(
    title="SCAMP's reference catalogue (FITS_LDAC)",
    ra="XWIN_WORLD",
    dec="YWIN_WORLD",
    bands={"G": BandColumns("MAG", error="MAGERR")},
    needs=("ERRAWIN_WORLD", "OBSDATE"),
    generic=True,
    epoch="OBSDATE",
)
_COLUMNS: Final = (
    "pmra",
    "pmdec",
    "ref_epoch",
    "phot_g_mean_mag",
    "phot_bp_mean_mag",
    "phot_rp_mean_mag",
    "phot_g_mean_flux_over_error",
    "phot_bp_mean_flux_over_error",
    "phot_rp_mean_flux_over_error",
    "phot_bp_rp_excess_factor",
    "phot_variable_flag",
    "duplicated_source",
)

RELEASE_3: Final = CatalogueDescription(
    name="GaiaDR3",
    title="Gaia DR3",
    catalogue_release="DR3",
    epoch_jyear=2016.0,
    credit=f"{GAIA} Gaia Collaboration, Vallenari et al. 2023, A&A 674, A1.",
    default_error_mag=0.01,
    least_error_mag=0.002,  # Riello et al. 2021: the zero points' errors
    bands=bands_of_catalogue("GaiaDR3"),
    layouts=(_source_layout(3), _vizier_layout("I/355/gaiadr3", "E(BP/RP)", 3), _SCAMP),
    archive=ArchiveTable(GAIA_ARCHIVE, "gaiadr3.gaia_source", "ra", "dec", _COLUMNS),
)
RELEASE_2: Final = CatalogueDescription(
    name="GaiaDR2",
    title="Gaia DR2",
    catalogue_release="DR2",
    epoch_jyear=2015.5,
    credit=f"{GAIA} Gaia Collaboration, Brown et al. 2018, A&A 616, A1.",
    default_error_mag=0.01,
    least_error_mag=0.002,
    bands=bands_of_catalogue("GaiaDR2"),
    layouts=(_source_layout(2), _vizier_layout("I/345/gaia2", "E(BR/RP)", 2), _SCAMP),
)
