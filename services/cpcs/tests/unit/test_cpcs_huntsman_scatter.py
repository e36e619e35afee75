"""The real Huntsman frame reaches its goal, as the bench measures it."""

from tests.bench.huntsman import GOAL_MAG, huntsman_scatter


def test_the_huntsman_frame_against_gaia() -> None:
    found = huntsman_scatter()
    assert found.n_stars >= 50
    assert found.value <= GOAL_MAG
    assert found.passband == "GaiaSP/r"
    assert found.sentence == "Header said g; the stars say r."
