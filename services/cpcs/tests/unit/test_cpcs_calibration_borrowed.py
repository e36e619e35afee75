"""A zero point of the same night serves a frame without stars, in a band it may use."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from astropy.io import fits

from bhtom_cpcs.science.calibration.borrowed import borrowed_colour_term
from bhtom_cpcs.science.decisions import BorrowedZeroPoint, Decisions
from bhtom_cpcs.science.learned_camera import (
    NOTHING_LEARNT,
    LearnedCamera,
    LearnedColourTerm,
)
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_cpcs.science.zero_point_terms import ColourTerm
from bhtom_sky import Frame


@pytest.fixture
def reduced(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> Callable[..., PlaneReduction]:
    """A frame all of whose stars are somebody's targets, so that none is left."""
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    (plain,) = reduce_frame(path, field.request, field.reference).planes
    assert plain.timing is not None
    ra, dec = field.sky.centre
    stars = field.reference.cone(ra, dec, 0.09)
    everybody = tuple(zip(stars.ra_deg.tolist(), stars.dec_deg.tolist(), strict=True))
    lent = BorrowedZeroPoint(
        filter_card=str(fits.getheader(path)["FILTER"]),
        mid_exposure_mjd=plain.timing.mid_exposure_mjd_utc + 0.01,
        passband="GaiaSP/r",
        value=25.0,
        error=0.01,
        exposure_time_s=60.0,
        air_mass=1.2,
        calibration_id=4,
    )

    def reduce(requested: str, **changed: object) -> PlaneReduction:
        decisions = Decisions(
            other_targets=everybody,
            borrowed_zero_points=(replace(lent, **changed),),
        )
        request = replace(
            field.request, decisions=decisions, requested_filter=requested
        )
        return reduce_frame(path, request, field.reference).planes[0]

    return reduce


@pytest.mark.parametrize("requested", ["GaiaSP/any", "GaiaSP/ugriz", "GaiaSP/r"])
@pytest.mark.parametrize("passband", ["GaiaSP/r", "GaiaSP/clear-r"])
def test_a_frame_without_stars_borrows(
    reduced: Callable[..., PlaneReduction], requested: str, passband: str
) -> None:
    plane = reduced(requested, passband=passband)
    assert plane.outcome in (Outcome.CALIBRATED, Outcome.LIMIT)
    assert plane.zero_point is not None
    assert (plane.zero_point.source, plane.zero_point.passband) == (
        "borrowed",
        passband,
    )


def test_a_band_that_was_not_asked_for_is_not_borrowed(
    reduced: Callable[..., PlaneReduction],
) -> None:
    for requested in ("GaiaSP/g", "GaiaSP/UBVRI"):
        plane = reduced(requested)
        assert plane.outcome is Outcome.TOO_FEW_USABLE_STARS
        assert plane.zero_point is None
        # so a zero point that the night offers later would serve it
        assert plane.wcs is not None
        assert plane.wcs.n_matched


def test_an_exposure_of_no_length_lends_nothing(
    reduced: Callable[..., PlaneReduction],
) -> None:
    plane = reduced("GaiaSP/any", exposure_time_s=0.0)
    assert plane.outcome is Outcome.TOO_FEW_USABLE_STARS
    assert not plane.measurements


def test_a_lender_without_a_slope_tells_the_colours_of_its_stars() -> None:
    told = ColourTerm(
        **{"blue": "GaiaSP/g", "red": "GaiaSP/r", "pivot": 0.6, "value": None},
        **{"error": None, "applied": 0.0, "lowest": 0.3, "highest": 1.4, "n_stars": 7},
        mean_colour=0.9,
    )
    lent = BorrowedZeroPoint("R", 61000.0, "GaiaSP/r", 25.0, 0.01, 60.0, 1.2, 4, told)
    offered = ("GaiaSP/g", "GaiaSP/r")
    assert borrowed_colour_term(lent, NOTHING_LEARNT, offered) == told
    assert borrowed_colour_term(lent, NOTHING_LEARNT, ("GaiaSP/r",)) == told
    learnt = LearnedCamera((LearnedColourTerm("GaiaSP/r", "g - r", 0.08, 0.01, None),))
    found = borrowed_colour_term(lent, learnt, offered)
    assert found is not None
    assert (found.value, found.applied) == (0.08, 0.08)
    own = replace(told, value=0.05, error=0.02)
    lender = replace(lent, colour_term=own)
    assert borrowed_colour_term(lender, learnt, offered) == own
