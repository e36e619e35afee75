"""Archives: what is asked, what is kept of an answer, and how often; no network."""

import io
import os
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.table import Table
from click.testing import CliRunner

from bhtom_cpcs.cli import main
from bhtom_cpcs.reference_catalogues.catalogue import TileCatalogue, open_catalogue
from bhtom_cpcs.reference_catalogues.fetching import fetch as fetch_module
from bhtom_cpcs.reference_catalogues.fetching.fetch import (
    MissingField,
    cone_about,
    fetch_cone,
    fetch_first_missing,
)
from bhtom_cpcs.reference_catalogues.fetching.queries import cone_query, fetchable
from bhtom_cpcs.reference_catalogues.importers import Cone
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.surveys import KNOWN
from bhtom_cpcs.reference_catalogues.tile_catalogue import EmptyCatalogue
from bhtom_cpcs.science.reference import NoCoverage, ReferenceStars

CENTRE = (150.0, 20.0)
FETCHED = [name for name, known in KNOWN.items() if known.archive is not None]


def answer(n: int = 5, status: str = "OK", words: str = "") -> bytes:
    """A VOTable as the Gaia archive answers a query for gaia_source."""
    g = np.linspace(12, 16, n)
    table = Table(
        {
            "ra": CENTRE[0] + np.linspace(0, 0.01, n),
            "dec": np.full(n, CENTRE[1]),
            "pmra": np.ma.array(np.ones(n), mask=np.arange(n) == 0),
            "pmdec": np.ones(n),
            "ref_epoch": np.full(n, 2016.0),
            "phot_g_mean_mag": g,
            "phot_g_mean_flux_over_error": np.full(n, 800.0),
            "phot_variable_flag": np.full(n, "NOT_AVAILABLE"),
            "duplicated_source": np.arange(n) == 1,
        }
    )
    votable = from_table(table)
    info = Info(name="QUERY_STATUS", value=status)
    info.content = words
    votable.resources[0].infos.append(info)
    votable.resources[0].type = "results"
    written = io.BytesIO()
    votable.to_xml(written)
    return written.getvalue()


class Archive:
    """Answers what it was told to, and remembers what it was asked."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[tuple[str, str]] = []

    def __call__(self, address: str, adql: str, most_rows: int, to: Path) -> None:
        self.asked.append((address, adql))
        assert f"TOP {most_rows + 1} " in adql
        to.write_bytes(self.content)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "_PAUSE_S", 0.0)


@pytest.mark.parametrize("name", FETCHED)
def test_every_query_is_one_cone_of_columns_that_a_layout_reads(name: str) -> None:
    known, table = fetchable(name)
    adql = cone_query(table, 359.5, -89.0, 0.25, rows=10)
    assert adql.startswith("SELECT TOP 11 ")
    assert "CIRCLE('ICRS', 359.50000000, -89.00000000, 0.25000000)" in adql
    assert adql.count("(") == adql.count(")") == 3 + 2 * name.count("x")
    assert table.service.startswith("https://")
    columns = {
        column.strip('"').removeprefix("s.").removeprefix("g.")
        for column in (table.ra, table.dec, *table.columns)
    }
    fitting = [
        layout
        for layout in known.layouts
        if not layout.without_header
        and {layout.ra, layout.dec, *layout.needs} <= columns
        and any(band.magnitude in columns for band in layout.bands.values())
    ]
    assert len(fitting) == 1
    (layout,) = fitting
    assert {band.magnitude for band in layout.bands.values()} <= columns


@pytest.mark.parametrize(
    ("cone", "words"),
    [
        ((10.0, 95.0, 0.1), "not a cone"),
        ((10.0, 5.0, 0.0), "not a cone"),
        ((float("nan"), 5.0, 0.1), "not a cone"),
        ((10.0, 5.0, 3.0), "import a file"),
    ],
)
def test_what_is_not_asked(cone: tuple[float, float, float], words: str) -> None:
    with pytest.raises(CatalogueError, match=words):
        cone_query(fetchable("GaiaDR3")[1], *cone)


def test_an_answer_fills_the_tiles(tmp_path: Path) -> None:
    archive = Archive(answer())
    manifest = fetch_cone(tmp_path, "GaiaDR3", Cone(*CENTRE, 0.1), archive)
    assert manifest.rows == 5
    assert manifest.sources[0].file_name == "GaiaDR3 150.00000 +20.00000.vot"
    assert archive.asked[0][0].startswith("https://gea.esac.esa.int")
    stars = open_catalogue(tmp_path, "GaiaDR3").cone(*CENTRE, 0.08)
    assert isinstance(stars, ReferenceStars)
    assert stars.duplicated is not None
    assert stars.duplicated.sum() == 1
    assert stars.error["GaiaDR3/G"] == pytest.approx([0.002] * 5)
    again = fetch_cone(tmp_path, "GaiaDR3", Cone(*CENTRE, 0.1), archive)
    assert again == manifest


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (answer(status="ERROR", words="no such\n  table"), "refused: no such table"),
        (answer(status="OVERFLOW"), "more than 5 stars"),
        (answer(30), "more than 20 stars"),
        (answer(0), "no star"),
        (b"<html>502 Bad Gateway</html>", "cannot be read"),
        (b"", "cannot be read"),
        (answer()[:-300], "cannot be read"),
    ],
)
def test_a_hostile_answer_changes_nothing(
    tmp_path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(CatalogueError, match=words):
        fetch_cone(tmp_path, "GaiaDR3", Cone(*CENTRE, 0.1), Archive(content), 20)
    assert isinstance(open_catalogue(tmp_path, "GaiaDR3"), EmptyCatalogue)


def test_what_a_frame_waits_for_is_fetched_once_a_day(tmp_path: Path) -> None:
    waits = open_catalogue(tmp_path, "GaiaDR3").cone(*CENTRE, 0.1)
    assert isinstance(waits, NoCoverage)
    field = MissingField("GaiaDR3", waits.healpix_order, waits.missing_pixels)
    unknown = MissingField("Mine", waits.healpix_order, waits.missing_pixels)
    archive = Archive(answer())
    said = fetch_first_missing(tmp_path, [unknown, field], archive)
    assert said is not None
    assert "'Mine' cannot be fetched" in said
    said = fetch_first_missing(tmp_path, [unknown, field], archive)
    assert said is not None
    assert "GaiaDR3 DR3+1 now covers" in said
    catalogue = open_catalogue(tmp_path, "GaiaDR3")
    assert isinstance(catalogue, TileCatalogue)
    found = catalogue.cone(*CENTRE, 0.1)
    assert isinstance(found, ReferenceStars)
    assert found.covered_fraction == 1.0
    assert fetch_first_missing(tmp_path, [unknown, field], archive) is None
    assert len(archive.asked) == 1
    for mark in (tmp_path / ".fetch").iterdir():
        yesterday = time.time() - 90_000
        os.utime(mark, (yesterday, yesterday))
    fetch_first_missing(tmp_path, [field], archive)
    assert len(archive.asked) == 2


@pytest.mark.parametrize("centre", [(0.0, 0.0), (359.99, 60.0), (10.0, -89.9)])
def test_the_cone_about_pixels_holds_the_field(
    tmp_path: Path, centre: tuple[float, float]
) -> None:
    waits = open_catalogue(tmp_path, "GaiaSP").cone(*centre, 0.3)
    assert isinstance(waits, NoCoverage)
    cone = cone_about(MissingField("GaiaSP", waits.healpix_order, waits.missing_pixels))
    assert 0.3 < cone.radius_deg < 0.4
    ra = np.radians(cone.ra_deg - centre[0])
    cosine = np.sin(np.radians(cone.dec_deg)) * np.sin(np.radians(centre[1])) + np.cos(
        np.radians(cone.dec_deg)
    ) * np.cos(np.radians(centre[1])) * np.cos(ra)
    assert np.degrees(np.arccos(min(cosine, 1.0))) < 0.02


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--name", "Mine", "--cone", "10,20,0.1"], "these can: GaiaSP"),
        (["--name", "Landolt", "--cone", "10,20,0.1"], "cannot be fetched"),
        (["--name", "GaiaSP", "--cone", "tiles"], "'ra,dec,radius' in degrees"),
        (["--name", "GaiaSP", "--cone", "10,20,7"], "import a file"),
        (["--name", "GaiaSP", "--cone", "10,200,0.1"], "not a cone"),
    ],
)
def test_the_command_refuses_before_it_asks(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = CliRunner().invoke(
        main,
        ["catalogue", "fetch", *arguments],
        env={"BHTOM_CATALOGUES": str(tmp_path)},
    )
    assert done.exit_code != 0
    assert sentence in done.output
