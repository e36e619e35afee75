"""From a plane's reduction to the event that tells of it."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bhtom_contracts.events.calibrations import (
    CalibrationFailed,
    CalibrationWaiting,
    PhotometryCalibrated,
)
from bhtom_contracts.events.cameras import (
    CameraPin,
    HeaderKeywords,
    SecondOrderExtinction,
    Site,
)
from bhtom_contracts.events.frames import CalibrationParameters, FitsUploaded, TargetPin
from bhtom_contracts.events.targets import TargetPosition
from bhtom_contracts.flags import DESCRIPTIONS, PointFlag, describe
from bhtom_contracts.outcomes import OUTCOMES
from bhtom_contracts.outcomes import Outcome as Stated
from bhtom_cpcs.calibrations.answers import (
    FLAG_WORDS,
    Circumstances,
    answer_of,
    contract_outcome,
    flag_word,
    is_waiting,
)
from bhtom_cpcs.calibrations.reduced import catalogue_of, stated_plane
from bhtom_cpcs.calibrations.reduction_process import reduction_request, storable
from bhtom_cpcs.decisions.pinned import plain_decisions
from bhtom_cpcs.science.decisions import NOTHING_DECIDED
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.frame import FilterReport, Quality, Timing, WcsFigures
from bhtom_cpcs.science.results.reduction import (
    MissingTiles,
    PlaneReduction,
    Provenance,
)
from bhtom_cpcs.science.results.target import OtherFluxes, TargetMeasurement
from bhtom_cpcs.science.results.zero_point import ZeroPoint

NOW = datetime(2026, 11, 1, 3, 4, 5, tzinfo=UTC)
REQUEST = FitsUploaded(
    data_product_id=7,
    calibration_request_id=70,
    request_order=2,
    purpose="record",
    owner_id=3,
    observers=("ann", "bob"),
    visibility="private",
    embargo_until=NOW,
    target=TargetPin(
        target_id=11,
        name="Star",
        position=TargetPosition(
            ra=65.0, dec=-54.0, epoch=2016.0, pm_ra=3.0, pm_dec=None, parallax=1.5
        ),
    ),
    camera=CameraPin(
        second_order_extinction=(
            SecondOrderExtinction(passband="GaiaSP/B", value=0.03),
        ),
        camera_id=5,
        camera_version=4,
        oname="Hill_CCD",
        observatory_name="Hill",
        site=Site(longitude=21.0, latitude=-31.0, altitude=1500.0),
        gain=1.5,
        readout_noise=6.0,
        saturation_level=60000.0,
        keywords=HeaderKeywords(filter="FILTNAM"),
    ),
    parameters=CalibrationParameters(requested_filter="GaiaSP/any", match_radius=2.0),
    sha256="a" * 64,
    size_bytes=10,
    file_name="x.fits",
    uploaded_at=NOW,
)
AROUND = Circumstances(
    calibration_id=99,
    finished_at=NOW,
    reduction_time_s=1.25,
    has_plot=True,
    fingerprint="b" * 64,
    settings_version="1",
    decisions_version="d",
)
MEASURED = TargetMeasurement(
    target_id=11,
    outcome=Outcome.CALIBRATED,
    message="Calibrated.",
    ra_deg=65.0001,
    dec_deg=-54.0001,
    x_px=100.5,
    y_px=200.5,
    flux_adu=5000.0,
    flux_error_adu=50.0,
    signal_to_noise=100.0,
    aperture_radius_px=4.0,
    magnitude=15.5,
    magnitude_error=0.012,
    limit_3sigma=19.5,
    limit_5sigma=19.0,
    limit_definition="Empty aperture.",
    flags=(FlagWord.NEAR_EDGE, FlagWord.BLENDED),
    other_fluxes=OtherFluxes(5010.0, 52.0, 4990.0, 55.0, 3.0, -0.2),
    fixed_aperture_arcsec=5.0,
    fixed_aperture_flux_adu=-12.5,
    fixed_aperture_flux_error_adu=30.0,
    error_budget_mag={"photon": 0.01, "sky": 0.004, "read": 0.001, "floor": 0.003},
)
CALIBRATED = PlaneReduction(
    plane=1,
    plane_count=3,
    plane_name="SCI",
    outcome=Outcome.CALIBRATED,
    message="Calibrated to r(GaiaSP).",
    provenance=Provenance("0.1.0", "aperture-1", "GaiaSP", "dr3.2", ("c" * 64,)),
    timing=Timing(
        mid_exposure_mjd_utc=60000.5,
        bjd_tdb=2460001.003,
        exposure_time_s=60.0,
        time_as_reported="2023-02-25T12:00:00",
        time_card="DATE-OBS",
        time_scale="UTC",
        flags=(FlagWord.DATE_OBS_TAKEN_AS_START,),
        air_mass=1.2,
    ),
    filter=FilterReport("g", "GaiaSP/g", True, "Header says g."),
    wcs=WcsFigures(
        65.0, -54.0, 1.24, 3.0, False, 800, 800, 0.2, offset_arcsec=1.8, rms_arcsec=0.1
    ),
    quality=Quality(3.0, 3.7, 0.1, 100.0, 5.0, 240, 0.0, 0.0, 60000.0, 1.5, False),
    zero_point=ZeroPoint(
        passband="GaiaSP/r",
        passband_text="r(GaiaSP)",
        value=24.5,
        error=0.01,
        scatter=0.03,
        n_stars=60,
        n_matched=80,
        outlier_fraction=0.05,
        matching_radius_arcsec=2.5,
        ranking=(),
        flags=(FlagWord.FILTER_DISAGREES,),
    ),
    measurements=(MEASURED,),
)


def plain(reduction: PlaneReduction) -> dict[str, Any]:
    return reduction.to_json()


def calibrated(reduction: PlaneReduction = CALIBRATED) -> PhotometryCalibrated:
    answer = answer_of(REQUEST, plain(reduction), AROUND)
    assert isinstance(answer, PhotometryCalibrated)
    return answer


def test_a_calibrated_plane_tells_everything() -> None:
    answer = calibrated()
    assert (answer.plane, answer.plane_count, answer.request_order) == (1, 3, 2)
    assert answer.outcome is Stated.CALIBRATED
    assert (answer.owner_id, answer.visibility) == (3, "private")
    assert answer.embargo_until == NOW
    assert answer.observers == ("ann", "bob")
    assert (answer.camera_id, answer.camera_version) == (5, 4)
    assert answer.facility == "Hill_CCD"
    assert answer.time.mid_exposure_mjd == 60000.5
    assert answer.time.bjd_tdb == 2460001.003
    assert answer.quality.air_mass == 1.2
    assert answer.quality.wcs_offset == 1.8
    assert answer.zero_point.passband == "GaiaSP/r"
    assert (answer.zero_point.used_stars, answer.zero_point.matched_stars) == (60, 80)
    assert answer.zero_point.filter_disagrees
    assert answer.zero_point.tiles == ("c" * 64,)
    assert answer.method == "aperture-1"
    (measurement,) = answer.measurements
    assert (measurement.magnitude, measurement.magnitude_error) == (15.5, 0.012)
    assert measurement.error_budget.readout == 0.001
    assert measurement.fixed_aperture == 5.0
    assert measurement.fixed_aperture_flux == -12.5
    assert measurement.fixed_aperture_flux_error == 30.0
    assert measurement.fixed_aperture_magnitude is None
    others = measurement.other_fluxes
    assert (others.optimal, others.optimal_error) == (5010.0, 52.0)
    assert (others.aperture, others.aperture_error) == (4990.0, 55.0)
    assert (others.aperture_radius, others.growth_correction) == (3.0, -0.2)
    assert measurement.error_budget.zero_point is None


def test_flags_of_target_time_and_filter_meet_in_one_word() -> None:
    (measurement,) = calibrated().measurements
    assert PointFlag(measurement.flags) == (
        PointFlag.NEAR_EDGE
        | PointFlag.BLENDED
        | PointFlag.TIME_UNCERTAIN
        | PointFlag.FILTER_DISAGREES
    )


def test_every_word_has_a_bit_of_its_own_and_every_bit_a_word() -> None:
    assert set(FLAG_WORDS) >= {word.value for word in FlagWord}
    for word in FlagWord:
        bit = flag_word((word,))
        assert bit.bit_count() == 1
        (sentence,) = describe(bit)
        assert sentence.endswith(".")
    said = {FLAG_WORDS[word] for word in FlagWord}
    assert said == set(PointFlag) == set(DESCRIPTIONS)
    near = flag_word((FlagWord.SATURATED_NEIGHBOUR,))
    assert not near & PointFlag.SATURATED
    with pytest.raises(KeyError):
        flag_word(("a word of nobody",))


def test_a_limit_keeps_its_flux_and_has_no_magnitude() -> None:
    limit = replace(
        MEASURED,
        outcome=Outcome.LIMIT,
        flux_adu=-12.5,
        magnitude=None,
        magnitude_error=None,
        is_limit=True,
        error_budget_mag={},
    )
    answer = calibrated(
        replace(CALIBRATED, outcome=Outcome.LIMIT, measurements=(limit,))
    )
    (measurement,) = answer.measurements
    assert answer.outcome is Stated.LIMIT
    assert measurement.is_limit
    assert measurement.flux == -12.5
    assert measurement.magnitude is None


def test_a_target_that_was_not_measured_is_not_in_the_event() -> None:
    saturated = replace(MEASURED, target_id=12, outcome=Outcome.TARGET_SATURATED)
    answer = calibrated(replace(CALIBRATED, measurements=(MEASURED, saturated)))
    assert [measured.target_id for measured in answer.measurements] == [11]


def test_what_is_not_a_number_is_null() -> None:
    assert CALIBRATED.wcs is not None
    unknown = replace(
        CALIBRATED, wcs=replace(CALIBRATED.wcs, rms_arcsec=math.nan), filter=None
    )
    answer = calibrated(unknown)
    assert answer.quality.wcs_rms is None
    assert answer.zero_point.filter_card is None


def test_the_event_survives_its_json() -> None:
    answer = calibrated()
    assert PhotometryCalibrated.model_validate(answer.model_dump(mode="json")) == answer


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_of_the_science_has_its_event(outcome: Outcome) -> None:
    stated = contract_outcome(outcome.value)
    kinds = {
        Outcome.CALIBRATED: "measured",
        Outcome.LIMIT: "measured",
        Outcome.WAITING_FOR_CATALOGUE: "waiting",
    }
    assert OUTCOMES[stated].kind == kinds.get(outcome, "failed")


def test_a_failed_plane_gives_the_sentence() -> None:
    failed = PlaneReduction(
        0, 1, "", Outcome.IS_DARK, "The frame is a dark.", CALIBRATED.provenance
    )
    answer = answer_of(REQUEST, plain(failed), AROUND)
    assert isinstance(answer, CalibrationFailed)
    assert answer.outcome is Stated.NOT_A_SKY_FRAME
    assert answer.message == "The frame is a dark."
    assert answer.has_plot


def test_a_waiting_plane_is_told_as_waiting() -> None:
    waiting = PlaneReduction(
        0,
        1,
        "",
        Outcome.WAITING_FOR_CATALOGUE,
        "No stars yet.",
        CALIBRATED.provenance,
        missing_tiles=MissingTiles("GaiaSP", 5, (1, 2)),
    )
    assert isinstance(answer_of(REQUEST, plain(waiting), AROUND), CalibrationWaiting)
    assert is_waiting("waiting_for_catalogue")


def test_a_stated_plane_needs_no_reduction() -> None:
    stated = stated_plane(Stated.WORKER_CRASHED, "It crashed.", 2, 3)
    answer = answer_of(REQUEST, stated.result, AROUND)
    assert isinstance(answer, CalibrationFailed)
    assert (answer.plane, answer.plane_count) == (2, 3)


def test_the_pinned_inputs_reach_the_science() -> None:
    request = reduction_request(REQUEST, plain_decisions(NOTHING_DECIDED))
    (target,) = request.targets
    assert (target.ra_deg, target.dec_deg, target.epoch_jyear) == (65.0, -54.0, 2016.0)
    assert (target.pm_ra_masyr, target.pm_dec_masyr, target.parallax_mas) == (3, 0, 1.5)
    assert request.site is not None
    assert (request.site.longitude_deg, request.site.height_m) == (21.0, 1500.0)
    assert request.camera.gain_e_per_adu == 1.5
    assert request.camera.filter_keyword == "FILTNAM"
    assert request.camera.pixel_scale_arcsec is None
    assert request.camera.second_order_extinction == (("GaiaSP/B", 0.03),)
    assert request.match_radius_arcsec == 2.0


def test_hostile_header_texts_can_be_stored() -> None:
    hostile = {"card": "g\0\udc80", "list": ["a\0b", 1.5, None], "n": {"x\0": True}}
    assert storable(hostile) == {
        "card": "g ?",
        "list": ["a b", 1.5, None],
        "n": {"x ": True},
    }


@pytest.mark.parametrize(
    ("requested", "catalogue"),
    [
        ("GaiaSP/any", "GaiaSP"),
        ("2MASS/J", "2MASS"),
        ("no", "GaiaSP"),
        ("", "GaiaSP"),
        ("/r", "GaiaSP"),
        ("../any", None),
        ("a\n/any", None),
    ],
)
def test_the_filter_names_the_catalogue(requested: str, catalogue: str | None) -> None:
    assert catalogue_of(requested, "GaiaSP") == catalogue
