"""Frames against several catalogues: what is on offer never changes a number."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bhtom_cpcs.reference_catalogues.catalogue import CombinedCatalogue, open_catalogue
from bhtom_cpcs.reference_catalogues.importers import (
    Cone,
    import_slice,
    recognised_file,
)
from bhtom_cpcs.reference_catalogues.surveys import KNOWN
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import ReductionRequest, TargetPosition
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_sky import Frame, Sky, catalogue_table, write_catalogue

SAME = ("passband", "value", "error", "scatter", "n_stars", "n_matched")


def write_gaia(sky: Sky, path: Path) -> Path:
    """Gaia's own bands of the sky's stars: broad ones, so mixtures of narrow ones."""
    table = catalogue_table(sky, error_mag=0.003)
    rows = zip(
        *(table[name] for name in ("ra_deg", "dec_deg", "mag_g", "mag_r", "mag_i")),
        strict=True,
    )
    lines = ["ra,dec,phot_g_mean_mag,phot_bp_mean_mag,phot_rp_mean_mag"]
    lines += [
        f"{ra:.8f},{dec:.8f},{(g + r + i) / 3:.5f},{(g + r) / 2:.5f},{i - 0.3:.5f}"
        for ra, dec, g, r, i in rows
    ]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, fields: Callable
) -> tuple[Path, Sky, ReductionRequest]:
    """A field's synthetic photometry and Gaia's own, below one folder."""
    field = fields(1)
    folder = tmp_path_factory.mktemp("both")
    disc = Cone(*field.sky.centre, 0.1)
    write_catalogue(field.sky, folder / "sp.csv")
    import_slice(folder, folder / "sp.csv", disc)
    gaia = write_gaia(field.sky, folder / "gaia.csv")
    import_slice(folder, gaia, disc, KNOWN["GaiaDR3"])
    return folder, field.sky, field.request


def reduced(
    frame: Path, request: ReductionRequest, asked: str, root: Path, release: str | None
) -> PlaneReduction:
    catalogue = open_catalogue(root, asked.partition("/")[0], release)
    wanted = replace(request, requested_filter=asked)
    return reduce_frame(frame, wanted, catalogue).planes[0]


def test_gaias_bands_are_ranked_and_change_nothing(
    both: tuple[Path, Sky, ReductionRequest],
    frame_of: Callable[..., Frame],
    tmp_path: Path,
) -> None:
    root, _, request = both
    frame = tmp_path / "frame.fits"
    frame.write_bytes(frame_of().fits_bytes)
    assert isinstance(open_catalogue(root, "GaiaSP"), CombinedCatalogue)
    asked = ("GaiaSP/any", "GaiaSP/ugriz", "GaiaSP/r")
    found = [reduced(frame, request, one, root, None) for one in asked]
    alone = reduced(frame, request, "GaiaSP/any", root, "DR3+1")
    figures = []
    for plane in (*found, alone):
        assert plane.zero_point is not None, plane.message
        figures.append([getattr(plane.zero_point, name) for name in SAME])
    assert figures[0][0] == "GaiaSP/r"
    assert all(one == figures[0] for one in figures[1:])
    zero_point = found[0].zero_point
    assert zero_point is not None
    ranked = {row.passband: row for row in zero_point.ranking}
    assert {"GaiaDR3/G", "GaiaDR3/GBP", "GaiaDR3/GRP"} < set(ranked)
    assert ranked["GaiaDR3/G"].ranked
    assert ranked["GaiaDR3/G"].n_stars == ranked["GaiaSP/r"].n_stars
    assert found[0].provenance.catalogue_release == "DR3+1;GaiaDR3=DR3+1"
    assert set(alone.provenance.tile_hashes) < set(found[0].provenance.tile_hashes)


def test_a_band_of_gaias_by_name(
    both: tuple[Path, Sky, ReductionRequest],
    frame_of: Callable[..., Frame],
    tmp_path: Path,
) -> None:
    root, _, request = both
    frame = tmp_path / "frame.fits"
    frame.write_bytes(frame_of().fits_bytes)
    plane = reduced(frame, request, "GaiaDR3/G", root, None)
    assert plane.zero_point is not None, plane.message
    assert plane.zero_point.passband_text == "G(GaiaDR3)"
    refused = reduced(frame, request, "GaiaDR3/q", root, None)
    assert refused.outcome is Outcome.UNKNOWN_FILTER
    waits = reduced(frame, request, "2MASS/J", root, None)
    assert waits.outcome is Outcome.WAITING_FOR_CATALOGUE
    assert waits.missing_tiles is not None
    assert waits.missing_tiles.catalogue_name == "2MASS"
    wrong = reduced(frame, request, "2MASS/q", root, None)
    assert wrong.outcome is Outcome.UNKNOWN_FILTER


@pytest.mark.parametrize(
    ("name", "file", "scatter"),
    [
        ("GaiaSP", "gaiadr3_gspc_ngc1566.csv", 0.04),
        ("SkyMapper", "skymapper_ngc1566.csv", 0.06),
        ("APASS", "apass_dr9_ngc1566.csv", 0.06),
    ],
)
def test_a_real_frame_against_three_catalogues(
    tmp_path: Path, name: str, file: str, scatter: float
) -> None:
    """Each says r, and their zero points agree as their systems do."""
    folder = os.environ.get("SKY_SAMPLE_DATA")
    if not folder:
        pytest.skip("SKY_SAMPLE_DATA does not name the folder of the real data")
    path = Path(folder) / "catalogs" / file
    known = recognised_file(path)
    assert known.name == name
    import_slice(tmp_path, path, Cone(65.0, -55.0, 1.8), known)
    frame = Path(folder) / "images/huntsman_ngc1566_800x800.fits"
    request = ReductionRequest(targets=(TargetPosition(1, 65.1621, -54.9358),))
    plane = reduced(frame, request, f"{name}/any", tmp_path, None)
    assert plane.zero_point is not None, plane.message
    assert plane.zero_point.passband == f"{name}/r"
    # of the light within the PSF, which reaches 4 FWHM
    assert plane.zero_point.value == pytest.approx(25.445, abs=0.05)
    assert plane.zero_point.scatter < scatter
