"""Which band the stars show, and that a narrower request changes no number."""

import numpy as np
import pytest

from bhtom_cpcs.science.calibration.band_choice import BandHints, choose_band
from bhtom_cpcs.science.calibration.ranking import BandStars
from bhtom_sky import BANDS, make_sky

ALL = tuple(f"GaiaSP/{band}" for band in BANDS)
SLOAN = tuple(band for band in ALL if band[-1] in "ugriz")


def pairs(
    shown: str, seed: int = 1, n: int = 60, noise: float = 0.02
) -> dict[str, BandStars]:
    """Stars seen through a band, compared with all ten."""
    sky = make_sky(seed, (10.0, 10.0), 0.2, n)
    rng = np.random.default_rng(seed)
    seen = sky.magnitude[shown] - 22 + rng.normal(0, noise, n)
    return {
        f"GaiaSP/{band}": BandStars(sky.magnitude[band] - seen, np.full(n, noise))
        for band in BANDS
    }


@pytest.mark.parametrize("shown", BANDS)
def test_right_band_of_ten(shown: str) -> None:
    right = sum(
        choose_band(pairs(shown, seed), ALL).chosen == f"GaiaSP/{shown}"
        for seed in range(20)
    )
    assert right >= 19


@pytest.mark.parametrize("allowed", [ALL, SLOAN, ("GaiaSP/r",), ("GaiaSP/g",)])
def test_request_never_changes_a_bands_numbers(allowed: tuple[str, ...]) -> None:
    stars = pairs("r")
    whole = {row.passband: row for row in choose_band(stars, ALL).figures}
    part = {row.passband: row for row in choose_band(stars, allowed).figures}
    for band in ALL:
        assert part[band].zero_point == whole[band].zero_point
        assert part[band].scatter_mag == whole[band].scatter_mag


def test_forced_band_is_honoured_and_said() -> None:
    choice = choose_band(pairs("r"), ("GaiaSP/g",))
    assert (choice.chosen, choice.best) == ("GaiaSP/g", "GaiaSP/r")
    (row,) = (row for row in choice.figures if row.chosen)
    assert "GaiaSP/r better" in row.reason


def test_tie_goes_to_the_declared_band() -> None:
    stars = pairs("r", noise=0.02)
    twin = stars["GaiaSP/r"]
    rng = np.random.default_rng(9)
    stars["GaiaSP/R"] = BandStars(
        twin.difference + 0.2 + rng.normal(0, 1e-4, 60), twin.error
    )
    assert choose_band(stars, ALL, BandHints("GaiaSP/R")).chosen == "GaiaSP/R"
    assert choose_band(stars, ALL, BandHints("GaiaSP/r")).chosen == "GaiaSP/r"
    assert choose_band(stars, ALL, BandHints("GaiaSP/g")).chosen in (
        "GaiaSP/r",
        "GaiaSP/R",
    )


def test_sparse_band_is_reported_and_not_ranked() -> None:
    stars = pairs("r")
    sparse = stars["GaiaSP/u"].difference.copy()
    sparse[10:] = np.nan
    stars["GaiaSP/u"] = BandStars(sparse, stars["GaiaSP/u"].error)
    choice = choose_band(stars, ALL)
    (row,) = (row for row in choice.figures if row.passband == "GaiaSP/u")
    assert not row.ranked
    assert row.n_stars == 10
    assert choice.chosen == "GaiaSP/r"
    assert all(r.n_stars == 60 for r in choice.figures if r.ranked)


def test_no_stars_no_band() -> None:
    empty = BandStars(np.full(20, np.nan), np.full(20, 0.02))
    choice = choose_band({"GaiaSP/r": empty}, ("GaiaSP/r",))
    assert choice.chosen is None
