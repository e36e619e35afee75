"""Tiles: imported from every format, read by cones, never changed, honest on edges."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from bhtom_cpcs.reference_catalogues.catalogue import (
    EmptyCatalogue,
    TileCatalogue,
    open_catalogue,
)
from bhtom_cpcs.reference_catalogues.importers import (
    GAIA_SYNTHETIC,
    Cone,
    WholeTiles,
    import_slice,
)
from bhtom_cpcs.reference_catalogues.manifest import (
    CatalogueError,
    load_current,
    load_version,
    save,
)
from bhtom_cpcs.reference_catalogues.sky_coverage import (
    covered_count,
    is_covered,
    joined,
)
from bhtom_cpcs.reference_catalogues.tile_files import parquet_path, verify
from bhtom_cpcs.science.astrometry.coordinates import separation_deg
from bhtom_cpcs.science.reference import NoCoverage, ReferenceStars


def random_stars(ra: float, dec: float, radius: float, n: int, seed: int = 1) -> dict:
    rng = np.random.default_rng(seed)
    distance = np.radians(radius) * np.sqrt(rng.random(n))
    angle = rng.uniform(0, 2 * np.pi, n)
    d0 = np.radians(dec)
    sin_d = np.sin(d0) * np.cos(distance) + np.cos(d0) * np.sin(distance) * np.cos(
        angle
    )
    d = np.arcsin(sin_d)
    r = np.radians(ra) + np.arctan2(
        np.sin(angle) * np.sin(distance) * np.cos(d0),
        np.cos(distance) - np.sin(d0) * sin_d,
    )
    return {
        "ra_deg": np.degrees(r) % 360,
        "dec_deg": np.degrees(d),
        "mag_r": rng.uniform(12, 18, n),
        "error_r": rng.uniform(0.001, 0.1, n),
        "verified_r": rng.integers(0, 2, n),
        "mag_g": rng.uniform(12, 18, n),
    }


def write_csv(columns: dict, path: Path) -> Path:
    pa.csv.write_csv(pa.table(columns), path)
    return path


def opened(root: Path) -> TileCatalogue:
    found = open_catalogue(root, "GaiaSP")
    assert isinstance(found, TileCatalogue)
    return found


def cone(root: Path, ra: float, dec: float, radius: float) -> ReferenceStars:
    found = opened(root).cone(ra, dec, radius)
    assert isinstance(found, ReferenceStars)
    return found


@pytest.mark.parametrize(
    "centre", [(65.0, -55.0), (359.9, 1.0), (0.0, 0.0), (120.0, 89.7), (10.0, -90.0)]
)
def test_cones_are_those_of_brute_force(
    tmp_path: Path, centre: tuple[float, float]
) -> None:
    stars = random_stars(*centre, 2.0, 4000)
    import_slice(tmp_path, write_csv(stars, tmp_path / "s.csv"), Cone(*centre, 2.0))
    for radius in (0.05, 0.4, 1.7):
        for shift in (0.0, 0.2):
            dec = centre[1] + (shift if centre[1] < 0 else -shift)
            inside = (
                separation_deg(stars["ra_deg"], stars["dec_deg"], centre[0], dec)
                <= radius
            )
            found = cone(tmp_path, centre[0], dec, radius)
            assert sorted(found.ra_deg) == pytest.approx(
                sorted(stars["ra_deg"][inside])
            )
            assert sorted(found.magnitude["GaiaSP/r"]) == pytest.approx(
                sorted(stars["mag_r"][inside])
            )


def test_all_formats_give_the_same_tiles(tmp_path: Path) -> None:
    stars = random_stars(40.0, 10.0, 0.5, 300)
    table = pa.table(stars)
    write_csv(stars, tmp_path / "s.csv")
    pq.write_table(table, tmp_path / "s.parquet")
    Table(stars).write(tmp_path / "s.fits")
    vizier = {
        "RA_ICRS": stars["ra_deg"],
        "DE_ICRS": stars["dec_deg"],
        "rmag": stars["mag_r"],
        "e_rmag": stars["error_r"],
        "rFlag": stars["verified_r"],
        "gmag": stars["mag_g"],
        "Name": ["x"] * 300,
    }
    write_csv(vizier, tmp_path / "v.csv")
    tiles = set()
    for name in ("s.csv", "s.parquet", "s.fits", "v.csv"):
        root = tmp_path / name.replace(".", "-")
        manifest = import_slice(root, tmp_path / name, Cone(40.0, 10.0, 0.5))
        tiles.add(tuple(tile.rows for tile in manifest.tiles))
        found = cone(root, 40.0, 10.0, 0.3)
        assert found.verified["GaiaSP/r"].mean() == pytest.approx(0.5, abs=0.15)
        assert (found.error["GaiaSP/g"] == GAIA_SYNTHETIC.default_error_mag).all()
        assert found.verified["GaiaSP/g"].all()
        assert manifest.bands == ("g", "r")
    assert len(tiles) == 1


def test_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(
        "ra_deg,dec_deg,mag_r,error_r,mag_g\n10,10,15.0,0.01,\n10.1,10,99.0,,16.0\n"
        ",10,15,0.01,15\n"
    )
    assert import_slice(tmp_path, path, Cone(10.0, 10.0, 1.0)).rows == 2
    found = cone(tmp_path, 10.0, 10.0, 0.5)
    assert np.isnan(found.magnitude["GaiaSP/r"]).sum() == 1
    assert np.isnan(found.magnitude["GaiaSP/g"]).sum() == 1
    assert np.isfinite(found.error["GaiaSP/r"]).all()
    assert not found.pm_ra_masyr.any()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"x,y\n1,2\n", "needed are ra_deg"),
        ("a.csv", b"ra_deg,dec_deg,mag_r\n,5,15\n", "no star"),
        ("a.fits", b"nonsense", "cannot be read"),
        ("a.parquet", b"nonsense", "cannot be read"),
        ("a.txt", b"nonsense", "no rows"),
        ("a.bin", b"\x00\x01\x02", "neither"),
    ],
)
def test_useless_slices(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=words):
        import_slice(tmp_path, path, Cone(0.0, 0.0, 1.0))
    assert load_current(tmp_path, "GaiaSP") is None


def test_coverage_is_explicit(tmp_path: Path) -> None:
    stars = random_stars(65.0, -55.0, 0.5, 300)
    import_slice(tmp_path, write_csv(stars, tmp_path / "s.csv"), Cone(65.0, -55.0, 0.5))
    catalogue = opened(tmp_path)
    whole = catalogue.cone(65.0, -55.0, 0.45)
    assert isinstance(whole, ReferenceStars)
    assert whole.covered_fraction == 1.0
    edge = catalogue.cone(65.0, -54.65, 0.2)
    assert isinstance(edge, ReferenceStars)
    assert 0.6 < edge.covered_fraction < 1.0
    outside = catalogue.cone(65.0, -54.4, 0.2)
    assert isinstance(outside, NoCoverage)
    assert 0 < outside.covered_fraction < 0.6
    assert outside.missing_pixels
    # inside the same tile, but beyond the declared disc
    assert isinstance(catalogue.cone(65.0, -55.8, 0.1), NoCoverage)


def test_what_is_missing_ends_the_wait(tmp_path: Path) -> None:
    """Exactly the cone that was missing wakes; another field does not."""
    empty = open_catalogue(tmp_path, "GaiaSP")
    assert isinstance(empty, EmptyCatalogue)
    waits = empty.cone(65.0, -55.0, 0.2)
    other = random_stars(80.0, 30.0, 0.3, 50)
    first = import_slice(
        tmp_path, write_csv(other, tmp_path / "o.csv"), Cone(80.0, 30.0, 0.3)
    )
    assert not first.has_any(waits.healpix_order, waits.missing_pixels)
    again = opened(tmp_path).cone(65.0, -55.0, 0.2)
    assert isinstance(again, NoCoverage)
    stars = random_stars(65.0, -55.0, 0.2, 100)
    second = import_slice(
        tmp_path, write_csv(stars, tmp_path / "s.csv"), Cone(65.0, -55.0, 0.2)
    )
    assert second.has_any(again.healpix_order, again.missing_pixels)
    assert len(cone(tmp_path, 65.0, -55.0, 0.2)) == 100


def test_next_import_is_a_new_version_and_the_old_one_stays(tmp_path: Path) -> None:
    a, b = random_stars(65.0, -55.0, 0.3, 100), random_stars(66.0, -55.0, 0.3, 80, 2)
    one = import_slice(
        tmp_path, write_csv(a, tmp_path / "a.csv"), Cone(65.0, -55.0, 0.3)
    )
    old = opened(tmp_path)
    two = import_slice(
        tmp_path, write_csv(b, tmp_path / "b.csv"), Cone(66.0, -55.0, 0.3)
    )
    assert (one.release, two.release) == ("DR3+1", "DR3+2")
    assert len(two.sources) == 2
    assert len(old.cone(65.0, -55.0, 0.3)) == 100
    assert isinstance(old.cone(66.0, -55.0, 0.2), NoCoverage)
    assert len(cone(tmp_path, 66.0, -55.0, 0.3)) >= 80
    assert load_version(tmp_path, "GaiaSP", 1) == one
    assert verify(tmp_path / "GaiaSP", (*one.tiles, *two.tiles)) == []


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    stars = write_csv(random_stars(65.0, -55.0, 0.3, 100), tmp_path / "a.csv")
    one = import_slice(tmp_path, stars, Cone(65.0, -55.0, 0.3))
    assert import_slice(tmp_path, stars, Cone(65.0, -55.0, 0.3)) == one
    wider = import_slice(tmp_path, stars, Cone(65.0, -55.0, 0.4))
    assert wider.version == 2
    assert wider.tiles == one.tiles


def test_newer_values_replace_a_star(tmp_path: Path) -> None:
    stars = random_stars(65.0, -55.0, 0.3, 50)
    import_slice(tmp_path, write_csv(stars, tmp_path / "a.csv"), Cone(65.0, -55.0, 0.3))
    better = stars | {"mag_r": stars["mag_r"] + 0.5, "mag_i": stars["mag_r"]}
    manifest = import_slice(
        tmp_path, write_csv(better, tmp_path / "b.csv"), Cone(65.0, -55.0, 0.3)
    )
    assert manifest.rows == 50
    assert manifest.bands == ("g", "r", "i")
    found = cone(tmp_path, 65.0, -55.0, 0.31)
    assert sorted(found.magnitude["GaiaSP/r"]) == pytest.approx(sorted(better["mag_r"]))


def test_whole_tiles(tmp_path: Path) -> None:
    stars = random_stars(65.0, -55.0, 3.0, 2000)
    import_slice(tmp_path, write_csv(stars, tmp_path / "s.csv"), WholeTiles())
    assert isinstance(opened(tmp_path).cone(65.0, -55.0, 1.0), ReferenceStars)
    assert isinstance(opened(tmp_path).cone(65.0, -40.0, 1.0), NoCoverage)


def test_damaged_tile_is_noticed(tmp_path: Path) -> None:
    stars = write_csv(random_stars(65.0, -55.0, 0.3, 100), tmp_path / "a.csv")
    manifest = import_slice(tmp_path, stars, Cone(65.0, -55.0, 0.3))
    folder = tmp_path / "GaiaSP"
    tile = manifest.tiles[0]
    path = parquet_path(folder, tile.sha256)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert len(verify(folder, manifest.tiles)) == 1
    for file in (folder / "columns" / tile.sha256).iterdir():
        file.unlink()
    (folder / "columns" / tile.sha256).rmdir()
    with pytest.raises(CatalogueError, match="missing or damaged"):
        cone(tmp_path, 65.0, -55.0, 0.3)


def test_lost_columns_are_derived_again(tmp_path: Path) -> None:
    import shutil

    stars = write_csv(random_stars(65.0, -55.0, 0.3, 100), tmp_path / "a.csv")
    import_slice(tmp_path, stars, Cone(65.0, -55.0, 0.3))
    shutil.rmtree(tmp_path / "GaiaSP" / "columns")
    assert len(cone(tmp_path, 65.0, -55.0, 0.3)) == 100


def test_a_version_is_never_overwritten(tmp_path: Path) -> None:
    stars = write_csv(random_stars(65.0, -55.0, 0.3, 100), tmp_path / "a.csv")
    manifest = import_slice(tmp_path, stars, Cone(65.0, -55.0, 0.3))
    with pytest.raises(CatalogueError, match="run this one again"):
        save(tmp_path, replace(manifest, title="other"))
    assert load_current(tmp_path, "GaiaSP") == manifest


def test_other_epoch_is_refused(tmp_path: Path) -> None:
    stars = write_csv(random_stars(65.0, -55.0, 0.3, 100), tmp_path / "a.csv")
    import_slice(tmp_path, stars, Cone(65.0, -55.0, 0.3))
    later = replace(GAIA_SYNTHETIC, epoch_jyear=2000.0)
    with pytest.raises(CatalogueError, match="2000"):
        import_slice(tmp_path, stars, Cone(65.0, -55.0, 0.3), later)


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden"])
def test_names_stay_below_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(CatalogueError):
        open_catalogue(tmp_path, name)


def test_ranges() -> None:
    ranges = joined([(10, 20), (5, 10), (30, 40), (35, 50)])
    assert ranges == ((5, 20), (30, 50))
    assert covered_count(ranges, ((0, 100),)) == 35
    assert covered_count(ranges, ((19, 31), (49, 60))) == 3
    assert covered_count((), ((0, 5),)) == 0
    assert is_covered(((0, 16),), 10, 0)
    assert not is_covered(((0, 15),), 10, 0)
    assert is_covered(((7, 8),), 14, 7 << 4)
