"""A reduction that takes too long."""

from typing import Any

import pytest

from bhtom_cpcs.testing import Cpcs, request_for
from bhtom_sky import Frame


@pytest.fixture
def options() -> dict[str, Any]:
    """Less time than importing the science takes."""
    return {"reduction_timeout_s": 0.02}


async def test_it_is_stopped_and_said(working: Cpcs, frame: Frame) -> None:
    sha256 = await working.store_frame(frame.fits_bytes)
    await working.deliver(request_for(sha256, 1))
    (event,) = await working.answered(1)
    assert event["outcome"] == "timed_out"
    assert "longer than 0.02 s" in event["message"]
    assert working.context.pool.pids == []
