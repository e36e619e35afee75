"""Published transformations: their numbers, their range, their errors, real stars."""

import os
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest

from bhtom_cpcs.science.calibration.transformations import (
    TRANSFORMATIONS,
    transform_band,
    transformable,
)


def one_star(catalogue: str, error: float = 0.0, **bands: float) -> tuple:
    magnitude = {f"{catalogue}/{b}": np.array([m]) for b, m in bands.items()}
    return (
        magnitude,
        {name: np.array([error]) for name in magnitude},
        {name: np.array([True]) for name in magnitude},
    )


@pytest.mark.parametrize(
    ("passband", "bands", "expected"),
    [
        # worked by hand from the papers' equations
        ("SDSS/B", {"g": 16.0, "r": 15.5}, 16.0 + 0.313 * 0.5 + 0.219),
        ("SDSS/V", {"g": 16.0, "r": 15.5}, 16.0 - 0.565 * 0.5 - 0.016),
        ("SDSS/R", {"r": 15.5, "i": 15.3}, 15.5 - 0.2936 * 0.2 - 0.1439),
        ("SDSS/R", {"g": 16.0, "r": 15.5}, 15.5 - 0.1837 * 0.5 - 0.0971),
        ("SDSS/I", {"i": 15.3, "z": 15.2}, 15.3 - 0.386 * 0.1 - 0.397),
        ("PS1/V", {"g": 16.0, "r": 15.5}, 15.5 + 0.005 + 0.231 + 0.00325),
        ("REFCAT2/B", {"g": 16.0, "r": 15.5}, 16.0 + 0.212 + 0.278 + 0.0085),
        # the Sun: G - V = -0.15 at BP - RP = 0.82
        ("GaiaDR3/V", {"G": -26.90, "GBP": 0.82, "GRP": 0.0}, -26.75),
        ("Landolt/g", {"B": 15.6, "V": 15.0}, 15.0 + 0.378 - 0.124),
    ],
)
def test_worked_examples(passband: str, bands: dict, expected: float) -> None:
    found = transform_band(passband, *one_star(passband.partition("/")[0], **bands))
    assert found is not None
    assert found.passband == passband
    assert found.magnitude[0] == pytest.approx(expected, abs=0.01)
    assert found.error[0] == pytest.approx(found.transformation.scatter_mag)


def test_errors_enter_with_the_slope_of_their_band() -> None:
    magnitude, error, verified = one_star("SDSS", g=16.0, r=15.5)
    error = {"SDSS/g": np.array([0.1]), "SDSS/r": np.array([0.2])}
    found = transform_band("SDSS/B", magnitude, error, verified)
    assert found is not None
    scatter = found.transformation.scatter_mag
    expected = np.sqrt(scatter**2 + (1.313 * 0.1) ** 2 + (0.313 * 0.2) ** 2)
    assert found.error[0] == pytest.approx(expected)
    shifted = dict(magnitude, **{"SDSS/g": magnitude["SDSS/g"] + 0.01})
    moved = transform_band("SDSS/B", shifted, error, verified)
    assert moved is not None
    assert moved.magnitude[0] - found.magnitude[0] == pytest.approx(0.01313)


def test_beyond_the_range_nothing_is_given() -> None:
    magnitude, error, verified = one_star("PS1", g=16.0, r=14.0)
    assert transform_band("PS1/V", magnitude, error, verified) is None
    two = {"PS1/g": np.array([16.0, 16.0]), "PS1/r": np.array([14.0, 15.5])}
    errors = {name: np.full(2, 0.01) for name in two}
    doubted = {"PS1/g": np.array([True, True]), "PS1/r": np.array([True, False])}
    found = transform_band("PS1/V", two, errors, doubted)
    assert found is not None
    assert np.isnan(found.magnitude).tolist() == [True, False]
    assert found.verified.tolist() == [True, False]


def test_only_what_the_bands_lead_to() -> None:
    assert transformable("REFCAT2", ("REFCAT2/g", "REFCAT2/r", "REFCAT2/i")) == (
        "REFCAT2/B",
        "REFCAT2/V",
        "REFCAT2/R",
        "REFCAT2/I",
    )
    assert transformable("APASS", ("APASS/g", "APASS/r", "APASS/V")) == (
        "APASS/B",
        "APASS/R",
    )
    assert transformable("2MASS", ("2MASS/J", "2MASS/H")) == ()
    assert transform_band("SDSS/U", *one_star("SDSS", g=16.0, r=15.0)) is None
    assert transform_band("Mine/V", *one_star("Mine", g=16.0, r=15.5)) is None


def test_no_transformation_leaps_at_the_ends_of_its_range() -> None:
    """A polynomial that was mistyped runs away inside its own range."""
    for known in {t for row in TRANSFORMATIONS.values() for t in row}:
        colour = np.linspace(*known.colour_range, 400)
        value = np.polynomial.polynomial.polyval(colour, known.coefficients)
        assert np.abs(np.diff(value)).max() < 0.04, known
        assert np.abs(value).max() < 4.5, known
        assert 0.01 <= known.scatter_mag <= 0.08
        assert known.paper


@pytest.mark.parametrize("field", ["ngc1566", "ngc1097"])
@pytest.mark.parametrize(
    ("band", "known"), [*((band, "BVRgri") for band in "BVRgr"), ("R", "gr")]
)
def test_they_follow_gaia_synthetic_photometry(
    field: str, band: str, known: str
) -> None:
    """The stated scatter covers offset and scatter against Gaia's own bands."""
    folder = os.environ.get("SKY_SAMPLE_DATA")
    if not folder:
        pytest.skip("SKY_SAMPLE_DATA does not name the folder of the real data")
    table = pyarrow.csv.read_csv(Path(folder) / f"catalogs/gaiadr3_gspc_{field}.csv")
    magnitude, verified = {}, {}
    for name in "BVRgri":
        values = table[f"{name}mag"].to_numpy(zero_copy_only=False).astype(float)
        trusted = table[f"{name}Flag"].to_numpy(zero_copy_only=False) == 1
        magnitude[f"GaiaSP/{name}"] = np.where(trusted, values, np.nan)
        verified[f"GaiaSP/{name}"] = trusted
    error = {name: np.zeros(len(table)) for name in magnitude}
    truth = magnitude[f"GaiaSP/{band}"]
    given = {name: magnitude[name] for name in magnitude if name[-1] in known}
    found = transform_band(f"GaiaSP/{band}", given, error, verified)
    assert found is not None
    residual = (found.magnitude - truth)[np.isfinite(found.magnitude - truth)]
    assert len(residual) > 800
    assert np.sqrt(np.mean(residual**2)) < 1.1 * found.transformation.scatter_mag
