"""The command that imports reference stars."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bhtom_cpcs.cli import main
from bhtom_cpcs.reference_catalogues.manifest import load_current

STARS = """ra_deg,dec_deg,mag_r,error_r
10.00,20.00,12.5,0.01
10.01,20.01,13.5,0.01
"""


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["catalogue", *arguments], env={"BHTOM_CATALOGUES": str(folder)}
    )


@pytest.fixture
def stars(tmp_path: Path) -> Path:
    path = tmp_path / "stars.csv"
    path.write_text(STARS, encoding="ascii")
    return path


def test_import_and_list(tmp_path: Path, stars: Path) -> None:
    root = tmp_path / "catalogues"
    done = run(root, "import", str(stars), "--name", "Mine", "--footprint", "10,20,0.1")
    assert done.exit_code == 0, done.output
    assert "Mine 1+1: 2 stars in 1 tiles, bands r." in done.output
    again = run(
        root, "import", str(stars), "--name", "Mine", "--footprint", "10,20,0.1"
    )
    assert "Mine 1+1" in again.output
    assert "Mine 1+1" in run(root, "list").output


def test_what_is_known_of_gaia_need_not_be_said(tmp_path: Path, stars: Path) -> None:
    root = tmp_path / "catalogues"
    options = ["--name", "GaiaSP", "--footprint", "tiles", "--credit", "Somebody"]
    done = run(root, "import", str(stars), *options)
    assert done.exit_code == 0, done.output
    manifest = load_current(root, "GaiaSP")
    assert manifest is not None
    assert manifest.release == "DR3+1"
    assert manifest.title == "Gaia DR3 synthetic photometry"
    assert manifest.sources[0].credit == "Somebody"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--footprint", "10,20"], "'ra,dec,radius' in degrees"),
        (["--footprint", "10,20,x"], "'ra,dec,radius' in degrees"),
        (["--footprint", "10,20,-1"], "not a disc"),
        (["--footprint", "tiles", "--name", "../x"], "letters and digits"),
        ([], "--footprint"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(
    tmp_path: Path, stars: Path, arguments: list[str], sentence: str
) -> None:
    arguments = ["--name", "GaiaSP", *arguments]
    done = run(tmp_path / "catalogues", "import", str(stars), *arguments)
    assert done.exit_code != 0
    assert sentence in done.output


def test_a_file_without_stars_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("a,b\n1,2\n", encoding="ascii")
    options = ["--footprint", "tiles"]
    done = run(tmp_path / "catalogues", "import", str(path), *options)
    assert done.exit_code == 1
    assert "say with --name" in done.output
    done = run(tmp_path, "import", str(path), "--name", "GaiaSP", *options)
    assert done.exit_code == 1
    assert "needed are ra_deg" in done.output


def test_a_known_catalogue_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "stars.txt"
    path.write_text("RAJ2000;DEJ2000;r'mag\n10;20;15.5\n", encoding="ascii")
    done = run(tmp_path / "root", "import", str(path), "--footprint", "10,20,0.1")
    assert done.exit_code == 0, done.output
    assert "APASS DR9+1: 1 stars in 1 tiles, bands r." in done.output


def test_without_a_folder_it_says_what_to_set(stars: Path) -> None:
    done = CliRunner().invoke(
        main,
        ["catalogue", "list"],
        env={"BHTOM_CATALOGUES": None, "BHTOM_OBJECT_STORE": None},
    )
    assert done.exit_code == 1
    assert "BHTOM_CATALOGUES" in done.output


def test_nothing_imported_is_said(tmp_path: Path) -> None:
    assert "No reference catalogue" in run(tmp_path, "list").output


def test_index_of_what_was_imported(tmp_path: Path, stars: Path) -> None:
    root = tmp_path / "catalogues"
    run(root, "import", str(stars), "--name", "Mine", "--footprint", "10,20,0.1")
    done = run(root, "index", "Mine")
    assert done.exit_code == 0, done.output
    assert "Mine 1+1: 0 patterns." in done.output
    missing = run(root, "index", "Yours")
    assert missing.exit_code != 0
    assert "No catalogue Yours was imported yet." in missing.output
