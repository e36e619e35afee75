"""Header coordinates: projections, swapped axes, nonsense."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

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
