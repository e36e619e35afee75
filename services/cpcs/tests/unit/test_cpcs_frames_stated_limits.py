"""Limits of saturation that are stated, on frames of every unit."""

from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.planes import Plane, make_plane
from bhtom_cpcs.science.frames.stated_limits import SeenScale, header_limit, row_limit
from bhtom_cpcs.science.request import CameraSettings

ROW = CameraSettings(gain_e_per_adu=1.5, saturation_adu=1000.0)
AS_STATED = SeenScale(1.5, 1.5, True)


def plane(top: float, **cards: Any) -> Plane:
    pixels = np.random.default_rng(2).normal(0.15, 0.01, (64, 64)) * top
    pixels[:3, :3] = top
    header = fits.Header(list(cards.items()))
    return make_plane("image", header, pixels.astype(np.float32), ())


@pytest.mark.parametrize(
    ("top", "cards", "seen", "limit"),
    [
        (900.0, {}, AS_STATED, 1000.0),
        (900.0, {"BUNIT": "electron"}, AS_STATED, 1500.0),
        (15.0, {"BUNIT": "adu/s", "EXPTIME": 60.0}, AS_STATED, 1000 / 60),
        (15.0, {"BUNIT": "e-/s", "EXPTIME": 60.0}, AS_STATED, 1500 / 60),
        (15.0, {"BUNIT": "adu/s"}, AS_STATED, None),
        (15.0, {"EXPTIME": 60.0}, SeenScale(1.5, 85.0, False), 1000 / 60),
        (900.0, {"EXPTIME": 60.0}, SeenScale(1.5, 85.0, False), None),
        (6.0, {"EXPTIME": 5.0}, SeenScale(1.5, 240.0, False), None),
        (900.0, {}, SeenScale(1.5, 7.0, False), 1000.0),
        (4000.0, {"NCOMBINE": 5}, AS_STATED, 5000.0),
        (1050.0, {"NCOMBINE": 5}, SeenScale(1.5, 7.5, False), 1000.0),
    ],
)
def test_the_row_is_brought_to_the_frames_unit(
    top: float, cards: dict[str, Any], seen: SeenScale, limit: float | None
) -> None:
    found = row_limit(plane(top, **cards), ROW, seen)
    assert found == (None if limit is None else pytest.approx(limit))


def test_electrons_without_a_gain_have_no_limit() -> None:
    row = CameraSettings(saturation_adu=1000.0)
    assert row_limit(plane(900.0, BUNIT="electron"), row, AS_STATED) is None


@pytest.mark.parametrize("junk", [0.95, 1.0, 16.0, 100.0])
@pytest.mark.parametrize("card", ["SATURATE", "NONLIN"])
def test_a_limit_within_the_sky_is_none(card: str, junk: float) -> None:
    assert header_limit(plane(900.0, **{card: junk})) is None
    assert header_limit(plane(900.0, MAXLIN=800.0, **{card: junk})) == 800.0
