"""Real data against reference catalogues: scatter of the zero point, as it comes.

No sample is clipped: all stars above a stated signal to noise count, whatever their
residual. Also lists what becomes of every instrumental catalogue, in
docs/real-files.md. Real files are read from the folder that SKY_SAMPLE_DATA names.
"""

import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tests.bench.figures import Figure
from tests.bench.files import LIST_MARK, TARGET, import_catalogues

COMMAND: Final = "python -m tests.bench real_data"
MATCHED: Final = "lco_cpt1m_fa06_ip_matched_refcat2.fits"
# Middle of the exposure cpt1m012-fa06-20200113-0102; the table does not tell it.
MATCHED_MJD: Final = 58861.9
MATCHED_FIELD: Final = (99.794, 8.736, 0.35)
REFERENCE_COLUMNS: Final = (
    *(f"{band}mag{error}" for band in "griz" for error in ("", "err")),
    *("pmra", "pmdec"),
)
GOALS: Final = {30: 0.027, 100: 0.023}
# Odd files that are, or pretend to be, lists of sources.
ODD: Final = (
    "cds_malformed.dat",
    "ldac_corrupt.fits",
    "no_data_daophot.dat",
    "no_data_sextractor.dat",
    "rustfitsio_boolean_columns.fits",
    "sextractor_incomplete.cat",
    "sextractor_noasciihead.cat",
    "stellarphot_photometry.ecsv",
    "turbo_1.avro",
)
SECTION: Final = """
## Instrumental catalogues

What becomes of each when it is uploaded as `photometry`, written by `{command}`.
Reference stars were at hand for NGC 1566, NGC 1097 and, in the file itself, for the
LCO field matched with ATLAS-REFCAT2; the target was the middle of the sources, the time
MJD {mjd} where the file has none.

| file | outcome | what the observer reads | columns | rows used |
|---|---|---|---|---|
"""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scatter:
    """Robust scatter of the residuals of all stars above a signal to noise [mag]."""

    value: float
    n_stars: int
    column: str
    passband: str


def measure() -> list[Figure]:
    """Measure the figures and write the table of instrumental catalogues."""
    names = {
        floor: f"LCO i catalogue against ATLAS-REFCAT2, S/N > {floor}: robust scatter"
        for floor in GOALS
    }
    root = os.environ.get("SKY_SAMPLE_DATA")
    if not root:
        why = "not measured: SKY_SAMPLE_DATA is not set"
        return [
            Figure(name, f"<= {GOALS[floor]} mag", why, "-", COMMAND)
            for floor, name in names.items()
        ]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figures = _lco(Path(root), Path(folder), names)
        _list_catalogues(Path(root), Path(folder))
    return figures


def _lco(root: Path, folder: Path, names: dict[int, str]) -> list[Figure]:
    source = root / "instrumental" / MATCHED
    plane = reduce_matched(source, folder)
    figures = []
    for floor, name in names.items():
        found = scatter_of(source, plane, floor)
        auto = scatter_of(source, plane, floor, "FLUX")
        figures.append(
            Figure(
                name,
                f"<= {GOALS[floor]} mag",
                f"{found.value:.4f} mag, {found.n_stars} stars, none clipped "
                f"({found.column}, {found.passband})",
                f"Kron flux of the file: {auto.value:.4f} mag, {auto.n_stars} stars",
                COMMAND,
                met=found.value <= GOALS[floor],
            )
        )
    return figures


def reduce_matched(source: Path, folder: Path) -> Any:
    """Split the file into catalogue and reference, and calibrate the one by the other.

    The reduction sees the instrumental columns alone; the standard magnitudes go
    through the importer of ATLAS-REFCAT2.
    """
    from astropy.table import Table

    from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
    from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
    from bhtom_cpcs.reference_catalogues.surveys.refcat2 import CATALOGUE
    from bhtom_cpcs.science.catalogue_reduction import reduce_catalogue
    from bhtom_cpcs.science.request import ReductionRequest, TargetPosition

    import_slice(folder, source, Cone(*MATCHED_FIELD), CATALOGUE)
    table = Table.read(source)
    table.remove_columns(list(REFERENCE_COLUMNS))
    alone = folder / "instrumental.fits"
    table.write(alone, overwrite=True)
    request = ReductionRequest(
        targets=(TargetPosition(1, *MATCHED_FIELD[:2]),),
        requested_filter="REFCAT2/any",
        mid_exposure_mjd_utc=MATCHED_MJD,
    )
    reference = open_catalogue(folder, "REFCAT2")
    return reduce_catalogue(alone, request, reference).planes[0]


def scatter_of(
    source: Path, plane: Any, floor: int, column: str | None = None
) -> Scatter:
    """Scatter about the fitted zero point of every unflagged star above a S/N.

    With a column of its own the stars scatter about their own median instead.
    """
    from astropy.io import fits

    with fits.open(source, memmap=False) as hdus:
        data = {
            name.upper(): np.array(hdus[1].data[name]) for name in hdus[1].columns.names
        }
    fitted = plane.zero_point
    band = fitted.passband.rpartition("/")[2]
    chosen = next(one for one in plane.catalogue_file.estimators if one.chosen)
    name = column or chosen.column
    flux, error = data[name], data[name.replace("FLUXAPER", "FLUXERR")]
    if column:
        error = data["FLUXERR"]
    good = (data["FLAG"] == 0) & (flux > floor * error) & (flux > 0)
    good &= np.isfinite(data[f"{band.upper()}MAG"])
    residual = data[f"{band.upper()}MAG"][good] + 2.5 * np.log10(flux[good])
    zero = float(np.median(residual)) if column else fitted.value
    value = 1.4826 * float(np.median(np.abs(residual - zero)))
    return Scatter(value, int(good.sum()), name, fitted.passband)


def _list_catalogues(root: Path, folder: Path) -> None:
    """Write the table of what becomes of every instrumental catalogue."""
    import_catalogues(root, folder)
    paths = sorted((root / "instrumental").iterdir())
    paths += [root / "odd" / name for name in ODD]
    lines = [SECTION.format(command=COMMAND, mjd=MATCHED_MJD)]
    lines += [_line(path, folder) for path in paths]
    before, _, _ = TARGET.read_text(encoding="utf-8").partition(LIST_MARK)
    TARGET.write_text(before + LIST_MARK + "".join(lines), encoding="utf-8")


def _line(path: Path, folder: Path) -> str:
    plane = listed(path, folder)
    report = plane.catalogue_file
    columns = used = ""
    if report is not None:
        chosen = [one.column for one in report.estimators if one.chosen]
        names = [report.columns.get("position", report.columns.get("pixel", ""))]
        names += chosen or [one.column for one in report.estimators][:1]
        columns = f"{report.format}: {', '.join(names)}"
        used = f"{report.n_sources} of {report.n_rows}"
    text = plane.message.replace("|", "/")
    name = f"{path.parent.name}/{path.name}"
    return f"| {name} | `{plane.outcome.value}` | {text} | {columns} | {used} |\n"


def listed(path: Path, folder: Path) -> Any:
    """What becomes of a file, with its target in the middle of its sources."""
    from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
    from bhtom_cpcs.science.catalogue_files.reading import read_catalogue
    from bhtom_cpcs.science.catalogue_reduction import reduce_catalogue
    from bhtom_cpcs.science.request import ReductionRequest, TargetPosition
    from bhtom_cpcs.science.stop import Stop

    name = "REFCAT2" if path.name == MATCHED else "GaiaSP"
    centre = MATCHED_FIELD[:2]
    try:
        found = read_catalogue(path)
    except Stop:
        pass  # the reduction says the same in its sentence
    else:
        if found.ra_deg is not None and found.dec_deg is not None:
            centre = (float(np.median(found.ra_deg)), float(np.median(found.dec_deg)))
    request = ReductionRequest(
        targets=(TargetPosition(1, *centre),),
        requested_filter=f"{name}/any",
        mid_exposure_mjd_utc=None,
    )
    reference = open_catalogue(folder, name)
    plane = reduce_catalogue(path, request, reference).planes[0]
    if plane.outcome.value == "no_time":
        from dataclasses import replace

        request = replace(request, mid_exposure_mjd_utc=MATCHED_MJD)
        plane = reduce_catalogue(path, request, reference).planes[0]
    return plane
