"""A target that nothing tells from its neighbours' light has a bound, not a limit."""

from pathlib import Path

import numpy as np
import pytest

from bhtom_cpcs.science.decisions import Decisions
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.targets.limiting_flux import (
    BOUND_DEFINITION,
    LIMIT_DEFINITION,
    bounding_flux,
)
from bhtom_sky import Camera
from tests.bench.target_frames import (
    CENTRE,
    SCALE_ARCSEC,
    imported,
    reduced_frame,
    star_field,
    with_stars_at,
)

FWHM_PX, TARGET_MAG, APART_ARCSEC = 3.0, 19.0, 45.0


def places(separation_fwhm: float) -> tuple[list[tuple[float, float]], np.ndarray]:
    """Nine targets, and each with a star beside it."""
    stretch, away = np.cos(np.radians(CENTRE[1])), separation_fwhm * FWHM_PX
    targets, stars = [], []
    for number in range(9):
        ra = CENTRE[0] + (number % 3 - 1) * APART_ARCSEC / 3600 / stretch
        dec = CENTRE[1] + (number // 3 - 1) * APART_ARCSEC / 3600
        angle, degrees = number * 0.7, away * SCALE_ARCSEC / 3600
        east, north = degrees * np.cos(angle) / stretch, degrees * np.sin(angle)
        targets.append((ra, dec))
        stars += [(ra, dec), (ra + east, dec + north)]
    return targets, np.array(stars)


@pytest.mark.parametrize(("brighter_mag", "apart"), [(1.5, 1.0), (2.5, 1.2)])
def test_no_limit_is_fainter_than_the_star_beside_an_unlisted_one(
    tmp_path: Path, brighter_mag: float, apart: float
) -> None:
    field = star_field(1, 16.0)
    targets, stars = places(apart)
    magnitudes = np.array([TARGET_MAG, TARGET_MAG - brighter_mag] * len(targets))
    sky = with_stars_at(field, stars, magnitudes)
    camera = Camera(
        width_px=300,
        height_px=300,
        pixel_scale_arcsec=SCALE_ARCSEC,
        fwhm_arcsec=FWHM_PX * SCALE_ARCSEC,
    )
    reference = imported(field, tmp_path)
    plane = reduced_frame(
        tmp_path, sky, camera, CENTRE, 1, reference, targets, Decisions()
    )
    bounds = [one for one in plane.measurements if one.outcome is Outcome.LIMIT]
    assert len(bounds) > 3
    for one in bounds:
        assert one.limit_3sigma is not None
        assert one.limit_5sigma is not None
        assert one.limit_5sigma < one.limit_3sigma < TARGET_MAG
        assert one.limit_definition == BOUND_DEFINITION
        assert "cannot be told from light beside it" in one.message
    # the control: the limit of the same frame where no light is
    empty = [(CENTRE[0], CENTRE[1] + 22.0 / 3600)]
    plane = reduced_frame(
        tmp_path, sky, camera, CENTRE, 1, reference, empty, Decisions()
    )
    (one,) = plane.measurements
    assert one.limit_definition == LIMIT_DEFINITION
    assert (one.limit_3sigma or 0.0) > TARGET_MAG + 0.5


def test_light_that_is_not_seen_bounds_nothing() -> None:
    assert bounding_flux(3.0, 29.0, 10.0, 500.0) == 0
    assert bounding_flux(3.0, 100.0, 10.0, 0.0) == pytest.approx(130.0)
    assert bounding_flux(5.0, 100.0, 3.0, 4.0) == pytest.approx(125.0)
