"""The rules by which many frames decide, and people overrule them."""

import math
import random
from typing import Any

import pytest

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.decisions.domain import (
    Mean,
    MeasuredMagnitude,
    MeasuredPosition,
    Ruling,
    RulingKind,
    colours,
    is_news,
    mean_position,
)
from bhtom_cpcs.decisions.evidence import (
    Origin,
    frame_row,
    shown_bands,
    target_rows,
    tells,
)
from bhtom_cpcs.decisions.service import settled_bands
from bhtom_cpcs.science.calibration.settlement import BandEvidence
from bhtom_cpcs.testing import calibrated_result, request_for

YEAR = 365.25


def seen(mjd: float, ra: float, dec: float, error: float = 0.1) -> MeasuredPosition:
    return MeasuredPosition(mjd, ra % 360, dec, error, error)


def test_the_mean_of_a_moving_star_lies_on_its_path() -> None:
    rate = 0.5 / 3600 / YEAR  # 0.5 arcsec a year in declination
    frames = [seen(60000.0 + day, 10.0, 5.0 + rate * day) for day in (0, 100, 700)]
    mean = mean_position(frames)
    assert mean is not None
    mjd = 51544.5 + (mean.epoch_jyear - 2000) * YEAR
    assert mean.dec_deg == pytest.approx(5.0 + rate * (mjd - 60000.0), abs=1e-10)
    assert mean.ra_error_arcsec == pytest.approx(0.1 / math.sqrt(3))


@pytest.mark.parametrize("dec", [0.0, -89.9])
def test_a_mean_across_the_origin_of_right_ascension(dec: float) -> None:
    step = 0.1 / 3600 / math.cos(math.radians(dec))
    mean = mean_position([seen(60000, k * step, dec) for k in (-1, 0, 1)])
    assert mean is not None
    assert min(mean.ra_deg, 360 - mean.ra_deg) < 1e-9
    assert 0 <= mean.ra_deg < 360


def test_an_outlier_does_not_move_the_mean() -> None:
    noise = random.Random(3)
    frames = [seen(60000, 10, 5 + noise.gauss(0, 0.1) / 3600) for _ in range(20)]
    straight = mean_position(frames)
    spoilt = mean_position([*frames, seen(60000, 10, 5 + 3 / 3600, 0.01)])
    assert straight is not None
    assert spoilt == straight


def test_errors_that_are_too_small_are_not_believed() -> None:
    noise = random.Random(4)
    scattered = [
        seen(60000, 10, 5 + noise.gauss(0, 0.1) / 3600, 0.01) for _ in range(50)
    ]
    mean = mean_position(scattered)
    assert mean is not None
    assert 0.5 < mean.dec_error_arcsec / (0.1 / math.sqrt(50)) < 1.5


def test_two_frames_are_too_few() -> None:
    assert mean_position([seen(1, 1, 1), seen(2, 1, 1)]) is None
    assert mean_position([]) is None


def test_a_version_is_made_only_for_news() -> None:
    known = Mean(10.0, 5.0, 2026.0, 0.1, 0.1, 10)
    assert is_news(None, known)
    assert not is_news(known, Mean(10.0, 5.0 + 0.04 / 3600, 2026.1, 0.1, 0.1, 19))
    assert is_news(known, Mean(10.0, 5.0 + 0.06 / 3600, 2026.1, 0.1, 0.1, 11))
    assert is_news(known, Mean(10.0, 5.0, 2026.1, 0.07, 0.07, 20))


def test_colours_pair_the_bands_of_one_survey() -> None:
    found = colours(
        11,
        [
            MeasuredMagnitude("GaiaSP/g", 16.5, 0.02, 61100.0),
            MeasuredMagnitude("GaiaSP/r", 16.0, 0.02, 61100.1),
            MeasuredMagnitude("GaiaSP/r", 16.2, 0.02, 61100.2),
            MeasuredMagnitude("PS1/i", 15.0, 0.02, 61100.4),
        ],
    )
    (colour,) = found
    assert (colour.blue_passband, colour.red_passband) == ("GaiaSP/g", "GaiaSP/r")
    assert colour.value_mag == pytest.approx(0.4)
    assert colour.error_mag > 0.07  # the two r magnitudes disagree
    assert colour.mid_exposure_mjd == pytest.approx(61100.1)


def nights(count: int, band: str, first: int = 60000) -> list[BandEvidence]:
    return [
        BandEvidence(first + number, first + number + 0.2, first + number, (band,))
        for number in range(count)
    ]


def test_five_frames_settle_and_a_person_overrules() -> None:
    frames = nights(5, "GaiaSP/r")
    (settled,) = settled_bands("R", frames, [])
    assert (settled["passband"], settled["provisional"]) == ("GaiaSP/r", False)
    assert settled["by"] == "stars"
    force = Ruling(RulingKind.FORCE, "GaiaSP/R", None, 60100.0)
    first, second = settled_bands("R", frames, [force])
    assert (first["passband"], first["by"]) == ("GaiaSP/R", "person")
    assert first["filter_card"] == second["filter_card"] == "R"
    later = Ruling(RulingKind.FORCE, "GaiaSP/V", 60001.0, None)
    assert settled_bands("R", frames, [force, later])[0]["passband"] == "GaiaSP/V"


def test_an_exposure_that_was_uploaded_thrice_counts_once() -> None:
    frames = [
        BandEvidence(10 * night + upload, 60000.0 + night, night, ("GaiaSP/r",))
        for night in range(2)
        for upload in range(3)
    ]
    (band,) = settled_bands("R", frames, [])
    assert (band["provisional"], band["n_frames"]) == (True, 2)


def test_a_chip_that_shows_no_band_does_not_speak_for_its_exposure() -> None:
    frames = [
        BandEvidence(4 * night + chip, 60000.0 + night, night, shown)
        for night in range(6)
        for chip, shown in enumerate([("GaiaSP/r",), ("GaiaSP/r",), (), ()])
    ]
    (band,) = settled_bands("R", frames, [])
    assert (band["passband"], band["provisional"]) == ("GaiaSP/r", False)


def test_cleared_frames_say_nothing() -> None:
    frames = [*nights(5, "GaiaSP/r"), *nights(3, "GaiaSP/g", 60100)]
    clear = Ruling(RulingKind.CLEAR, None, None, 60050.0)
    (left,) = settled_bands("R", frames, [clear])
    assert (left["passband"], left["provisional"]) == ("GaiaSP/g", True)
    assert settled_bands("R", frames[:5], [clear]) == []


def origin(**changes: Any) -> Origin:
    request: FitsUploaded = request_for("a" * 64, 7, **changes)
    return Origin(request, 99)


def test_a_calibrated_plane_is_evidence() -> None:
    plane = calibrated_result()
    assert tells(plane)
    row = frame_row(origin(), plane)
    assert row["shown_bands"] == ["GaiaSP/r"]
    assert (row["filter_card"], row["lends_zero_point"]) == ("R", True)
    (target,) = target_rows(origin(), plane)
    assert target["magnitude"] == 16.4
    assert target["ra"] is not None


def test_a_target_that_is_not_found_any_more_takes_its_evidence_back() -> None:
    plane = calibrated_result()
    plane["measurements"][0].update(flux_adu=None, signal_to_noise=None)
    plane["measurements"][0].update(magnitude=None, magnitude_error=None)
    (row,) = target_rows(origin(), plane)
    assert (row["ra"], row["magnitude"], row["magnitude_error"]) == (None,) * 3


def test_a_card_of_any_length_is_kept_short() -> None:
    plane = calibrated_result()
    plane["filter"]["card"] = "R" * 5000
    assert frame_row(origin(), plane)["filter_card"] == "R" * 80


def test_doubtful_planes_are_no_evidence() -> None:
    assert not tells({"plane": 0, "outcome": "no_wcs", "message": ""})
    borrowed = calibrated_result()
    borrowed["zero_point"]["source"] = "borrowed"
    assert not tells(borrowed)
    poor = calibrated_result()
    poor["zero_point"]["scatter"] = 0.2
    assert not frame_row(origin(), poor)["lends_zero_point"]
    hidden = calibrated_result()
    hidden["zero_point"]["flags"] = ["poor_zero_point"]
    assert frame_row(origin(), hidden)["shown_bands"] == []
    of_a_catalogue = origin(kind="photometry")
    assert not frame_row(of_a_catalogue, calibrated_result())["lends_zero_point"]
    against_its_stars = calibrated_result()
    against_its_stars["filter"]["contradicted"] = True
    assert not frame_row(origin(), against_its_stars)["lends_zero_point"]
    unnamed = calibrated_result()
    unnamed["filter"]["card"] = "3"
    assert not frame_row(origin(), unnamed)["lends_zero_point"]
    without_its_target = calibrated_result() | {"outcome": "target_outside_frame"}
    assert tells(without_its_target)
    assert not frame_row(origin(), without_its_target)["lends_zero_point"]
    # A time that is read as the start spoils neither, a poor zero point the colour.
    dated = calibrated_result()
    dated["timing"]["flags"] = ["date_obs_taken_as_start"]
    dated["measurements"][0]["flags"] = ["colour_assumed"]
    (row,) = target_rows(origin(), dated)
    assert None not in (row["ra"], row["magnitude"])
    dated["measurements"][0]["flags"] = ["poor_zero_point"]
    (row,) = target_rows(origin(), dated)
    assert (row["ra"] is None, row["magnitude"] is None) == (False, True)
    flagged = calibrated_result()
    flagged["measurements"][0]["flags"] = ["blended"]
    (row,) = target_rows(origin(), flagged)
    assert row["ra"] is None
    assert row["magnitude"] is None
    faint = calibrated_result()
    faint["measurements"][0] |= {"signal_to_noise": 19.0, "magnitude_error": 0.11}
    (row,) = target_rows(origin(), faint)
    assert row["ra"] is None
    assert row["magnitude"] is None


def test_bands_that_are_told_apart_by_nothing_are_all_shown() -> None:
    plane = calibrated_result()
    plane["filter"] |= {"shown": ["GaiaSP/r", "GaiaSP/R"]}
    assert shown_bands(plane) == ("GaiaSP/r", "GaiaSP/R")
