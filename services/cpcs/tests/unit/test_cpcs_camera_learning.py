"""What is learnt of a camera is what was put into its frames."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bhtom_cpcs.camera_reports import learning
from bhtom_cpcs.camera_reports.frame_figures import figures_of
from bhtom_cpcs.camera_reports.report import report_of
from bhtom_cpcs.camera_reports.shutter import shutter_time
from bhtom_cpcs.camera_reports.sky_gain import sky_gain
from bhtom_cpcs.science.calibration.residual_map import residual_map
from bhtom_cpcs.testing import request_for

LONGITUDE = 149.0


def plane(**parts):
    """A plane's stored result with some figures set."""
    result = {
        "outcome": "calibrated",
        "timing": {"mid_exposure_mjd_utc": 61000.5, "exposure_time_s": 60.0},
        "quality": {"fwhm_arcsec": 2.0},
        "wcs": {
            "pixel_scale_arcsec": 0.8,
            "n_matched": 50,
            "width_px": 1000,
            "height_px": 800,
        },
        "zero_point": {"passband": "GaiaSP/r", "value": 25.0, "error": 0.005},
        "provenance": {"software_version": "0.1.0"},
        "measurements": [{"limit_5sigma": 19.0}],
    }
    for name, values in parts.items():
        is_part = isinstance(values, dict)
        result[name] = result.get(name, {}) | values if is_part else values
    return figures_of(result, LONGITUDE)


def nights(shutter: float, seed: int = 1):
    """Zero points of five nights with exposures of 1, 5 and 60 s."""
    rng = np.random.default_rng(seed)
    for night in range(5):
        clear = 25.0 + rng.normal(0, 0.05)
        for time in (1.0, 5.0, 60.0, 1.0):
            value = clear + 2.5 * math.log10(time + shutter) + rng.normal(0, 0.005)
            yield plane(
                timing={
                    "mid_exposure_mjd_utc": 61000.5 + night,
                    "exposure_time_s": time,
                },
                zero_point={"value": value},
            )


@pytest.mark.parametrize("shutter", [-0.12, 0.0, 0.25])
def test_the_shutter_time_is_found_within_its_error(shutter: float) -> None:
    pulls = []
    for seed in range(30):
        found = shutter_time(list(nights(shutter, seed)))
        assert found is not None
        assert found.frames == 20
        pulls.append((found.value - shutter) / found.error)
    assert abs(np.mean(pulls)) < 0.6
    assert 0.6 < np.std(pulls) < 1.4


def test_what_is_borrowed_from_another_frame_teaches_nothing_again() -> None:
    """Its zero point and colour term are the lender's; its limit is its own."""
    term = {"blue": "GaiaSP/g", "red": "GaiaSP/r", "value": 0.05, "error": 0.01}
    lender = plane(zero_point={"colour_term": term | {"n_stars": 40}})
    assert (lender.zero_point, lender.colour_term) == (25.0, 0.05)
    lent = plane(
        zero_point={"colour_term": term | {"n_stars": 40}, "source": "borrowed"}
    )
    assert (lent.zero_point, lent.colour_term, lent.colour) == (None, None, None)
    assert (lent.passband, lent.limit_5_sigma) == ("GaiaSP/r", 19.0)
    nights_apart = [replace(lender, night=night) for night in range(6)]
    (alone,) = learning.colour_terms(nights_apart)
    (both,) = learning.colour_terms([*nights_apart, *[lent] * 30])
    assert both == alone


def frames_of_nights(times_and_air_masses, scatter: float):
    """Zero points of four nights under 0.15 mag of extinction, with a true shutter."""
    rng = np.random.default_rng(1)
    for night in range(4):
        for time, mass in times_and_air_masses:
            moment = {"mid_exposure_mjd_utc": 61000.5 + night, "exposure_time_s": time}
            value = 25 + 2.5 * math.log10(time) - 0.15 * mass + rng.normal(0, scatter)
            yield plane(
                timing={**moment, "air_mass": mass},
                zero_point={"value": value, "error": scatter},
            )


def test_extinction_is_no_shutter() -> None:
    low_and_high = ((10.0, 1.8), (10.0, 1.75), (100.0, 1.1), (100.0, 1.12))
    assert shutter_time(list(frames_of_nights(low_and_high, 0.005))) is None


def test_a_shutter_time_within_its_error_is_not_offered() -> None:
    alike = ((30.0, 1.15), (100.0, 1.15), (30.0, 1.15), (100.0, 1.15))
    frames = list(frames_of_nights(alike, 0.02))
    assert shutter_time(frames) is not None
    report = report_of(request_for("0" * 64, 1).camera, 1, frames)
    assert report.proposal is not None
    assert report.proposal.changes["learned"]["shutter_time"] is None


def test_a_mosaics_chips_beside_the_target_teach() -> None:
    chip = replace(plane(), outcome="target_outside_frame")
    report = report_of(request_for("0" * 64, 1).camera, 1, [chip] * 6)
    assert {figure.name for figure in report.figures} == {"pixel_scale", "seeing"}
    missing = {sentence.partition(":")[0] for sentence in report.not_yet}
    assert {"Gain", "Saturation level", "Shutter time"} <= missing
    assert "Pixel scale" not in missing
    missed = [replace(chip, zero_point=None)] * 6
    assert not report_of(request_for("0" * 64, 1).camera, 1, missed).figures


def test_exposures_alike_say_nothing_of_the_shutter() -> None:
    assert shutter_time([plane() for _ in range(30)]) is None


def test_frames_in_adu_per_second_are_no_shutter() -> None:
    frames = [
        plane(
            timing={"mid_exposure_mjd_utc": 61000.5, "exposure_time_s": time},
            zero_point={"value": 25.0},
        )
        for time in (1.0, 5.0, 60.0) * 5
    ]
    assert shutter_time(frames) is None


def test_colour_terms_need_frames_and_nights_and_grow_with_disagreement() -> None:
    def frame(night: int, slope: float):
        return plane(
            timing={"mid_exposure_mjd_utc": 61000.5 + night},
            zero_point={
                "colour_term": {
                    "blue": "GaiaSP/g",
                    "red": "GaiaSP/r",
                    "value": slope,
                    "error": 0.01,
                    "n_stars": 30,
                }
            },
        )

    one_night = [frame(0, 0.05) for _ in range(9)]
    assert learning.colour_terms(one_night) == ()
    (agreeing,) = learning.colour_terms([frame(n, 0.05) for n in range(9)])
    assert agreeing.slope.value == pytest.approx(0.05)
    assert agreeing.slope.error == pytest.approx(0.01 / 3)
    (torn,) = learning.colour_terms([frame(n, 0.05 * (n % 2)) for n in range(10)])
    assert torn.slope.error > 2 * 0.01 / math.sqrt(10)
    assert agreeing.air_mass is None


def test_a_colour_term_is_that_of_its_frames_mean_air_mass() -> None:
    """A slope that grows with the air mass is learnt right for the mean one."""

    def frame(night: int):
        mass, error = 1 + 0.1 * night, 0.01 * (1 + night % 3)
        term = {"blue": "GaiaSP/g", "red": "GaiaSP/r", "n_stars": 30}
        return plane(
            timing={"mid_exposure_mjd_utc": 61000.5 + night, "air_mass": mass},
            zero_point={"colour_term": {**term, "value": 0.02 * mass, "error": error}},
        )

    (learnt,) = learning.colour_terms([frame(night) for night in range(9)])
    assert learnt.air_mass is not None
    assert 1.0 < learnt.air_mass < 1.8
    assert learnt.slope.value == pytest.approx(0.02 * learnt.air_mass)


@pytest.mark.parametrize("pedestal", [0.0, 300.0])
def test_the_gain_is_the_slope_of_the_skys_variance(pedestal: float) -> None:
    rng = np.random.default_rng(4)
    pulls = []
    for _ in range(30):
        frames = []
        for sky in rng.uniform(100, 2000, 12):
            variance = (sky / 1.6 + (8.0 / 1.6) ** 2) * rng.normal(1, 0.01)
            level = {"sky_level_adu": sky + pedestal, "sky_variance_adu2": variance}
            frames.append(plane(quality=level))
        # a mean of ten frames
        level = {"sky_level_adu": 900.0, "sky_variance_adu2": 58.0}
        found = sky_gain([*frames, plane(quality=level)])
        assert found is not None
        pulls.append((found.value - 1.6) / found.error)
    assert abs(np.mean(pulls)) < 0.7
    assert np.std(pulls) < 1.8


def test_an_even_sky_says_nothing_of_the_gain() -> None:
    level = {"sky_level_adu": 500.0, "sky_variance_adu2": 300.0}
    assert sky_gain([plane(quality=level) for _ in range(9)]) is None


def test_limits_are_brought_to_the_usual_exposure() -> None:
    def frame(time: float):
        limit = 19.0 + 1.25 * math.log10(time / 60.0)
        return replace(plane(timing={"exposure_time_s": time}), limit_5_sigma=limit)

    assert learning.limits([frame(60.0)] * 4) == ()
    (found,) = learning.limits(
        [frame(time) for time in (15.0, 60.0, 60.0, 60.0, 240.0)]
    )
    assert found.exposure_time_s == 60.0
    assert found.magnitude.value == pytest.approx(19.0)
    assert found.magnitude.error == pytest.approx(0.0, abs=1e-9)


def test_cells_of_the_image_average_over_frames() -> None:
    cells = [
        {"column": 0, "row": 1, "stars": 4, "weight": 1e4, "weighted_residual": 200.0},
        {"column": 2, "row": 0, "stars": 1, "weight": 1e4, "weighted_residual": 0.0},
    ]
    residual_map = {"columns": 8, "rows": 8, "cells": cells}
    frames = [plane(residual_map=residual_map) for _ in range(5)]
    (found,) = learning.flat_maps(frames)
    (cell,) = found.cells  # the other one has too few stars
    assert (found.columns, found.rows, found.passband) == (8, 8, "GaiaSP/r")
    assert (cell.column, cell.row, cell.stars) == (0, 1, 20)
    assert cell.residual == pytest.approx(0.02)
    assert cell.error == pytest.approx(1 / math.sqrt(5e4))
    assert learning.flat_maps(frames[:4]) == ()


def mapped(residual: float, passband: str = "GaiaSP/r", **parts):
    """A plane whose one cell stars left as much over."""
    cell = {"column": 0, "row": 0, "stars": 20, "weight": 1e4}
    cell["weighted_residual"] = 1e4 * residual
    return plane(
        residual_map={"columns": 8, "rows": 8, "cells": [cell]},
        zero_point={"passband": passband},
        **parts,
    )


def test_bands_chips_and_colours_have_maps_of_their_own() -> None:
    kinds = {
        ("GaiaSP/r", "1 N1", ""): 0.05,
        ("GaiaSP/r", "2 N2", ""): -0.05,
        ("GaiaSP/g", "1 N1", ""): 0.01,
        ("GaiaSP/r", "", "R"): 0.03,
        ("GaiaSP/r", "", "G"): 0.0,
    }
    frames = [
        mapped(residual, band, image=image, filter={"plane_colour": colour or None})
        for (band, image, colour), residual in kinds.items()
        for _ in range(5)
    ]
    found = learning.flat_maps(frames)
    learnt = {
        (one.passband, one.image, one.colour): one.cells[0].residual for one in found
    }
    assert learnt == pytest.approx(kinds)
    assert {one.frames for one in found} == {5}


def test_a_map_is_of_images_of_one_size() -> None:
    cut = {"width_px": 500, "height_px": 400}
    frames = [mapped(0.05) for _ in range(6)] + [mapped(-0.2, wcs=cut)] * 5
    (found,) = learning.flat_maps(frames)
    assert (found.width_px, found.frames) == (1000, 6)
    assert found.cells[0].residual == pytest.approx(0.05)


def test_older_results_tell_chips_apart_by_their_number() -> None:
    names = {
        figures_of({"plane": n, "plane_count": 2, "plane_name": name}, 0).sampled.image
        for n, name in enumerate(("SCI", "SCI"))
    }
    assert names == {"1 SCI", "2 SCI"}
    alone = figures_of({"plane": 0, "plane_count": 1, "plane_name": "SCI"}, 0)
    assert alone.sampled.image == ""


def binned(binning: str | None, scale: float, **quality):
    sampling = {"binning": binning, "pixel_pitch": 1, "pixels_averaged": 1}
    wcs = {"pixel_scale_arcsec": scale}
    return plane(wcs=wcs, quality={"sampling": sampling, **quality})


def test_binnings_are_never_mixed() -> None:
    camera = request_for("0" * 64, 1).camera.model_copy(update={"pixel_scale": 0.8})
    frames = [binned("1x1", 0.8, saturation_seen_adu=65000.0) for _ in range(6)]
    frames += [binned("2x2", 1.6, saturation_seen_adu=16000.0) for _ in range(5)]
    report = report_of(camera, 1, frames)
    figures = {figure.name: figure for figure in report.figures}
    assert (report.binning, report.other_binnings) == ("1x1", {"2x2": 5})
    assert (figures["pixel_scale"].measured, figures["pixel_scale"].frames) == (0.8, 6)
    assert figures["saturation_level"].measured == 65000.0
    # As many of both: the finer ones.
    assert report_of(camera, 1, frames[1:]).binning == "1x1"


def test_frames_that_tell_no_binning_are_told_apart_by_their_scale() -> None:
    frames = [binned(None, 0.8)] * 7 + [binned(None, 1.6)] * 5
    report = report_of(request_for("0" * 64, 1).camera, 1, frames)
    assert report.figures[0].name == "pixel_scale"
    assert (report.figures[0].measured, report.figures[0].frames) == (0.8, 7)
    assert report.other_binnings == {"not told": 5}


def nights_of(frames):
    return [
        replace(frame, mjd=61000.5 + n % 3, night=61000 + n % 3)
        for n, frame in enumerate(frames)
    ]


def test_a_row_is_offered_at_the_binning_of_its_frames() -> None:
    base = request_for("0" * 64, 1).camera.model_copy(update={"pixel_scale": 0.8})
    frames = nights_of([binned("2x2", 1.6) for _ in range(6)])
    proposal = report_of(base, 1, frames).proposal
    assert proposal is not None
    assert (proposal.changes["binning"], proposal.changes["pixel_scale"]) == (2, 1.6)
    assert proposal.changes["learned"]["binning"] == "2x2"
    assert "gain, saturation level, readout noise stay as stated for 1x1" in " ".join(
        proposal.sentences
    )
    # A row of that binning needs no change.
    same = base.model_copy(update={"pixel_scale": 1.6, "binning": 2})
    offered = report_of(same, 2, frames).proposal
    assert offered is not None
    assert set(offered.changes) == {"learned", "note"}
    # Pixels that are no squares have no row.
    flat = nights_of([binned("1x2", 1.13) for _ in range(6)])
    offered = report_of(base, 1, flat).proposal
    assert offered is not None
    assert set(offered.changes) == {"learned", "note"}


def coloured(colour: str, pitch: int | None, averaged: int, **quality):
    sampling = {"pixel_pitch": pitch, "pixels_averaged": averaged}
    known = {} if pitch is None else {"sampling": sampling}
    parts = {"quality": {**known, **quality}, "filter": {"plane_colour": colour}}
    return plane(**parts, wcs={"pixel_scale_arcsec": 1.6})


def test_planes_of_a_colour_camera_teach_of_its_own_pixels() -> None:
    rng = np.random.default_rng(6)
    frames = []
    for colour in "RGB" * 6:
        sky = rng.uniform(100, 2000)
        averaged = 2 if colour == "G" else 1
        variance = (sky / 1.6 + 25.0) / averaged
        level = {"sky_level_adu": sky, "sky_variance_adu2": variance}
        level["saturation_seen_adu"] = 16383.0
        frames.append(coloured(colour, 2, averaged, **level, gain_source="camera"))
    report = report_of(request_for("0" * 64, 1).camera, 1, frames)
    measured = {figure.name: figure.measured for figure in report.figures}
    assert measured["pixel_scale"] == 0.8
    assert measured["gain"] == pytest.approx(1.6, rel=1e-3)
    assert measured["saturation_level"] == 16383.0


@pytest.mark.parametrize("pitch", [1, None])
def test_interpolated_and_unknown_colours_teach_no_noise(pitch: int | None) -> None:
    """Images of three colours a pixel; planes whose pitch is not on record."""
    rng = np.random.default_rng(6)
    frames = [
        coloured(
            colour,
            pitch,
            1,
            sky_level_adu=float(sky),
            sky_variance_adu2=float(sky) / 5,
            saturation_seen_adu=4000.0,
            gain_source="camera",
        )
        for colour, sky in zip("RGB" * 6, rng.uniform(100, 2000, 18), strict=True)
    ]
    report = report_of(request_for("0" * 64, 1).camera, 1, frames)
    names = {figure.name for figure in report.figures}
    assert names == ({"seeing", "pixel_scale"} if pitch else {"seeing"})


@pytest.mark.parametrize("as_read", [True, False])
def test_frames_that_deny_the_rows_gain_teach_it_where_they_are_as_read(
    as_read: bool,
) -> None:
    skies = np.random.default_rng(6).uniform(100, 2000, 18)
    frames = [
        plane(
            quality={
                "sky_level_adu": float(sky) + 1000,
                "sky_variance_adu2": float(sky) / 1.6 + 25.0,
                "gain_source": "sky",
                "as_read": as_read,
            }
        )
        for sky in skies
    ]
    report = report_of(request_for("0" * 64, 1).camera, 1, frames)
    measured = {figure.name: figure.measured for figure in report.figures}
    assert measured.get("gain") == (pytest.approx(1.6, rel=1e-3) if as_read else None)


def test_a_level_that_is_only_stated_teaches_nothing() -> None:
    stated = {"saturation_adu": 3000.0, "saturated_fraction": 0.01}
    camera = request_for("0" * 64, 1).camera
    report = report_of(camera, 1, [plane(quality=stated)] * 6)
    assert "saturation_level" not in {figure.name for figure in report.figures}
    seen = stated | {"saturation_seen_adu": 2990.0}
    report = report_of(camera, 1, [plane(quality=seen)] * 6)
    assert 2990.0 in {figure.measured for figure in report.figures}


def test_crowded_skies_say_nothing_of_the_gain() -> None:
    def frame(sky: float, sources: int):
        level = {"sky_level_adu": sky, "sky_variance_adu2": sky / 1.5 + 10}
        return plane(quality={**level, "n_sources": sources, "fwhm_px": 3.0})

    skies = (100.0, 300.0, 500.0, 700.0, 900.0, 1100.0)
    few = sky_gain([frame(sky, 700) for sky in skies])
    assert few is not None
    assert few.value == pytest.approx(1.5)
    assert sky_gain([frame(sky, 800) for sky in skies]) is None


def test_a_list_of_sources_has_no_pixels_to_tell_of() -> None:
    listed = plane(catalogue_file={"format": "fits"})
    assert listed.pixel_scale_arcsec is None


def test_chips_with_zero_points_of_their_own_share_a_shutter() -> None:
    frames = [
        replace(
            frame,
            zero_point=frame.zero_point + offset,
            sampled=replace(frame.sampled, image=image),
        )
        for image, offset in (("1 N1", 0.0), ("2 N2", 0.4))
        for frame in nights(0.1)
    ]
    found = shutter_time(frames)
    assert found is not None
    assert abs(found.value - 0.1) < 3 * found.error


def test_no_more_maps_are_offered_than_a_request_carries() -> None:
    frames = [mapped(0.001 * n, image=f"{n} CHIP") for n in range(30) for _ in range(5)]
    report = report_of(request_for("0" * 64, 1).camera, 1, nights_of(frames))
    assert len(report.flat_maps) == 30
    assert report.proposal is not None
    offered = report.proposal.changes["learned"]["flat_maps"]
    assert {one["image"] for one in offered} == {f"{n} CHIP" for n in range(6, 30)}
    assert "24 flat-field maps (6 that are less sure" in report.proposal.sentences[-1]


def test_a_night_does_not_break_at_midnight_utc() -> None:
    before, after = (
        plane(timing={"mid_exposure_mjd_utc": mjd}) for mjd in (61000.4, 61000.7)
    )
    assert before.night == after.night
    other = plane(timing={"mid_exposure_mjd_utc": 61001.5})
    assert other.night != before.night


def test_a_frame_sums_up_its_residuals_in_cells() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-0.5, 799.5, 500), rng.uniform(-0.5, 399.5, 500)
    vignetted = 0.04 * (x > 700)
    found = residual_map(x, y, vignetted, np.full(500, 0.02), (400, 800))
    assert sum(cell.stars for cell in found.cells) == 500
    for cell in found.cells:
        mean = cell.weighted_residual / cell.weight
        assert mean == pytest.approx(0.04 if cell.column == 7 else 0.0)
