"""What becomes of targets in all sorts of places."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bhtom_cpcs.science.frames.sun_and_air import (
    air_mass,
    altitude_deg,
    unit_vector,
)
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import CameraSettings, TargetPosition
from bhtom_cpcs.science.results.target import TargetMeasurement
from bhtom_sky import Camera, Frame, frame_wcs


def at(field, frame: Frame, tmp_path: Path, *places: tuple[float, float], **camera):
    path = tmp_path / frame.name
    path.write_bytes(frame.fits_bytes)
    targets = tuple(
        TargetPosition(number, ra, dec) for number, (ra, dec) in enumerate(places)
    )
    request = replace(field.request, targets=targets, camera=CameraSettings(**camera))
    (plane,) = reduce_frame(path, request, field.reference).planes
    return plane


def sky_at(field, x: float, y: float) -> tuple[float, float]:
    world = frame_wcs(Camera(), field.sky.centre).wcs_pix2world([[x, y]], 0)[0]
    return float(world[0]), float(world[1])


def test_every_target_has_its_own_outcome(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    ra, dec = field.sky.centre
    places = [(ra, dec), (ra + 1.0, dec), sky_at(field, -0.3, 128.0)]
    plane = at(field, frame_of(), tmp_path, *places)
    assert [m.outcome for m in plane.measurements] == [
        Outcome.CALIBRATED,
        Outcome.TARGET_OUTSIDE_FRAME,
        Outcome.TARGET_MASKED,
    ]
    assert plane.outcome is Outcome.CALIBRATED
    assert plane.message == plane.measurements[0].message


def test_empty_sky_is_a_limit(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    frame = frame_of()
    stars = np.stack([frame.truth["x_px"], frame.truth["y_px"]], axis=1)
    grid = np.stack(np.meshgrid(np.arange(30, 226, 5.0), np.arange(30, 226, 5.0)), -1)
    spots = grid.reshape(-1, 2)
    distance = np.hypot(*(spots[:, None] - stars[None]).transpose(2, 0, 1)).min(axis=1)
    # the emptiest first, then places so far apart that apertures do not overlap
    empty = spots[distance > 12][::3][:40]
    plane = at(field, frame, tmp_path, *(sky_at(field, x, y) for x, y in empty))
    measured: list[TargetMeasurement] = list(plane.measurements)
    limits = [m for m in measured if m.outcome is Outcome.LIMIT]
    assert len(limits) >= len(measured) - 1
    for m in limits:
        assert m.is_limit
        assert m.magnitude is None
        assert m.flux_adu is not None
        # 2.5 log10(5 / 3), and the fainter star's fewer own photons
        assert 0.5547 < m.limit_3sigma - m.limit_5sigma < 0.6
        assert "3 (5) times" in str(m.limit_definition)
    pulls = [m.flux_adu / m.flux_error_adu for m in measured]
    assert 0.7 < np.std(pulls) < 1.35
    assert abs(np.mean(pulls)) < 0.6


def test_saturated_target(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    plane = at(field, frame_of(), tmp_path, field.sky.centre, saturation_adu=900.0)
    assert plane.outcome is Outcome.TARGET_SATURATED
    (measured,) = plane.measurements
    assert measured.magnitude is None
    assert measured.limit_3sigma is None
    assert "900 ADU" in plane.message


def test_masked_target(field, frame_of: Callable[..., Frame], tmp_path: Path) -> None:
    from astropy.io import fits

    frame = frame_of()
    path = tmp_path / "masked.fits"
    path.write_bytes(frame.fits_bytes)
    with fits.open(path) as hdus:
        image, header = hdus[0].data.astype(np.float32), hdus[0].header
        image[128, 128] = np.nan
        del header["BZERO"]
        fits.PrimaryHDU(image, header).writeto(tmp_path / "nan.fits")
    found = reduce_frame(tmp_path / "nan.fits", field.request, field.reference)
    assert found.planes[0].outcome is Outcome.TARGET_MASKED


def test_all_targets_outside(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    ra, dec = field.sky.centre
    plane = at(field, frame_of(), tmp_path, (ra, dec + 0.5))
    assert plane.outcome is Outcome.TARGET_OUTSIDE_FRAME
    assert "30.0 arcmin" in plane.message
    assert plane.explanation is not None


def test_a_target_degrees_away_is_told_once_the_stars_confirm_the_header(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    ra, dec = field.sky.centre
    plane = at(field, frame_of(), tmp_path, (ra, dec + 3.0))
    assert plane.outcome is Outcome.TARGET_OUTSIDE_FRAME
    assert "3.0 deg" in plane.message
    assert plane.wcs is not None
    assert plane.wcs.method == "header"


def test_error_budget_adds_up(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    plane = at(field, frame_of(), tmp_path, field.sky.centre)
    (measured,) = plane.measurements
    budget = measured.error_budget_mag
    assert set(budget) >= {"photon", "sky", "read", "zero_point", "floor"}
    total = np.sqrt(sum(term**2 for term in budget.values()))
    assert measured.magnitude_error == pytest.approx(total)
    flux_terms = np.sqrt(sum(t**2 for t in measured.error_budget_adu.values()))
    assert measured.flux_error_adu == pytest.approx(flux_terms)


def test_each_target_has_the_air_mass_of_its_own_place(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    """Scintillation goes with the 1.5th power of it, and tells which one was used."""
    frame = frame_of()
    x, y = (np.asarray(frame.truth[axis]) for axis in ("x_px", "y_px"))
    inside = (np.minimum(x, y) > 20) & (np.maximum(x, y) < 236)
    ends = [np.argmin(np.where(inside, axis, np.inf)) for axis in (x + y, -x - y)]
    places = [sky_at(field, x[end], y[end]) for end in ends]
    plane = at(field, frame, tmp_path, *places, aperture_m=0.2)
    mjd, site = plane.timing.mid_exposure_mjd_utc, field.request.site
    first, second = (
        air_mass(altitude_deg(mjd, unit_vector(*place), site)) for place in places
    )
    assert plane.timing.air_mass == first
    assert abs(second / first - 1) > 1e-4
    terms = [m.error_budget_mag["scintillation"] for m in plane.measurements]
    expected = (second / first) ** 1.5
    assert terms[1] / terms[0] == pytest.approx(expected, rel=1e-9)
