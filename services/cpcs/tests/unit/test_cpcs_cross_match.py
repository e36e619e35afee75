"""Matching finds a common shift, and no match where there is none."""

import numpy as np
import pytest

from bhtom_cpcs.science.astrometry.cross_match import cross_match


def stars(rng: np.random.Generator, n: int, half: float = 300.0) -> np.ndarray:
    return rng.uniform(-half, half, (n, 2))


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.6, -1.5), (-22.0, 14.0)])
@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_shift_and_rotation_are_found(shift: tuple[float, float], noise: float) -> None:
    rng = np.random.default_rng(1)
    references = stars(rng, 200)
    angle = np.radians(0.05)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = (references[:120] - shift) @ turn.T + rng.normal(0, noise, (120, 2))
    sources = np.concatenate([seen, stars(rng, 40)])
    found = cross_match(sources, references, 1.0)
    assert found is not None
    right = found.source[found.source < 120] == found.reference[found.source < 120]
    assert right.mean() > 0.98
    assert len(right) > 100
    assert found.rms_arcsec == pytest.approx(noise, rel=0.5)
    assert np.allclose(found.offset_arcsec, shift, atol=0.3)


def test_strangers_do_not_match() -> None:
    rng = np.random.default_rng(2)
    assert cross_match(stars(rng, 150), stars(rng, 200), 1.0) is None


def test_none_of_either() -> None:
    nobody, some = np.zeros((0, 2)), stars(np.random.default_rng(3), 30)
    assert cross_match(nobody, some, 1.0) is None
    assert cross_match(some, nobody, 1.0) is None


def test_rivals_are_dropped() -> None:
    rng = np.random.default_rng(4)
    references = stars(rng, 100)
    rival = references[:1] + np.array([0.4, 0.0])
    found = cross_match(references[:60], np.concatenate([references, rival]), 1.0)
    assert found is not None
    assert 0 not in found.source
    assert len(found.source) == 59


def test_rival_sources_are_dropped() -> None:
    rng = np.random.default_rng(4)
    references = stars(rng, 100)
    rivals = references[:3] + np.array([[0.4, 0.0], [0.0, 0.9], [-0.1, 0.0]])
    found = cross_match(np.concatenate([references[:60], rivals]), references, 1.0)
    assert found is not None
    assert not {0, 1, 2} & set(found.reference)
    assert len(found.source) == 57


def test_each_star_is_used_once() -> None:
    rng = np.random.default_rng(5)
    references = stars(rng, 80)
    doubled = np.concatenate([references, references[:10] + 0.2])
    found = cross_match(doubled, references, 1.0)
    assert found is not None
    assert len(set(found.reference)) == len(found.reference)
    assert len(set(found.source)) == len(found.source)
