"""Small versions of what `tests/bench/targets.py` and `limits.py` measure in full."""

from pathlib import Path

import numpy as np

from tests.bench import limits, targets


def test_a_constant_star_does_not_follow_the_seeing(tmp_path: Path) -> None:
    curve = targets.constant_star(tmp_path, 2, n_frames=12)
    slope, error = curve.slope()
    assert abs(slope) < 3 * error
    assert 0.3 < curve.chi2() < 2.2
    assert abs(curve.offset()) < 0.02


def test_a_neighbour_that_nobody_listed_is_in_the_error(tmp_path: Path) -> None:
    listed = targets.constant_star(tmp_path, 3, n_frames=4, fainter_mag=1.0)
    (tmp_path / "again").mkdir()
    unlisted = targets.constant_star(
        tmp_path / "again", 3, n_frames=4, fainter_mag=1.0, known=False
    )
    assert unlisted.offset() < listed.offset() - 0.01
    assert np.max(unlisted.error) > 2 * np.max(listed.error)


def test_half_of_the_stars_at_the_limit_come_out_above_it(tmp_path: Path) -> None:
    found = limits.limits_in(tmp_path, 1, crowded=False, n_places=100, side_px=512)
    assert len(found.at_3) > 60
    assert abs(limits.depth_error(found.at_3, 3)) < 0.12
    assert abs(limits.depth_error(found.at_5, 5)) < 0.08
    assert 0.8 < np.std(found.empty) < 1.3


def test_a_star_that_sharp_frames_showed_is_fitted_in_all(tmp_path: Path) -> None:
    first = targets.constant_star(tmp_path, 1, n_frames=8, fainter_mag=1.0, known=False)
    scene = first.learnt_scene()
    assert scene.version == 2
    second = targets.constant_star(
        tmp_path, 1, n_frames=8, fainter_mag=1.0, known=False, scene=scene
    )
    assert second.scene == scene
    slope, error = second.slope()
    assert first.slope()[0] < -0.04
    assert abs(slope) < 3 * error
    assert abs(second.offset()) < 0.015 < abs(first.offset())
    assert np.max(second.error) < 0.5 * np.max(first.error)
