"""Frames without any pointing are found by the patterns of a whole catalogue."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.reference_catalogues.manifest import Manifest, load_current
from bhtom_cpcs.reference_catalogues.solver_index import make_patterns
from bhtom_cpcs.science.astrometry.blind_solver import blind_solutions
from bhtom_cpcs.science.astrometry.coordinates import (
    deproject,
    project,
    separation_deg,
)
from bhtom_cpcs.science.astrometry.pose import Field, field_of

CENTRE = (3.0, 85.0)
RADIUS_DEG = 4.0
SHAPE = (1000, 1200)


@pytest.fixture(scope="module")
def sky() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    n_stars = 9000
    radius = RADIUS_DEG * np.sqrt(rng.random(n_stars))
    angle = 2 * np.pi * rng.random(n_stars)
    plane = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) * 3600
    ra, dec = deproject(plane, CENTRE)
    return ra, dec, 15 + np.log10(rng.random(n_stars)) / 0.3


@pytest.fixture(scope="module")
def root(sky, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patterns")
    ra, dec, magnitude = sky
    table = pa.table({"ra_deg": ra, "dec_deg": dec, "mag_r": magnitude})
    pq.write_table(table, folder / "stars.parquet")
    import_slice(folder, folder / "stars.parquet", Cone(*CENTRE, RADIUS_DEG))
    return folder


def manifest_of(root: Path) -> Manifest:
    manifest = load_current(root, "GaiaSP")
    assert manifest is not None
    return manifest


def frame(sky, centre: tuple[float, float], side_deg: float, seed: int) -> Field:
    """A third of the stars missing, a quarter of the sources not on the sky."""
    rng = np.random.default_rng(seed)
    ra, dec, magnitude = sky
    height, width = SHAPE
    scale = side_deg * 3600 / np.sqrt(height * width)
    plane = project(ra, dec, centre) / scale
    z = (plane[:, 0] + 1j * plane[:, 1]) * np.exp(2j * np.pi * rng.random())
    inside = (np.abs(z.real) < width / 2) & (np.abs(z.imag) < height / 2)
    seen = np.flatnonzero(inside & (rng.random(len(z)) < 0.67))
    stars = z[seen] + rng.normal(0, 0.3, len(seen)) + 1j * rng.normal(0, 0.3, len(seen))
    stray = len(seen) // 3
    stars = np.r_[
        stars,
        (rng.random(stray) - 0.5) * width + 1j * (rng.random(stray) - 0.5) * height,
    ]
    brightness = np.r_[magnitude[seen], rng.choice(magnitude[seen], stray)]
    stars = stars[np.argsort(brightness, kind="stable")]
    return field_of(stars.real + (width - 1) / 2, stars.imag + (height - 1) / 2, SHAPE)


@pytest.mark.parametrize(
    ("centre", "side_deg"),
    [((3.0, 85.0), 0.6), ((30.0, 87.0), 1.0), ((350.0, 84.0), 2.0), ((0.1, 83.0), 0.5)],
)
def test_frame_without_a_pointing_is_found(
    sky, root: Path, centre: tuple[float, float], side_deg: float
) -> None:
    make_patterns(root / "GaiaSP", manifest_of(root))
    catalogue = open_catalogue(root, "GaiaSP")
    field = frame(sky, centre, side_deg, seed=1)
    found = next(blind_solutions(field, catalogue, [(0.01, 600.0)], 2016.0), None)
    assert found is not None
    apart = separation_deg(*np.array([found.centre]).T, *centre)[0]
    assert apart * 3600 < 10 * found.pixel_scale_arcsec
    expected = side_deg * 3600 / np.sqrt(SHAPE[0] * SHAPE[1])
    assert found.pixel_scale_arcsec == pytest.approx(expected, rel=0.01)


def test_frame_of_another_sky_is_not_found(sky, root: Path) -> None:
    make_patterns(root / "GaiaSP", manifest_of(root))
    catalogue = open_catalogue(root, "GaiaSP")
    field = frame(sky, CENTRE, 1.0, seed=2)
    rng = np.random.default_rng(9)
    width, height = field.width, field.height
    place = (rng.random(90) - 0.5) * width + 1j * (rng.random(90) - 0.5) * height
    strange = Field(place, width, height)
    assert not list(blind_solutions(strange, catalogue, [(0.01, 600.0)], 2016.0))


def test_patterns_are_made_once_and_for_one_version(sky, root: Path) -> None:
    manifest = manifest_of(root)
    count = make_patterns(root / "GaiaSP", manifest)
    (folder,) = (root / "GaiaSP" / "patterns").iterdir()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")}
    assert make_patterns(root / "GaiaSP", manifest) == count > 10_000
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")} == before
    catalogue = open_catalogue(root, "GaiaSP")
    sizes = [patterns.field_deg for patterns in catalogue.sky_patterns()]
    assert sizes == sorted(sizes)
    assert sizes[0] < 0.5
