"""Waits for a condition, never longer than said, and notices what cannot come."""

import time
from collections.abc import Callable

from bhtom_local.failure import StackFailure

STEP_S = 0.1


def until(
    condition: Callable[[], bool], within_s: float, failure: str | Callable[[], str]
) -> None:
    """Return when the condition holds; raise with the sentence if it never does."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise StackFailure(failure if isinstance(failure, str) else failure())
        time.sleep(STEP_S)
