"""How fast instrumental catalogues of 50,000 rows are read, beside usual readers."""

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from astropy.io import ascii as astropy_ascii
from astropy.io import fits
from astropy.table import Table

from bhtom_cpcs.science.catalogue_files.reading import read_catalogue
from tests.bench.figures import Figure

COMMAND: Final = "python -m tests.bench catalogue_files"
ROWS: Final = 50_000
NAMES: Final = (
    *("NUMBER", "X_IMAGE", "Y_IMAGE", "ALPHA_J2000", "DELTA_J2000", "MAG_AUTO"),
    *("MAGERR_AUTO", "FLUX_AUTO", "FLUXERR_AUTO", "FWHM_IMAGE", "ELLIPTICITY"),
    *("CLASS_STAR", "BACKGROUND", "FLAGS"),
)
TURNS: Final = 5


def measure() -> list[Figure]:
    """Time the readers; a figure is the ratio of medians in one run."""
    with tempfile.TemporaryDirectory() as folder:
        return [_text(Path(folder)), _fits(Path(folder))]


def rows() -> npt.NDArray[np.float64]:
    """The same made-up sources in every run."""
    rng = np.random.default_rng(50)
    values = rng.uniform(1, 2000, (ROWS, len(NAMES)))
    values[:, 3:5] = rng.uniform(10, 20, (ROWS, 2))
    values[:, 5], values[:, 6] = rng.uniform(-12, -5, ROWS), 0.01
    values[:, -1] = 0
    return values


def _text(folder: Path) -> Figure:
    path = folder / "list.cat"
    head = "".join(f"# {i:3d} {name}\n" for i, name in enumerate(NAMES, 1))
    buffer = io.StringIO()
    np.savetxt(buffer, rows(), fmt="%12.6f")
    path.write_text(head + buffer.getvalue())
    ours = _median_s(lambda: read_catalogue(path))
    peer = _median_s(lambda: np.loadtxt(path))
    slow = _median_s(lambda: astropy_ascii.read(path, format="sextractor"), 1)
    return Figure(
        f"Read SExtractor ASCII_HEAD, {ROWS} rows of {len(NAMES)} columns",
        "<= 2.5 x numpy.loadtxt",
        f"{ours / peer:.2f} x ({ours * 1e3:.0f} ms)",
        f"numpy.loadtxt {peer * 1e3:.0f} ms without names, units and checks; astropy "
        f"{slow * 1e3:.0f} ms",
        COMMAND,
        met=ours <= 2.5 * peer,
    )


def _fits(folder: Path) -> Figure:
    path = folder / "list.fits"
    Table(rows(), names=NAMES).write(path)
    ours = _median_s(lambda: read_catalogue(path))
    peer = _median_s(lambda: Table.read(path))
    bare = _median_s(lambda: _columns(path))
    return Figure(
        f"Read a FITS table, {ROWS} rows of {len(NAMES)} columns",
        "<= 3 x astropy's Table",
        f"{ours / peer:.2f} x ({ours * 1e3:.0f} ms)",
        f"Table {peer * 1e3:.0f} ms, bare columns of astropy {bare * 1e3:.0f} ms",
        COMMAND,
        met=ours <= 3 * peer,
    )


def _columns(path: Path) -> list[npt.NDArray[np.float64]]:
    with fits.open(path, memmap=False) as hdus:
        data = hdus[1].data
        return [np.array(data[name], dtype=np.float64) for name in NAMES]


def _median_s(run: Callable[[], object], turns: int = TURNS) -> float:
    times = []
    for _ in range(turns):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return float(np.median(times))
