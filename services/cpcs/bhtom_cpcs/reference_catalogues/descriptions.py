"""The catalogues we know: names, release, epoch and whom to credit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CatalogueDescription:
    """What a slice does not tell of itself."""

    name: str
    title: str
    catalogue_release: str
    epoch_jyear: float
    credit: str
    default_error_mag: float


GAIA_SYNTHETIC = CatalogueDescription(
    name="GaiaSP",
    title="Gaia DR3 synthetic photometry",
    catalogue_release="DR3",
    epoch_jyear=2016.0,
    credit=(
        "ESA/Gaia/DPAC. This work has made use of data from the European Space Agency "
        "(ESA) mission Gaia (https://www.cosmos.esa.int/gaia), processed by the Gaia "
        "Data Processing and Analysis Consortium (DPAC, "
        "https://www.cosmos.esa.int/web/gaia/dpac/consortium). Gaia Collaboration, "
        "Montegriffo et al. 2023, A&A 674, A33."
    ),
    # The usual slice carries no errors; Montegriffo et al. (2023) find some 0.02 mag.
    default_error_mag=0.02,
)

KNOWN = {description.name: description for description in (GAIA_SYNTHETIC,)}


def title_of(name: str) -> str:
    """Name of a catalogue for people."""
    return KNOWN[name].title if name in KNOWN else name
