"""Comparison stars never are targets, variables or blends, unless few are left."""

import numpy as np

from bhtom_cpcs.science.calibration.comparison import StarFluxes
from bhtom_cpcs.science.calibration.selection import (
    Objections,
    catalogue_neighbours,
    comparison_stars,
    faint_stars,
    frame_neighbours,
    select_stars,
)
from bhtom_cpcs.science.reference import ReferenceStars

NAMES = ("excess", "image", "catalogue neighbour", "frame neighbour")


def flags(*indices: int, n: int = 30) -> np.ndarray:
    found = np.zeros(n, dtype=bool)
    found[list(indices)] = True
    return found


def test_objections_leave_stars_out_with_a_reason() -> None:
    chosen = select_stars(
        Objections(
            {"a target": flags(0), "a known variable": flags(0, 1)},
            dict(zip(NAMES, (flags(2), flags(3), flags(2), flags()), strict=True)),
        )
    )
    assert list(np.flatnonzero(~chosen.good)) == [0, 1, 2, 3]
    assert chosen.reason[:5] == (
        "a target",
        "a known variable",
        "excess",
        "image",
        "",
    )
    assert chosen.dropped == ()


def test_mild_objections_are_dropped_in_order_and_said() -> None:
    chosen = select_stars(
        Objections(
            {"a target": flags(*range(12))},
            dict(
                zip(
                    NAMES,
                    (
                        flags(*range(10, 20)),
                        flags(*range(20, 25)),
                        flags(25),
                        flags(),
                    ),
                    strict=True,
                )
            ),
        )
    )
    assert chosen.dropped == ("excess",)
    assert list(np.flatnonzero(chosen.good)) == [*range(12, 20), *range(26, 30)]


def test_never_stars_stay_out_whatever_is_left() -> None:
    everything = flags(*range(30))
    chosen = select_stars(
        Objections(
            {"a target": flags(*range(25))},
            dict.fromkeys(NAMES, everything),
        )
    )
    assert list(np.flatnonzero(chosen.good)) == [25, 26, 27, 28, 29]
    assert chosen.dropped == NAMES


def test_dropped_objections_that_mattered_to_nobody_are_not_named() -> None:
    chosen = select_stars(
        Objections(
            {"a target": flags(*range(25))},
            dict(zip(NAMES, (flags(), flags(26), flags(), flags()), strict=True)),
        )
    )
    assert chosen.dropped == ("image",)


def reference(
    ra_arcsec: list[float], magnitude: list[float], dec_deg: float = 60.0
) -> ReferenceStars:
    ra = 10 + np.array(ra_arcsec) / 3600 / np.cos(np.radians(dec_deg))
    n = len(ra)
    return ReferenceStars(
        ra_deg=ra,
        dec_deg=np.full(n, dec_deg),
        epoch_jyear=2016.0,
        pm_ra_masyr=np.zeros(n),
        pm_dec_masyr=np.zeros(n),
        magnitude={"GaiaSP/r": np.array(magnitude)},
        error={"GaiaSP/r": np.full(n, 0.01)},
        verified={"GaiaSP/r": np.ones(n, dtype=bool)},
        tile_hashes=(),
    )


def test_catalogue_neighbours_within_reach_unless_much_fainter() -> None:
    stars = reference(
        [0, 3, 30, 33, 60, 63, 90, 96], [14, 15, 14, 19, 14, np.nan, 14, 14]
    )
    asked = np.array([0, 2, 4, 6])
    assert list(catalogue_neighbours(stars, asked, 4.0)) == [True, False, True, False]
    assert list(catalogue_neighbours(stars, asked, 7.0)) == [True, False, True, True]
    assert len(catalogue_neighbours(stars, np.array([], dtype=np.intp), 4.0)) == 0


def test_frame_neighbours() -> None:
    x = np.array([10.0, 14, 50, np.nan, 70])
    near = frame_neighbours(x, np.full(5, 20.0), 3.0)
    assert list(near) == [True, True, False, False, False]
    assert list(frame_neighbours(x[:1], x[:1], 3.0)) == [False]


def test_faint_stars() -> None:
    flux = np.array([100.0, 100, 100, -5, np.nan])
    error = np.array([5.0, 11, 9, 1, 1])
    fluxes = StarFluxes(flux, error, np.ones(5, dtype=bool))
    assert list(faint_stars(fluxes)) == [False, True, False, True, True]
    index = np.arange(5)
    pairs = comparison_stars(fluxes, np.array([1, 0, 1, 0, 0], bool), index, index)
    assert list(pairs.source) == [0, 2]
    assert pairs.magnitude[0] == -5.0
