"""Polynomial corrections, the cleaning of pairs, and cards that describe both."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from bhtom_cpcs.science.astrometry.coordinates import read_astrometry
from bhtom_cpcs.science.astrometry.cross_match import cross_match
from bhtom_cpcs.science.astrometry.frame_wcs import header_cards
from bhtom_cpcs.science.astrometry.pair_cleaning import clean_scatter
from bhtom_cpcs.science.astrometry.plane_correction import (
    NO_CORRECTION,
    best_correction,
    fit_correction,
    shifted,
)
from bhtom_sky import Camera, frame_wcs


def bent(plane: np.ndarray, strength: float) -> np.ndarray:
    """Radial distortion of a lens: third order."""
    away = np.hypot(*plane.T) / 1000
    return plane * (1 + strength * away[:, None] ** 2)


def places(n: int, seed: int = 1, half: float = 1000.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-half, half, (n, 2))


def test_straight_pairs_stay_linear() -> None:
    header = places(400)
    noise = np.random.default_rng(2).normal(0, 0.3, header.shape)
    found = best_correction(header, header * 1.001 + [3, -2] + noise, NO_CORRECTION)
    assert found.order == 1
    assert found.shift == pytest.approx([3, -2], abs=0.1)


@pytest.mark.parametrize("n_pairs", [100, 400, 3000])
def test_bent_pairs_get_a_higher_order(n_pairs: int) -> None:
    header = places(n_pairs)
    true = bent(header, 0.004)
    noise = np.random.default_rng(3).normal(0, 0.3, header.shape)
    found = best_correction(header, true + noise, NO_CORRECTION)
    assert found.order == 3
    fresh = places(200, seed=9, half=900)
    assert np.abs(found.apply(fresh) - bent(fresh, 0.004)).max() < 0.5


def test_few_or_crowded_pairs_stay_linear() -> None:
    """The control: what pairs cannot carry is not fitted to them."""
    few = places(30)
    assert best_correction(few, bent(few, 0.004), NO_CORRECTION).order == 1
    corner = places(300, half=100)
    corner[:5] = places(5, seed=4)
    assert best_correction(corner, bent(corner, 0.004), NO_CORRECTION).order == 1


@given(st.integers(1, 4), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_undo_undoes(order: int, seed: int) -> None:
    header = places(200, seed)
    turned = header @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    true = bent(turned, 0.003) + np.array([20, 5])
    found, _ = fit_correction(header, true, order, NO_CORRECTION)
    assert np.allclose(found.undo(found.apply(header)), header, atol=1e-3)


def test_wrong_pairs_do_not_widen_the_scatter() -> None:
    rng = np.random.default_rng(5)
    references = places(3000, seed=6)
    placed = references[:1500] + rng.normal(0, [0.3, 0.5], (1500, 2))
    placed = np.concatenate([placed, places(1500, seed=7)])
    east, north = clean_scatter(placed, references, 1.0, 6.0)
    assert east == pytest.approx(0.3, rel=0.1)
    assert north == pytest.approx(0.5, rel=0.1)


def test_few_pairs_keep_the_guess() -> None:
    assert clean_scatter(places(5), places(5), 0.7, 3.0) == (0.7, 0.7)


@pytest.mark.parametrize("strength", [0.0, 0.006])
def test_lens_is_followed_to_the_edge(strength: float) -> None:
    """A bent frame is matched to its corners, not in its middle alone."""
    rng = np.random.default_rng(8)
    references = places(500)
    seen = references[:400] + rng.normal(0, 0.2, (400, 2))
    sources = bent(seen, strength) - [2.0, 1.0]
    found = cross_match(sources, references, 1.0)
    assert found is not None
    right = found.source == found.reference
    assert right.sum() > 380
    assert found.correction.order == (3 if strength else 1)


@pytest.mark.parametrize("strength", [0.0, 0.01])
def test_cards_say_what_the_correction_says(strength: float) -> None:
    camera = Camera(width_px=900, height_px=600, rotation_deg=77.0)
    header = frame_wcs(camera, (10.0, 70.0)).to_header()
    plain = read_astrometry(header, (600, 900))
    plane = places(300, half=400)
    fitted, _ = fit_correction(plane, bent(plane, strength), 3, shifted(0, 0))
    astrometry = replace(plain, correction=fitted)
    cards = fits.Header()
    cards.update(header_cards(astrometry, (600, 900)))
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, 899, 50), rng.uniform(0, 599, 50)
    sky = astrometry.sky(x, y)
    again = WCS(cards).all_world2pix(*sky, 0)
    assert np.abs(np.subtract(again, (x, y))).max() < 0.03
    assert cards["CTYPE1"].endswith("SIP") == bool(strength)
