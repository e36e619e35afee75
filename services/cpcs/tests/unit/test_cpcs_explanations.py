"""The pictures that go with an outcome can be read, and made again from their data."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.catalogue_reduction import reduce_catalogue
from bhtom_cpcs.science.explain.drawing import (
    detail_figure,
    draw_details,
    draw_summary,
    summary_figure,
)
from bhtom_cpcs.science.explain.explanation import Explanation, explanation_from_json
from bhtom_cpcs.science.explain.pictures import whole_frame
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import CameraSettings
from bhtom_sky import Camera, Frame

SENTENCE = (
    "The target is outside the frame: it lies 45.4 deg from the frame's centre, "
    "200.0000 -24.0000 deg; check the target's position and the frame's coordinates."
)


def failure(verdict: str) -> Explanation:
    pixels = np.random.default_rng(1).normal(size=(40, 40)).astype(np.float32)
    title = "PRIMARY: target_outside_frame"
    return Explanation(title, verdict, whole_frame=whole_frame(pixels))


@pytest.fixture
def success(field, frame_of: Callable[..., Frame], tmp_path: Path) -> Explanation:
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    (plane,) = reduce_frame(path, field.request, field.reference).planes
    assert plane.explanation is not None
    return plane.explanation


@pytest.mark.parametrize("verdict", ["Fine.", SENTENCE, f"{SENTENCE} Then try again."])
@pytest.mark.parametrize("draw", [summary_figure, detail_figure])
def test_a_verdict_covers_neither_title_nor_picture(draw, verdict: str) -> None:
    figure = draw(failure(verdict))
    figure.canvas.draw()
    title, told = (text.get_window_extent() for text in figure.texts)
    assert told.y1 < title.y0
    assert told.y0 > figure.axes[0].get_window_extent().y1


def test_the_data_draw_the_same_picture_again(success: Explanation) -> None:
    kept = json.loads(json.dumps(success.to_json(), allow_nan=False))
    again = explanation_from_json(kept)
    assert draw_summary(again) == draw_summary(success)
    assert draw_details(again, "png").startswith(b"\x89PNG")
    assert b"<svg" in draw_details(again, "svg")[:400]


def test_bands_are_called_as_on_the_page() -> None:
    bands = [
        {"passband": f"GaiaSP/{band}", "ranked": True, "scatter_mag": scatter}
        | {"chosen": band == "r"}
        for band, scatter in (("r", 0.02), ("g", 0.4))
    ]
    figure = detail_figure(replace(failure("Fine."), bands=tuple(bands)))
    labels = {
        label.get_text() for axes in figure.axes for label in axes.get_yticklabels()
    }
    assert {"r(GaiaSP)", "g(GaiaSP)"} <= labels


def test_every_matched_star_is_told_of(success: Explanation) -> None:
    stars = success.stars
    assert stars is not None
    assert stars.used.sum() > 20
    for star, reason in zip(stars.used, stars.why_not, strict=True):
        assert bool(reason) != star
    good = stars.used
    assert np.abs(np.median(stars.residual[good])) < 0.01
    assert np.isfinite(stars.colour[good]).all()
    refused = np.array([reason == "" for reason in stars.why_not]) ^ True
    refused &= np.array(
        [reason != "disagrees with the rest" for reason in stars.why_not]
    )
    assert refused.sum() > 5
    assert np.isfinite(stars.colour[refused]).all()
    assert np.isfinite(stars.air_mass[refused]).all()
    assert stars.colour_name == "g - r"
    assert [band["passband"] for band in success.bands if band["chosen"]] == [
        "GaiaSP/r"
    ]


def test_a_star_left_out_for_another_target_is_told_of_nowhere(
    field, frame_of: Callable[..., Frame], tmp_path: Path, success: Explanation
) -> None:
    """The suite's other targets may be private: their place must not show."""
    stars = success.stars
    assert stars is not None
    (number,) = np.flatnonzero(
        stars.reference_magnitude == np.min(stars.reference_magnitude[stars.used])
    )
    star = np.argmin(
        np.abs(field.sky.magnitude["r"] - stars.reference_magnitude[number])
    )
    place = (float(field.sky.ra_deg[star]), float(field.sky.dec_deg[star]))
    path = tmp_path / "again.fits"
    path.write_bytes(frame_of().fits_bytes)
    decisions = replace(field.request.decisions, other_targets=(place,))
    request = replace(field.request, decisions=decisions)
    (plane,) = reduce_frame(path, request, field.reference).planes
    assert plane.explanation is not None
    assert plane.explanation.stars is not None
    left = plane.explanation.stars
    assert len(left.used) == len(stars.used) - 1
    away = np.hypot(left.x_px - stars.x_px[number], left.y_px - stars.y_px[number])
    assert away.min() > 1
    assert "another target" not in json.dumps(plane.to_json())
    assert "another target" not in json.dumps(plane.explanation.to_json())


def no_date(header: fits.Header) -> None:
    for card in ("DATE-OBS", "TIMESYS"):
        header.remove(card, ignore_missing=True)


def of_dark(header: fits.Header) -> None:
    header["IMAGETYP"] = "Dark Frame"


@pytest.mark.parametrize(
    ("change", "requested", "outcome"),
    [
        (no_date, "GaiaSP/any", Outcome.NO_TIME),
        (None, "GaiaSP/any", Outcome.TARGET_SATURATED),
        (of_dark, "GaiaSP/any", Outcome.IS_DARK),
        (None, "GaiaSP/typo", Outcome.UNKNOWN_FILTER),
    ],
)
def test_a_refused_target_is_shown_where_it_is(
    field,
    frame_of: Callable[..., Frame],
    tmp_path: Path,
    change: Callable[[fits.Header], None] | None,
    requested: str,
    outcome: Outcome,
) -> None:
    """The cut-out says whether the stars or only the header tell of its place."""
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    with fits.open(path, mode="update") as hdus:
        shape = hdus[0].shape
        middle = hdus[0].data[shape[0] // 2 - 3 :, shape[1] // 2 - 3 :][:7, :7]
        if change is not None:
            change(hdus[0].header)
    request = replace(field.request, requested_filter=requested)
    if outcome is Outcome.TARGET_SATURATED:
        limit = 0.7 * float(middle.max())
        request = replace(request, camera=CameraSettings(saturation_adu=limit))
    (plane,) = reduce_frame(path, request, field.reference).planes
    assert plane.outcome is outcome, plane.message
    shown = plane.explanation
    assert shown is not None
    assert shown.target is not None
    assert shown.target.x_px == pytest.approx((shape[1] - 1) / 2, abs=2)
    assert shown.target.y_px == pytest.approx((shape[0] - 1) / 2, abs=2)
    assert shown.around_target is not None
    by_header = outcome is not Outcome.TARGET_SATURATED
    assert ("where the header puts" in shown.around_target.label) == by_header
    assert draw_summary(explanation_from_json(shown.to_json())) == draw_summary(shown)


def test_a_target_beside_the_frame_has_no_cut_out(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of().fits_bytes)
    beside = replace(field.request.targets[0], dec_deg=field.sky.centre[1] + 0.5)
    request = replace(field.request, targets=(beside,))
    (plane,) = reduce_frame(path, request, field.reference).planes
    assert plane.outcome is Outcome.TARGET_OUTSIDE_FRAME
    assert plane.explanation is not None
    assert plane.explanation.around_target is None
    assert plane.explanation.target is None
    assert draw_details(plane.explanation, "png").startswith(b"\x89PNG")


def test_a_poor_zero_point_shows_its_stars(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    """Stretched on the disk: refused, with the residuals that say why."""
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of(Camera(width_px=450, height_px=450)).fits_bytes)
    with fits.open(path) as hdus:
        header, image = hdus[0].header.copy(), hdus[0].data.astype(np.float64)
    for card in ("BZERO", "BSCALE", "SATURATE"):
        header.remove(card, ignore_missing=True)
    sky = np.median(image)
    bent = sky + 100 * np.arcsinh((image - sky) / 100)
    fits.PrimaryHDU(bent.astype(np.float32), header).writeto(path, overwrite=True)
    (plane,) = reduce_frame(path, field.request, field.reference).planes
    assert plane.outcome is Outcome.NOT_LINEAR, plane.message
    shown = plane.explanation
    assert shown is not None
    assert shown.stars is not None
    assert shown.stars.used.sum() > 10
    assert shown.around_target is not None
    assert any(band["chosen"] for band in shown.bands)


def test_a_list_of_sources_is_drawn_as_a_field(field, tmp_path: Path) -> None:
    sky = field.sky
    near = np.abs(sky.dec_deg - sky.centre[1]) < 0.05
    rows = [
        f"{ra:.6f},{dec:.6f},{mag:.3f},0.01"
        for ra, dec, mag in zip(
            sky.ra_deg[near],
            sky.dec_deg[near],
            sky.magnitude["r"][near] - 24,
            strict=True,
        )
    ]
    path = tmp_path / "list.csv"
    path.write_text("\n".join(["ra,dec,mag,magerr", *rows]))
    request = replace(field.request, mid_exposure_mjd_utc=61100.5)
    (plane,) = reduce_catalogue(path, request, field.reference).planes
    assert plane.outcome is Outcome.CALIBRATED, plane.message
    shown = plane.explanation
    assert shown is not None
    assert shown.whole_frame is None
    assert shown.source_field is not None
    assert len(shown.source_field.x_px) == len(rows)
    assert shown.source_field.fainter_mag.min() == 0
    again = explanation_from_json(json.loads(json.dumps(shown.to_json())))
    for one in (shown, again):
        figure = summary_figure(one)
        (dots,) = figure.axes[0].collections
        assert len(dots.get_offsets()) == len(rows)
        about = detail_figure(one).axes[0]
        assert about.get_xlim()[0] < one.target.x_px < about.get_xlim()[1]
