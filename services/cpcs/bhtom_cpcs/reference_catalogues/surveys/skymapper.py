"""SkyMapper Southern Survey, uvgriz."""

from typing import Final

from bhtom_contracts.passbands import bands_of_catalogue
from bhtom_cpcs.reference_catalogues.descriptions import (
    AnyBit,
    BandColumns,
    Between,
    CatalogueDescription,
    FlagName,
    Rule,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.surveys.archives import vizier_table

_BANDS: Final = "uvgriz"
# SExtractor's bits: 1 and 2 are neighbours, from 4 on (saturated, truncated and so on)
# the survey advises against the photometry.
_NEIGHBOURS: Final = 3


def _flags(star: str) -> dict[FlagName, tuple[Rule, ...]]:
    return {
        "blended": (AnyBit("flags", _NEIGHBOURS),),
        "extended": (Between(star, 0.0, 0.5),),
    }


_VIZIER: Final = TableLayout(
    title="VizieR II/379/smssdr4 and II/358/smss",
    ra="RAICRS",
    dec="DEICRS",
    bands={
        band: BandColumns(
            f"{band}PSF", error=f"e_{band}PSF", verified=Between("flags", 0, 3)
        )
        for band in _BANDS
    },
    flags=_flags("ClassStar"),
)
_ARCHIVE: Final = TableLayout(
    title="SkyMapper archive, master table",
    ra="raj2000",
    dec="dej2000",
    bands={
        band: BandColumns(
            f"{band}_psf",
            error=f"e_{band}_psf",
            verified=Between(f"{band}_flags", 0, 3),
        )
        for band in _BANDS
    },
    flags=_flags("class_star"),
)

CATALOGUE: Final = CatalogueDescription(
    name="SkyMapper",
    title="SkyMapper Southern Survey DR4",
    catalogue_release="DR4",
    epoch_jyear=2016.0,
    credit=(
        "SkyMapper Southern Survey, Australian National University, "
        "doi:10.25914/5M47-S621. Onken et al. 2024, PASA 41, e061."
    ),
    default_error_mag=0.03,
    least_error_mag=0.01,
    bands=bands_of_catalogue("SkyMapper"),
    layouts=(_VIZIER, _ARCHIVE),
    archive=vizier_table(
        "II/379/smssdr4",
        "RAICRS",
        "DEICRS",
        (
            "flags",
            "ClassStar",
            *(f"{kind}{band}PSF" for band in _BANDS for kind in ("", "e_")),
        ),
    ),
)
