"""Several catalogues at once, releases that were pinned, and what a request means."""

from pathlib import Path

import numpy as np
import pytest

from bhtom_contracts.passbands import canonical_request, displayed, system_of
from bhtom_cpcs.calibrations.reduced import catalogue_of
from bhtom_cpcs.reference_catalogues.catalogue import (
    CombinedCatalogue,
    EmptyCatalogue,
    TileCatalogue,
    catalogues_to_try,
    open_catalogue,
)
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.surveys import GAIA_SYNTHETIC, KNOWN
from bhtom_cpcs.science.decisions import PinnedRelease
from bhtom_cpcs.science.reference import NoCoverage, ReferenceStars

CENTRE = (65.0, -55.0)
DR3 = KNOWN["GaiaDR3"]


def write(path: Path, columns: dict) -> Path:
    lines = [",".join(columns)]
    lines += [
        ",".join(str(v) for v in row) for row in zip(*columns.values(), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def field(tmp_path: Path, n: int = 60, *, companion_radius: float = 0.3) -> dict:
    """Gaia synthetic photometry of every second star of a field of Gaia's."""
    rng = np.random.default_rng(3)
    ra = CENTRE[0] + rng.uniform(-0.2, 0.2, n)
    dec = CENTRE[1] + rng.uniform(-0.1, 0.1, n)
    g = rng.uniform(12, 18, n)
    whole = {
        "ra": ra,
        "dec": dec,
        "phot_g_mean_mag": g,
        "phot_g_mean_flux_over_error": np.full(n, 500.0),
        "phot_bp_mean_mag": g + 0.4,
        "phot_rp_mean_mag": g - 0.6,
        "phot_variable_flag": np.where(np.arange(n) % 10 == 0, "VARIABLE", "CONSTANT"),
    }
    some = {"ra_deg": ra[::2], "dec_deg": dec[::2], "mag_r": g[::2], "mag_V": g[::2]}
    import_slice(tmp_path, write(tmp_path / "sp.csv", some), Cone(*CENTRE, 0.3))
    import_slice(
        tmp_path, write(tmp_path / "g.csv", whole), Cone(*CENTRE, companion_radius), DR3
    )
    return whole


def stars_of(
    root: Path, name: str = "GaiaSP", release: str | None = None
) -> ReferenceStars:
    found = open_catalogue(root, name, release).cone(*CENTRE, 0.25)
    assert isinstance(found, ReferenceStars)
    return found


def test_gaia_joins_the_same_stars(tmp_path: Path) -> None:
    whole = field(tmp_path)
    catalogue = open_catalogue(tmp_path, "GaiaSP")
    assert isinstance(catalogue, CombinedCatalogue)
    assert catalogue.bands == (
        "GaiaSP/V",
        "GaiaSP/r",
        "GaiaDR3/GBP",
        "GaiaDR3/G",
        "GaiaDR3/GRP",
    )
    stars = stars_of(tmp_path)
    assert len(stars) == 30
    assert stars.magnitude["GaiaDR3/G"] == pytest.approx(stars.magnitude["GaiaSP/r"])
    assert stars.error["GaiaDR3/G"] == pytest.approx([0.0021715] * 30, rel=1e-3)
    own = stars_of(tmp_path, release="DR3+1").tile_hashes
    assert set(own) < set(stars.tile_hashes)
    assert stars.variable is not None
    known = set(np.round(whole["ra"][::10], 9))
    assert set(np.round(stars.ra_deg[stars.variable], 9)) == known
    assert stars.extended is None


def test_the_stars_are_the_same_without_the_companion(tmp_path: Path) -> None:
    """Neither tiles of another catalogue nor its bands change who is matched."""
    field(tmp_path)
    both = stars_of(tmp_path)
    alone = stars_of(tmp_path, release="DR3+1")
    for name in ("ra_deg", "dec_deg", "pm_ra_masyr", "pm_dec_masyr"):
        assert (getattr(both, name) == getattr(alone, name)).all()
    for band in alone.magnitude:
        assert (both.magnitude[band] == alone.magnitude[band]).all()
        assert (both.error[band] == alone.error[band]).all()
        assert (both.verified[band] == alone.verified[band]).all()


def test_a_companion_that_does_not_cover_the_field_is_left_out(tmp_path: Path) -> None:
    field(tmp_path, companion_radius=0.1)
    stars = stars_of(tmp_path)
    assert np.isnan(stars.magnitude["GaiaDR3/G"]).all()
    assert np.isfinite(stars.magnitude["GaiaSP/r"]).all()
    assert stars.tile_hashes == stars_of(tmp_path, release="DR3+1").tile_hashes
    far = open_catalogue(tmp_path, "GaiaSP").cone(80.0, -55.0, 0.2)
    assert isinstance(far, NoCoverage)


def test_no_star_is_joined_twice(tmp_path: Path) -> None:
    """Of two stars near one, the nearer gets its bands; one far away gets none."""
    second = 1 / 3600
    near = {
        "ra_deg": [65.0, 65.0, 65.1],
        "dec_deg": [-55.0, -55.0 + 0.2 * second, -55.0],
        "mag_r": [15.0, 15.5, 16.0],
    }
    gaia = {
        "ra": [65.0, 65.1],
        "dec": [-55.0 + 0.01 * second, -55.0 + 2 * second],
        "phot_g_mean_mag": [15.2, 16.2],
    }
    disc = Cone(*CENTRE, 0.3)
    import_slice(tmp_path, write(tmp_path / "a.csv", near), disc)
    import_slice(tmp_path, write(tmp_path / "b.csv", gaia), disc, DR3)
    stars = stars_of(tmp_path)
    order = np.argsort(stars.magnitude["GaiaSP/r"])
    joined = stars.magnitude["GaiaDR3/G"][order]
    assert joined[0] == 15.2
    assert np.isnan(joined[1:]).all()


def test_a_pinned_release_gives_the_same_stars_later(tmp_path: Path) -> None:
    field(tmp_path)
    pinned = open_catalogue(tmp_path, "GaiaSP").release
    assert pinned == "DR3+1;GaiaDR3=DR3+1"
    before = stars_of(tmp_path)
    better = {"ra_deg": before.ra_deg, "dec_deg": before.dec_deg}
    better["mag_r"] = before.magnitude["GaiaSP/r"] + 0.5
    import_slice(tmp_path, write(tmp_path / "new.csv", better), Cone(*CENTRE, 0.3))
    assert open_catalogue(tmp_path, "GaiaSP").release == "DR3+2;GaiaDR3=DR3+1"
    again = stars_of(tmp_path, release=pinned)
    assert again.tile_hashes == before.tile_hashes
    assert (again.magnitude["GaiaSP/r"] == before.magnitude["GaiaSP/r"]).all()
    now = stars_of(tmp_path).magnitude["GaiaSP/r"]
    assert now == pytest.approx(better["mag_r"])


def releases(root: Path, *pins: PinnedRelease) -> list[str]:
    return [found.release for found in catalogues_to_try(root, "GaiaSP", pins)]


def test_a_light_curve_stays_with_its_release(tmp_path: Path) -> None:
    """The newest is tried after it, for frames that it does not cover."""
    field(tmp_path, 10)
    now = "DR3+1;GaiaDR3=DR3+1"
    assert releases(tmp_path) == [now]
    other = PinnedRelease("GaiaDR3", "DR3+1")
    assert releases(tmp_path, other, PinnedRelease("GaiaSP", "DR3+1")) == ["DR3+1", now]
    assert releases(tmp_path, PinnedRelease("GaiaSP", now)) == [now]
    assert releases(tmp_path, PinnedRelease("GaiaSP", "DR2+4")) == [now]


@pytest.mark.parametrize(
    "release", ["DR3+7", "DR2+1", "DR3", "", "DR3+1;GaiaDR3", "DR3+1;GaiaDR3=DR3+9"]
)
def test_a_release_that_is_not_here_is_said(tmp_path: Path, release: str) -> None:
    field(tmp_path, 10)
    with pytest.raises(CatalogueError, match=r"not here|not DR2|not a catalogue"):
        open_catalogue(tmp_path, "GaiaSP", release)


def test_other_catalogues_only_when_named(tmp_path: Path) -> None:
    field(tmp_path, 10)
    assert isinstance(open_catalogue(tmp_path, "GaiaDR3"), TileCatalogue)
    empty = open_catalogue(tmp_path, "2MASS")
    assert isinstance(empty, EmptyCatalogue)
    assert empty.bands == ("2MASS/J", "2MASS/H", "2MASS/K")
    assert isinstance(open_catalogue(tmp_path, "2MASS", empty.release), EmptyCatalogue)
    assert GAIA_SYNTHETIC.companions == ("GaiaDR3",)


@pytest.mark.parametrize(
    ("asked", "means", "catalogue"),
    [
        ("GaiaSP/any", "GaiaSP/any", "GaiaSP"),
        ("GaiaSP/ugriz", "GaiaSP/ugriz", "GaiaSP"),
        ("gaiasp/ubvri", "GaiaSP/UBVRI", "GaiaSP"),
        ("no", "", "GaiaSP"),
        ("Auto", "", "GaiaSP"),
        ("any", "", "GaiaSP"),
        ("any/r", "r", "GaiaSP"),
        ("r", "r", "GaiaSP"),
        ("GaiaDR3/BP", "GaiaDR3/GBP", "GaiaDR3"),
        ("GaiaDR3/G", "GaiaDR3/G", "GaiaDR3"),
        ("2MASS/Ks", "2MASS/K", "2MASS"),
        ("pan-starrs/g", "PS1/g", "PS1"),
        ("ATLAS-REFCAT2/i", "REFCAT2/i", "REFCAT2"),
        ("APASS/g'", "APASS/g", "APASS"),
        ("Mine/anyway", "Mine/anyway", "Mine"),
        ("../x/r", "../x/r", None),
    ],
)
def test_what_clients_ask_for(asked: str, means: str, catalogue: str | None) -> None:
    assert canonical_request(asked) == means
    assert canonical_request(means) == means
    assert catalogue_of(means, "GaiaSP") == catalogue


def test_photometric_systems() -> None:
    assert system_of("GaiaSP/r") == "AB"
    assert system_of("GaiaDR3/G") == "Vega"
    assert system_of("APASS/B") == "Vega"
    assert system_of("APASS/g") == "AB"
    assert system_of("Mine/g") == "none"
    assert displayed("GaiaDR3/GBP") == "GBP(GaiaDR3)"
