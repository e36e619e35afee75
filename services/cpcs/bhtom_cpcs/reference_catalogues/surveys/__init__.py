"""The catalogues we know: one module each, one line here to register it."""

from typing import Final

from bhtom_cpcs.reference_catalogues.descriptions import CatalogueDescription
from bhtom_cpcs.reference_catalogues.surveys import (
    apass,
    astrometric,
    gaia,
    gaia_synthetic,
    panstarrs,
    refcat2,
    sdss,
    skymapper,
    standards,
    two_mass,
)

_CATALOGUES: Final = (
    gaia_synthetic.CATALOGUE,
    gaia.RELEASE_3,
    gaia.RELEASE_2,
    refcat2.CATALOGUE,
    panstarrs.CATALOGUE,
    skymapper.CATALOGUE,
    apass.CATALOGUE,
    sdss.CATALOGUE,
    two_mass.CATALOGUE,
    standards.LANDOLT,
    standards.AAVSO,
    astrometric.UCAC4,
    astrometric.TYCHO2,
)
KNOWN: Final[dict[str, CatalogueDescription]] = {c.name: c for c in _CATALOGUES}

GAIA_SYNTHETIC: Final = gaia_synthetic.CATALOGUE


def title_of(name: str) -> str:
    """Name of a catalogue for people."""
    return KNOWN[name].title if name in KNOWN else name
