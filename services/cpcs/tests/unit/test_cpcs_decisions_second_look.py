"""What a read file tells of its night and field, and when it is reduced again."""

from dataclasses import replace
from typing import Any

import pytest

from bhtom_cpcs.decisions.second_look import (
    Field,
    serves_better,
    time_of,
    whole_field,
)
from bhtom_cpcs.science.decisions import (
    NOTHING_DECIDED,
    BorrowedZeroPoint,
    Decisions,
    TargetColour,
)
from bhtom_cpcs.testing import CENTRE, calibrated_result

MJD = 61100.2
LENT = BorrowedZeroPoint("R", MJD + 0.1, "GaiaSP/r", 25.0, 0.01, 60.0, 1.2, 4)
COLOUR = TargetColour(
    11, "GaiaSP/g", "GaiaSP/r", 0.6, 0.02, "same night", mid_exposure_mjd=MJD
)


def test_a_colour_of_a_night_holds_on_that_night() -> None:
    decided = Decisions(target_colours=(COLOUR, replace(COLOUR, mid_exposure_mjd=None)))
    assert decided.colours_of(11, MJD + 0.4) == decided.target_colours
    (of_the_catalogue,) = decided.colours_of(11, MJD - 3650)
    assert of_the_catalogue.mid_exposure_mjd is None
    assert decided.colours_of(12, MJD) == ()


def test_of_several_passbands_of_a_card_the_nearest_allowed_lends() -> None:
    other = replace(LENT, passband="GaiaSP/g", mid_exposure_mjd=MJD + 0.01)
    decided = Decisions(borrowed_zero_points=(other, LENT))
    assert decided.borrowed_of("R", MJD) == other
    assert decided.borrowed_of("R", MJD, lambda band: band == "GaiaSP/r") == LENT
    assert decided.borrowed_of("R", MJD, lambda _: False) is None


@pytest.mark.parametrize(
    "outcome", ["no_reference_in_band", "too_few_matches", "too_few_usable_stars"]
)
def test_a_frame_without_a_zero_point_looks_again(outcome: str) -> None:
    failed = calibrated_result(MJD) | {"outcome": outcome, "zero_point": None}
    found = Decisions(borrowed_zero_points=(LENT,))
    assert serves_better(NOTHING_DECIDED, found, [failed])
    assert not serves_better(found, found, [failed])
    far = Decisions(borrowed_zero_points=(replace(LENT, mid_exposure_mjd=MJD - 2),))
    assert not serves_better(NOTHING_DECIDED, far, [failed])
    assert not serves_better(NOTHING_DECIDED, found, [calibrated_result(MJD)])
    assert not serves_better(NOTHING_DECIDED, found, [{"outcome": outcome}])
    elsewhere = calibrated_result(MJD) | {"outcome": "target_outside_frame"}
    elsewhere["zero_point"] |= {"source": "borrowed"}
    assert not serves_better(NOTHING_DECIDED, found, [elsewhere])
    nowhere = failed | {"wcs": failed["wcs"] | {"n_matched": None}}
    assert not serves_better(NOTHING_DECIDED, found, [nowhere])


def test_a_frame_that_borrows_looks_for_a_nearer_one_of_its_card() -> None:
    borrows = calibrated_result(MJD)
    borrows["zero_point"]["source"] = "borrowed"
    known = Decisions(borrowed_zero_points=(LENT,))
    nearer = replace(LENT, mid_exposure_mjd=MJD + 0.01, calibration_id=5)
    assert serves_better(known, Decisions(borrowed_zero_points=(nearer,)), [borrows])
    other_card = Decisions(borrowed_zero_points=(replace(nearer, filter_card="V"),))
    assert not serves_better(known, other_card, [borrows])


def with_term(*flags: str) -> dict[str, Any]:
    plane = calibrated_result(MJD, flags=list(flags))
    plane["zero_point"]["colour_term"] = {"blue": "GaiaSP/g", "red": "GaiaSP/r"}
    return plane


def test_a_target_without_its_colour_looks_again() -> None:
    found, assumed = Decisions(target_colours=(COLOUR,)), with_term("colour_assumed")
    assert serves_better(NOTHING_DECIDED, found, [assumed])
    of_tonight = replace(COLOUR, mid_exposure_mjd=MJD + 3000)
    pinned = Decisions(target_colours=(of_tonight,))
    assert serves_better(pinned, found, [assumed])
    assert not serves_better(found, found, [assumed])
    assert not serves_better(NOTHING_DECIDED, found, [with_term()])
    other = Decisions(target_colours=(replace(COLOUR, red_passband="GaiaSP/i"),))
    assert not serves_better(NOTHING_DECIDED, other, [assumed])


def test_a_frame_that_shows_a_target_not_known_of_looks_again() -> None:
    inside = Decisions(other_targets=((CENTRE[0] + 0.05, CENTRE[1]),))
    outside = Decisions(other_targets=((CENTRE[0] + 0.5, CENTRE[1]),))
    plane = calibrated_result(MJD)
    assert serves_better(NOTHING_DECIDED, inside, [plane])
    assert not serves_better(inside, inside, [plane])
    assert not serves_better(NOTHING_DECIDED, outside, [plane])


def chip(ra: float, dec: float, radius: float) -> dict[str, Any]:
    place = {"centre_ra_deg": ra, "centre_dec_deg": dec, "radius_deg": radius}
    return calibrated_result(MJD) | {"wcs": place}


def test_a_mosaic_reaches_as_far_as_its_chips() -> None:
    whole = whole_field([chip(359.9, 0.0, 0.2), chip(0.1, 0.0, 0.2)])
    assert whole is not None
    assert min(whole.ra_deg, 360 - whole.ra_deg) == pytest.approx(0, abs=1e-9)
    assert whole.radius_deg == pytest.approx(0.3)
    pole = whole_field([chip(0.0, 89.8, 0.1), chip(180.0, 89.8, 0.1)])
    assert pole is not None
    assert (pole.dec_deg, pole.radius_deg) == (pytest.approx(90), pytest.approx(0.3))
    opposite = whole_field([chip(0.0, 0.0, 0.1), chip(180.0, 0.0, 0.1)])
    assert opposite == Field(0.0, 0.0, 0.1)


def test_a_file_that_tells_nothing_has_no_field_and_no_time() -> None:
    planes = [{"outcome": "no_time"}, {"outcome": "no_wcs", "wcs": None}]
    assert whole_field(planes) is None
    assert time_of(planes) is None
    assert time_of([*planes, calibrated_result(MJD)]) == MJD
    doubtful = chip(10.0, 0.0, 50.0) | {"zero_point": None}
    assert whole_field([doubtful]) is None
