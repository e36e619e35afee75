"""How a stage ends the reduction of a plane: with a stated outcome."""

from bhtom_cpcs.science.outcomes import Outcome, sentence


class Stop(Exception):
    """Ends the reduction of a plane with an outcome and its facts."""

    def __init__(self, outcome: Outcome, **facts: object) -> None:
        self.outcome = outcome
        self.reason = str(facts.get("reason", ""))
        self.message = sentence(outcome, **facts)
        super().__init__(self.message)
