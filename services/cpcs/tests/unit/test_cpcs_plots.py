"""The picture that goes with an outcome can be read."""

import numpy as np
import pytest

from bhtom_cpcs.science.explain.diagnostics import whole_frame
from bhtom_cpcs.science.explain.plot import figure_of

SENTENCE = (
    "The target lies 45.4 deg from its centre and outside the frame, whose centre is "
    "200.0000 -24.0000 deg; check the target's position and the frame's coordinates."
)


@pytest.mark.parametrize("verdict", ["Fine.", SENTENCE, f"{SENTENCE} Then try again."])
def test_a_verdict_covers_neither_title_nor_picture(verdict: str) -> None:
    pixels = np.random.default_rng(1).normal(size=(40, 40)).astype(np.float32)
    figure = figure_of(whole_frame(pixels, "PRIMARY: target_outside_frame", verdict))
    figure.canvas.draw()
    title, told = (text.get_window_extent() for text in figure.texts)
    assert told.y1 < title.y0
    assert told.y0 > figure.axes[0].get_window_extent().y1
