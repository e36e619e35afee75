"""What a catalogue's module declares: bands, errors, flags, table layouts, archive.

Only data: the service and its commands read descriptions without loading the science.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FlagName = Literal["variable", "blended", "duplicated", "extended"]
FLAG_NAMES: tuple[FlagName, ...] = ("variable", "blended", "duplicated", "extended")


@dataclass(frozen=True, slots=True)
class OneOf:
    """True where a column's text (without blanks, any case) is one of the values."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnyBit:
    """True where a whole number in a column has any of the mask's bits."""

    column: str
    mask: int


@dataclass(frozen=True, slots=True)
class Between:
    """True where a column's number, or the difference of two, is within [low, high]."""

    column: str
    low: float
    high: float
    minus: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """True where one letter of a column's text is among those given ("AAB", "000")."""

    column: str
    position: int
    letters: str


@dataclass(frozen=True, slots=True)
class CorrectedExcess:
    """True where Gaia's corrected excess C* of BP and RP is too far from zero.

    Beyond `sigmas` of equation 18 of Riello et al. 2021, A&A 649, A3.
    """

    magnitude: str
    corrected: str
    sigmas: float = 5.0


@dataclass(frozen=True, slots=True)
class RawExcess:
    """True where Gaia's BP and RP hold more or less light than G can explain.

    Release 3: |C*| as above, with C* from equation 6 of Riello et al. 2021; release 2:
    outside the range of Evans et al. 2018, A&A 616, A4.
    """

    magnitude: str
    excess: str
    blue: str
    red: str
    release: int
    sigmas: float = 5.0


Rule = OneOf | AnyBit | Between | Letter | CorrectedExcess | RawExcess


@dataclass(frozen=True, slots=True)
class BandColumns:
    """Where a table has one band.

    The error is a column of magnitudes, or follows from a signal to noise, or from a
    flux and its error. `usable` drops values, `verified` marks what the catalogue
    trusts (where it can be told).
    """

    magnitude: str
    error: str | None = None
    signal_to_noise: str | None = None
    flux: tuple[str, str] | None = None
    usable: Rule | None = None
    verified: Rule | None = None

    def columns(self) -> tuple[str, ...]:
        """Columns that this band reads beside those of its rules."""
        named = (self.magnitude, self.error, self.signal_to_noise, *(self.flux or ()))
        return tuple(name for name in named if name)


@dataclass(frozen=True, slots=True)
class LongTable:
    """A table of one row for each star and band, as AAVSO's sequences are."""

    star: str
    band: str
    magnitude: str
    error: str
    bands: Mapping[str, str]  # the table's words for our bands


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The columns of one distribution of a catalogue.

    Attributes
    ----------
    title : what it is called in messages
    ra, dec : columns of the position, divided by `angle_scale` to become degrees, or,
        where `sexagesimal`, hours and degrees as text
    bands : where each band is; magnitudes are divided by `magnitude_scale`
    pm_ra, pm_dec : columns of the proper motion, cos(dec) included, divided by
        `motion_scale` to become mas/yr
    needs : further columns that a table of this layout has, to tell it from others
    epoch : a column with each star's epoch, which must be the catalogue's
    keep : rows that are stars of the catalogue
    flags : rules of the flags of stars
    without_header : the columns in order, for files that do not name them
    generic : its columns might be another catalogue's as well, so that it is tried
        only for a catalogue that was named
    """

    title: str
    ra: str
    dec: str
    bands: Mapping[str, BandColumns] = field(default_factory=dict)
    pm_ra: str | None = None
    pm_dec: str | None = None
    needs: tuple[str, ...] = ()
    epoch: str | None = None
    keep: Rule | None = None
    flags: Mapping[FlagName, tuple[Rule, ...]] = field(default_factory=dict)
    long: LongTable | None = None
    sexagesimal: bool = False
    angle_scale: float = 1.0
    motion_scale: float = 1.0
    magnitude_scale: float = 1.0
    without_header: tuple[str, ...] = ()
    generic: bool = False


@dataclass(frozen=True, slots=True)
class ArchiveTable:
    """Where an archive has the catalogue: a TAP service and a table, or joined tables.

    All names are written as ADQL wants them, quoted where they need it; `ra` and `dec`
    are of the position, and the columns are those of one of the catalogue's layouts.
    """

    service: str
    table: str
    ra: str
    dec: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CatalogueDescription:
    """A reference catalogue, apart from its stars.

    Attributes
    ----------
    default_error_mag : error of a magnitude that comes without one
    least_error_mag : no error is taken to be smaller (calibration of the catalogue)
    companions : catalogues whose bands join its own where their tiles cover a field
    bands : all that it has, blue to red; a slice may bring no other. Empty: any
    """

    name: str
    title: str
    catalogue_release: str
    epoch_jyear: float
    credit: str
    default_error_mag: float
    least_error_mag: float = 0.0
    bands: tuple[str, ...] = ()
    layouts: tuple[TableLayout, ...] = ()
    archive: ArchiveTable | None = None
    companions: tuple[str, ...] = ()
