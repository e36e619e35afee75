"""A small version of the injected truth that `tests/bench` measures in full."""

import numpy as np
import pytest

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
