"""The sample files that the package carries, as paths that exist while in use."""

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

HUNTSMAN_FRAME = "huntsman_ngc1566_800x800.fits"
HUNTSMAN_CATALOGUE = "gaia_dr3_synthetic_ngc1566.csv"


class Footprint(NamedTuple):
    """A disc on the sky that a catalogue slice covers completely [deg]."""

    ra_deg: float
    dec_deg: float
    radius_deg: float


HUNTSMAN_FOOTPRINT = Footprint(65.16, -54.94, 0.25)


def sample(name: str) -> AbstractContextManager[Path]:
    """Give a sample file's path for the length of a with block."""
    return as_file(files("bhtom_sky") / "data" / name)
