"""Header coordinates: projections, swapped axes, nonsense."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev, legendre

from bhtom_cpcs.science.astrometry.coordinates import (
    deproject,
    project,
    read_astrometry,
    separation_deg,
)
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop
from bhtom_sky import Camera, frame_wcs

SHAPE = (200, 300)


def tan_header(ra: float, dec: float, rotation: float = 20.0) -> fits.Header:
    camera = Camera(width_px=300, height_px=200, rotation_deg=rotation)
    return frame_wcs(camera, (ra, dec)).to_header()


@pytest.mark.parametrize("centre", [(150.0, 20.0), (0.001, 0.0), (30.0, 89.99)])
def test_figures_and_round_trip(centre: tuple[float, float]) -> None:
    found = read_astrometry(tan_header(*centre), SHAPE)
    assert found.pixel_scale_arcsec == pytest.approx(0.8, rel=1e-4)
    assert (
        float(
            separation_deg(
                np.array([found.centre[0]]), np.array([found.centre[1]]), *centre
            )[0]
        )
        < 1e-6
    )
    assert not found.mirrored
    x, y = np.array([0.0, 12.3, 299.0]), np.array([5.0, 100.7, 199.0])
    again = found.pixel(*found.sky(x, y))
    assert np.allclose(again, (x, y), atol=1e-6)


def test_swapped_axes() -> None:
    plain = tan_header(150.0, 20.0)
    swapped = plain.copy()
    swapped["CTYPE1"], swapped["CTYPE2"] = "DEC--TAN", "RA---TAN"
    swapped["CRVAL1"], swapped["CRVAL2"] = 20.0, 150.0
    for axis in (1, 2):
        swapped[f"PC1_{axis}"] = plain[f"PC2_{axis}"]
        swapped[f"PC2_{axis}"] = plain[f"PC1_{axis}"]
    x, y = np.array([10.0, 250.0]), np.array([20.0, 180.0])
    expected = read_astrometry(plain, SHAPE).sky(x, y)
    found = read_astrometry(swapped, SHAPE)
    assert np.allclose(found.sky(x, y), expected)
    assert np.allclose(found.pixel(*expected), (x, y))


def test_sip_without_its_suffix_is_used() -> None:
    header = tan_header(150.0, 20.0)
    header["A_ORDER"], header["B_ORDER"] = 2, 2
    header["A_2_0"], header["B_0_2"] = 1e-4, -2e-4
    x, y = np.array([0.0, 299.0]), np.array([0.0, 199.0])
    bent = read_astrometry(header, SHAPE).sky(x, y)
    named = header.copy()
    named["CTYPE1"], named["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    assert np.allclose(bent, WCS(named).all_pix2world(x, y, 0), atol=1e-9)
    straight = read_astrometry(tan_header(150.0, 20.0), SHAPE).sky(x, y)
    assert np.max(np.abs(np.subtract(bent, straight))) * 3600 > 0.5


def test_old_equinox_is_brought_to_icrs() -> None:
    header = tan_header(150.0, 20.0)
    header["RADESYS"], header["EQUINOX"] = "FK4", 1950.0
    found = read_astrometry(header, SHAPE)
    assert 0.5 < abs(found.centre[0] - 150.0) < 1.0
    x, y = np.array([100.0]), np.array([50.0])
    assert np.allclose(found.pixel(*found.sky(x, y)), (x, y), atol=1e-4)


@pytest.mark.parametrize(
    "cards",
    [
        {"CTYPE1": None},
        {"CTYPE1": "LINEAR", "CTYPE2": "LINEAR"},
        {"CTYPE1": "RA---TAN", "CTYPE2": "RA---TAN"},
        {"PC1_1": 0.0, "PC1_2": 0.0, "PC2_1": 0.0, "PC2_2": 0.0},
        {"CDELT1": 5000.0, "CDELT2": 5000.0},
        {"CRVAL2": 1e99},
        {"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"},
    ],
)
def test_no_wcs(cards: dict[str, object]) -> None:
    header = tan_header(150.0, 20.0)
    for card, value in cards.items():
        if value is None:
            del header[card]
        else:
            header[card] = value
    with pytest.raises(Stop) as stop:
        read_astrometry(header, SHAPE)
    assert stop.value.outcome is Outcome.NO_WCS


@given(
    st.floats(0, 359.99),
    st.floats(-90, 90),
    st.floats(-3, 3),
    st.floats(-3, 3),
)
@settings(max_examples=100, deadline=None)
def test_tangent_plane_round_trip(
    ra: float, dec: float, east: float, north: float
) -> None:
    plane = np.array([[east * 3600, north * 3600]])
    sky = deproject(plane, (ra, dec))
    assert np.allclose(project(*sky, (ra, dec)), plane, atol=1e-5)


def irafs_surface(kind: int, values: list[float], at: np.ndarray) -> np.ndarray:
    """A surface of orders 3 and 3 with half cross terms, as IRAF defines it.

    (xi, eta) in degrees, scaled to the range of validity for Chebyshev polynomials.
    """
    low, high = -0.2, 0.2
    unit = (2 * at - (high + low)) / (high - low)
    powers = [(i, j) for j in range(3) for i in range(3 - j)]
    total = np.zeros(len(at))
    for (i, j), value in zip(powers, values, strict=True):
        if kind == 3:
            total += value * at[:, 0] ** i * at[:, 1] ** j
        else:
            series = {1: chebyshev.chebval, 2: legendre.legval}[kind]
            along = series(unit[:, 0], [0] * i + [1])
            across = series(unit[:, 1], [0] * j + [1])
            total += value * along * across
    return total


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_tnx_is_read_as_iraf_defines_it(kind: int) -> None:
    """The registry of FITS conventions: standard coordinates plus surfaces of them."""
    rng = np.random.default_rng(kind)
    surfaces = rng.normal(0, 2e-4, (2, 6))
    header = fits.Header()
    matrix = np.array([[-2e-4, 1e-5], [1.2e-5, 2e-4]])
    header["CTYPE1"], header["CTYPE2"] = "RA---TNX", "DEC--TNX"
    header["CRVAL1"], header["CRVAL2"] = 266.7, -30.1
    header["CRPIX1"], header["CRPIX2"] = 120.0, 90.0
    for i in (0, 1):
        for j in (0, 1):
            header[f"CD{i + 1}_{j + 1}"] = matrix[i, j]
    header["WAT0_001"] = "system=image"
    for axis, (name, word) in enumerate((("ra", "lngcor"), ("dec", "latcor")), 1):
        numbers = [f"{kind}.", "3.", "3.", "2.", "-0.2", "0.2", "-0.2", "0.2"]
        numbers += [f"{value:.12g}" for value in surfaces[axis - 1]]
        joined = " ".join(numbers)
        text = f'wtype=tnx axtype={name} {word} = "{joined} "'
        for number, start in enumerate(range(0, len(text), 68), 1):
            header[f"WAT{axis}_{number:03d}"] = text[start : start + 68]
    x, y = rng.uniform(0, 299, 30), rng.uniform(0, 199, 30)
    standard = np.column_stack([x - 119.0, y - 89.0]) @ matrix.T
    corrected = standard + np.column_stack(
        [irafs_surface(kind, list(values), standard) for values in surfaces]
    )
    expected = deproject(corrected * 3600, (266.7, -30.1))
    found = read_astrometry(header, SHAPE)
    assert np.allclose(found.sky(x, y), expected, rtol=0, atol=1e-8)
    assert np.allclose(found.pixel(*expected), (x, y), atol=1e-3)
    plain = deproject(standard * 3600, (266.7, -30.1))
    assert np.max(np.abs(np.subtract(plain, expected))) * 3600 > 0.3


@pytest.mark.parametrize("code", ["TPV", "ZPN", "TAN", "SIN", "ARC", "STG", "ZEA"])
def test_projections_go_there_and_back(code: str) -> None:
    header = tan_header(150.0, 20.0)
    header["CTYPE1"], header["CTYPE2"] = f"RA---{code}", f"DEC--{code}"
    if code == "TPV":
        header["PV1_1"], header["PV1_4"], header["PV2_1"] = 1.0, 0.01, 1.0
    if code == "ZPN":
        header["PV2_1"], header["PV2_3"] = 1.0, 40.0
    found = read_astrometry(header, SHAPE)
    x, y = np.array([0.0, 140.0, 299.0]), np.array([0.0, 120.0, 199.0])
    assert np.allclose(found.pixel(*found.sky(x, y)), (x, y), atol=1e-3)
    assert found.pixel_scale_arcsec == pytest.approx(0.8, rel=1e-2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'lngcor = "1. 4. 4. 2. 0 1"',
        'lngcor = "9. 3. 3. 2. 0 1 0 1 1 1 1 1 1 1"',
        'lngcor = "1. x 3. 2. 0 1 0 1 1 1 1 1 1 1"',
        'lngcor = "nan inf"',
    ],
)
def test_damaged_tnx_is_no_wcs_or_plain(text: str) -> None:
    header = tan_header(150.0, 20.0)
    header["CTYPE1"], header["CTYPE2"] = "RA---TNX", "DEC--TNX"
    header["WAT1_001"] = f"wtype=tnx axtype=ra {text}"
    if not text:
        assert read_astrometry(header, SHAPE).pixel_scale_arcsec > 0
        return
    with pytest.raises(Stop) as stop:
        read_astrometry(header, SHAPE)
    assert stop.value.outcome is Outcome.NO_WCS


def test_a_count_of_table_columns_does_not_hold_the_reader() -> None:
    """A card of a table in an image's header, whose number would be counted to."""
    header = tan_header(150.0, 20.0)
    header["TFIELDS"] = 10**9
    assert read_astrometry(header, SHAPE).centre == pytest.approx((150.0, 20.0))
