"""What came of a plane, in the words that its observer reads."""

from typing import Final

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stages.plane_state import PlaneState

_RESHAPED: Final = {
    FlagWord.STRETCHED: (
        "The frame was stretched for the eye; upload it as it was before."
    ),
    FlagWord.EIGHT_BIT: "The frame has 8 bits only; upload it as the camera wrote it.",
}


def verdict_of(state: PlaneState) -> str:
    """Say what came out, and what of the header or the file speaks against it."""
    said = [state.message]
    if state.filter is not None and state.filter.sentence:
        said.append(state.filter.sentence)
    # A frame that is not linear is told to be sent unstretched already.
    if state.outcome is not Outcome.NOT_LINEAR:
        words = (word for word in _RESHAPED if word in state.frame_flags)
        said += [_RESHAPED[word] for word in words][:1]
    return " ".join(said)
