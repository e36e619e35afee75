"""Every outcome has a sentence, and results turn into plain JSON."""

import math
from dataclasses import dataclass
from string import Formatter

import numpy as np
import pytest

from bhtom_cpcs.science.json_form import json_form
from bhtom_cpcs.science.outcomes import SENTENCES, Outcome, sentence


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_sentence(outcome: Outcome) -> None:
    fields = [name for _, name, _, _ in Formatter().parse(SENTENCES[outcome]) if name]
    text = sentence(outcome, **dict.fromkeys(fields, 1.0))
    assert len(text) > 20
    assert text.endswith(".")


@dataclass(frozen=True)
class Thing:
    value: float
    items: tuple[int, ...]
    outcome: Outcome


def test_json_form() -> None:
    thing = Thing(math.nan, (1, 2), Outcome.LIMIT)
    assert json_form(thing) == {"value": None, "items": [1, 2], "outcome": "limit"}
    assert json_form(np.array([1.5, np.inf])) == [1.5, None]
    assert json_form({"a": np.float32(0.5), "b": np.bool_(True)}) == {
        "a": 0.5,
        "b": True,
    }
    with pytest.raises(TypeError):
        json_form(object())
