"""Fetches cones of known catalogues into the local tiles, politely."""

import fcntl
import hashlib
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import hpgeom
import numpy as np
from astropy.io import votable

from bhtom_cpcs.reference_catalogues.fetching.archive import Ask, ask_archive
from bhtom_cpcs.reference_catalogues.fetching.queries import (
    MOST_STARS,
    cone_query,
    fetchable,
)
from bhtom_cpcs.reference_catalogues.import_lock import one_import_at_a_time
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError, Manifest
from bhtom_cpcs.reference_catalogues.table_files import UNREADABLE
from bhtom_cpcs.reference_catalogues.xml_guard import refuse_outside_references
from bhtom_cpcs.science.astrometry.coordinates import separation_deg

_PAUSE_S: Final = 10.0  # between two questions from this machine
_NOT_AGAIN_S: Final = 86_400.0  # the same field after it was tried, well or not
_MARGIN: Final = 1.05


@dataclass(frozen=True, slots=True)
class MissingField:
    """The tiles of a catalogue that something waits for (nested HEALPix)."""

    catalogue: str
    healpix_order: int
    pixels: tuple[int, ...]


def fetch_cone(
    root: Path,
    name: str,
    cone: Cone,
    ask: Ask = ask_archive,
    most_stars: int = MOST_STARS,
) -> Manifest:
    """Ask an archive for a cone of a known catalogue and import its answer.

    Raises
    ------
    CatalogueError
        The catalogue cannot be fetched, or the archive's answer is of no use.
    """
    known, table = fetchable(name)
    ra = cone.ra_deg % 360
    adql = cone_query(table, ra, cone.dec_deg, cone.radius_deg, most_stars)
    with tempfile.TemporaryDirectory(prefix="bhtom-fetch-") as folder:
        answer = Path(folder) / f"{name} {ra:.5f} {cone.dec_deg:+.5f}.vot"
        with _in_turn(root):
            ask(table.service, adql, most_stars, answer)
        check_answer(answer, most_stars)
        with one_import_at_a_time(root):
            return import_slice(root, answer, cone, known)


def check_answer(answer: Path, most_stars: int) -> None:
    """Refuse an answer that is an error, or not all of what was asked for.

    Raises
    ------
    CatalogueError
        With the archive's own words, where it has any.
    """
    try:
        with answer.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            refuse_outside_references(file)
            parsed = votable.parse(file, verify="ignore")
    except UNREADABLE as error:
        message = f"The archive's answer cannot be read: {str(error)[:200]}"
        raise CatalogueError(message) from error
    said = {
        str(info.value).upper(): info.content or ""
        for resource in parsed.resources
        for info in resource.infos
        if info.name == "QUERY_STATUS"
    }
    if "ERROR" in said:
        message = f"The archive refused: {' '.join(said['ERROR'].split())[:300]}"
        raise CatalogueError(message)
    rows = sum(len(table.array) for table in parsed.iter_tables())
    if "OVERFLOW" in said or rows > most_stars:
        message = (
            f"The archive has more than {min(rows, most_stars)} stars there, and gave "
            "not all of them; fetch smaller cones, or import a file."
        )
        raise CatalogueError(message)


def fetch_first_missing(
    root: Path, fields: Sequence[MissingField], ask: Ask = ask_archive
) -> str | None:
    """Fetch the first field that was not tried in the last day; what came of it.

    What was tried is kept beside the tiles, so that all processes know it and no
    archive is asked again and again for what it does not have.
    """
    for field in fields:
        mark = root / ".fetch" / _key(field)
        if mark.exists() and time.time() - mark.stat().st_mtime < _NOT_AGAIN_S:
            continue
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text("trying", encoding="utf-8")
        try:
            cone = cone_about(field)
            manifest = fetch_cone(root, field.catalogue, cone, ask)
            said = f"{manifest.name} {manifest.release} now covers the {cone}"
        except CatalogueError as error:
            said = str(error)
        mark.write_text(said + "\n", encoding="utf-8")
        return said
    return None


def cone_about(field: MissingField) -> Cone:
    """The smallest usual cone that holds all of a field's pixels."""
    side = 2**field.healpix_order
    pixels = np.array(field.pixels, dtype=np.int64)
    ra, dec = hpgeom.pixel_to_angle(side, pixels)
    middle = hpgeom.angle_to_vector(ra, dec).mean(axis=0)
    centre = hpgeom.vector_to_angle(middle / np.sqrt((middle**2).sum()))
    centre_ra, centre_dec = (float(np.atleast_1d(angle)[0]) for angle in centre)
    away = float(separation_deg(ra, dec, centre_ra, centre_dec).max())
    pixel = float(np.degrees(np.sqrt(4 * np.pi / (12 * side**2))))
    return Cone(centre_ra, centre_dec, _MARGIN * (away + pixel))


def _key(field: MissingField) -> str:
    text = f"{field.catalogue} {field.healpix_order} {sorted(field.pixels)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@contextmanager
def _in_turn(root: Path) -> Iterator[None]:
    """Let questions wait for each other, with a pause between them."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".fetch.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        since = time.time() - os.fstat(lock.fileno()).st_mtime
        if lock.tell() and 0 <= since < _PAUSE_S:
            time.sleep(_PAUSE_S - since)
        try:
            yield
        finally:
            lock.write(b".")
