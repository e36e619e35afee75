"""What a camera declares of its colour terms' change with air mass is used."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bhtom_cpcs.science.decisions import TargetColour
from bhtom_cpcs.science.learned_camera import LearnedCamera, LearnedColourTerm
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_sky import Frame

CHANGE = 0.03  # of the slope with each air mass
TERM = LearnedColourTerm("GaiaSP/r", "g - r", 0.02, 1e-4, air_mass=2.4)


def test_a_slope_is_brought_to_the_frames_air_mass() -> None:
    other = replace(TERM, passband="GaiaSP/g")
    unknown = replace(TERM, colour="r - i", air_mass=None)
    learned = LearnedCamera(colour_terms=(TERM, other, unknown))
    moved = learned.at_air_mass(1.4, {"GaiaSP/r": CHANGE})
    assert moved.colour_terms[0].slope == pytest.approx(0.02 - CHANGE)
    assert moved.colour_terms[1:] == (other, unknown)
    assert learned.at_air_mass(None, {"GaiaSP/r": CHANGE}) == learned
    assert learned.at_air_mass(2.0, {}) == learned


def test_a_targets_magnitude_changes_as_the_formula_says(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    """By c (X - X_0) times its colour from the pivot; the zero point apart."""
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    known = TargetColour(1, "GaiaSP/g", "GaiaSP/r", 1.4, 0.01, "same night")
    decisions = replace(field.request.decisions, target_colours=(known,))
    learned = LearnedCamera(colour_terms=(TERM,))

    def reduced(*declared: tuple[str, float]) -> PlaneReduction:
        camera = CameraSettings(learned=learned, second_order_extinction=declared)
        request = replace(field.request, camera=camera, decisions=decisions)
        (plane,) = reduce_frame(path, request, field.reference).planes
        assert plane.zero_point is not None, plane.message
        assert plane.zero_point.colour_term is not None
        return plane

    plain, declared = reduced(), reduced(("GaiaSP/r", CHANGE))
    elsewhere = reduced(("GaiaSP/B", CHANGE))
    assert elsewhere.measurements == plain.measurements
    assert declared.timing is not None
    assert declared.timing.air_mass is not None
    change = CHANGE * (declared.timing.air_mass - TERM.air_mass)
    assert abs(change) > 0.01
    before, after = plain.zero_point.colour_term, declared.zero_point.colour_term
    assert after.applied - before.applied == pytest.approx(change, rel=0.01)
    assert after.outside_atmosphere == pytest.approx(
        after.value - CHANGE * declared.timing.air_mass
    )
    shift = declared.measurements[0].magnitude - plain.measurements[0].magnitude
    zero_point = declared.zero_point.value - plain.zero_point.value
    assert shift - zero_point == pytest.approx(change * (1.4 - after.pivot), rel=0.02)
