"""A small version of the injected truth that `tests/bench` measures in full."""

import numpy as np
import pytest

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.hidden_stars import hidden_stars, still_stars
from tests.bench import found_stars
from tests.bench import injected_scenes as scenes
from tests.bench import injected_truth as injected

KINDS = {"sparse": (1.25, 3.0), "crowded": (1.4, 10.0)}


@pytest.mark.parametrize("kind", KINDS)
def test_fluxes_reach_the_bound_and_say_their_errors(kind: str) -> None:
    scatter, bias = KINDS[kind]
    parts = []
    for number, (beta, fwhm) in enumerate(((3.0, 2.2), (0.0, 3.0), (3.0, 4.0))):
        scene = scenes.scene(kind, beta, fwhm, 50 + number, 250)
        x, y, methods = injected.reduced(scene)
        index, truth = injected.matched(scene, x, y)
        flux, error = methods["PSF"]
        bound = scenes.cramer_rao(scene, truth)
        parts.append(injected.residuals(scene, truth, flux[index], error[index], bound))
    found = injected.joined(parts)
    assert np.sum(found.signal_to_noise > injected.SCATTER_SN) > 200
    assert found.scatter() < scatter
    assert 0.85 < found.pull() < 1.3
    assert abs(found.bias_mmag()) < bias


def test_hidden_stars_are_found_in_a_crowd() -> None:
    """A neighbour at 1 FWHM that makes no peak of its own."""
    scene = scenes.scene("crowded", 3.0, 3.0, 9, 300)
    x, y = np.array([60.0, 63.0, 120.0]), np.array([60.0, 60.0, 30.0])
    flux = np.array([40000.0, 9000.0, 40000.0])
    side = len(scene.pixels)
    light = scenes.rendered(x, y, flux, 3.0, 3.0, side)
    pixels = scene.pixels + light.astype(np.float32)
    crowd = scenes.Scene(
        pixels,
        np.append(x, scene.x),
        np.append(y, scene.y),
        np.append(flux, scene.flux),
        3.0,
        3.0,
    )
    found_x, found_y, _ = injected.reduced(crowd)
    assert np.min(np.hypot(found_x - 63.0, found_y - 60.0)) < 0.8


def test_more_faint_stars_are_found_than_by_sep_with_as_few_false_ones() -> None:
    own, peer = np.zeros(2), np.zeros((len(found_stars.PEER_SIGMA), 2))
    for number, beta in enumerate((scenes.MOFFAT, scenes.GAUSSIAN)):
        scene = scenes.scene("crowded", beta, 3.0, 60 + number, 250)
        x, y, _ = found_stars.reduced(scene)
        own += found_stars.found_and_false(scene, x, y)
        peer += found_stars.peer_curves(scene)[0]
    assert own[1] < 10
    assert own[0] > 1.1 * found_stars.at_false_rate(peer, 10)


def test_a_peer_s_completeness_is_interpolated_at_a_false_rate() -> None:
    curve = np.array([[100.0, 40.0], [90.0, 30.0], [80.0, 20.0], [20.0, 8.0]])
    assert found_stars.at_false_rate(curve, 25) == 85.0
    assert found_stars.at_false_rate(curve, 14) == 50.0
    assert np.isnan(found_stars.at_false_rate(curve, 7))
    assert found_stars.false_at(curve, 85) == 30.0


def test_a_hot_pixel_and_a_wing_are_no_hidden_stars() -> None:
    rng = np.random.default_rng(5)
    left = rng.normal(0, 10, (80, 90)).astype(np.float32)
    row, column = np.indices(left.shape)
    star = np.exp(-((column - 60.3) ** 2 + (row - 40.6) ** 2) / (2 * 1.5**2))
    left += (80 * star + 0.8 * np.maximum(40 - column, 0)).astype(np.float32)
    left[20, 45] += 500
    noise = PixelNoise(10.0, 1.5, 5.0, 1.0, False)
    found = hidden_stars(left, left, None, noise, 3.5)
    assert len(found) == 1
    assert np.hypot(found.x[0] - 60.3, found.y[0] - 40.6) < 0.5
    masked = (np.hypot(row - 40.6, column - 60.3) < 3).astype(bool)
    assert not len(hidden_stars(left, left, masked, noise, 3.5))


def test_the_fainter_of_two_in_one_place_is_no_star() -> None:
    x = np.array([10.0, 11.0, 12.0, 40.0, 40.5, 70.0])
    flux = np.array([500.0, 900.0, 400.0, 20.0, np.nan, 39.0])
    real = still_stars(x, np.zeros(6), flux, np.full(6, 10.0), 3.0)
    assert real.tolist() == [False, True, False, False, True, False]
