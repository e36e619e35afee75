"""Whole reductions: a real frame, a simulated night, and what goes wrong."""

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.reference_catalogues.catalogue import EmptyCatalogue, open_catalogue
from bhtom_cpcs.science.explain.drawing import draw_summary
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import CameraSettings, ReductionRequest, TargetPosition
from bhtom_sky import HUNTSMAN_FOOTPRINT, Camera, Frame, night

EVENING = datetime(2026, 3, 1, 12, tzinfo=UTC)
NIGHT_SEEDS = (1, 2, 3, 7)


def written(frame: Frame, folder: Path) -> Path:
    path = folder / frame.name
    path.write_bytes(frame.fits_bytes)
    return path


def huntsman_request(requested: str = "GaiaSP/any") -> ReductionRequest:
    ra, dec, _ = HUNTSMAN_FOOTPRINT
    return ReductionRequest((TargetPosition(1, ra, dec),), requested_filter=requested)


def test_real_frame(huntsman: tuple[Path, Path]) -> None:
    path, root = huntsman
    (plane,) = reduce_frame(
        path, huntsman_request(), open_catalogue(root, "GaiaSP")
    ).planes
    fit = plane.zero_point
    assert fit is not None
    assert fit.passband == "GaiaSP/r"
    assert fit.n_stars >= 40
    assert fit.scatter <= 0.05
    assert plane.filter is not None
    assert plane.filter.disagrees
    assert plane.filter.sentence == ("Header said g; the stars say r.")
    assert plane.wcs is not None
    assert 1.0 < plane.wcs.offset_arcsec < 3.0
    assert plane.wcs.rms_arcsec < 0.3
    assert plane.outcome in (Outcome.CALIBRATED, Outcome.LIMIT)
    assert plane.provenance.tile_hashes


@pytest.mark.parametrize("requested", ["GaiaSP/ugriz", "GaiaSP/r", "no"])
def test_narrower_request_gives_the_same_numbers(
    huntsman: tuple[Path, Path], requested: str
) -> None:
    path, root = huntsman
    reference = open_catalogue(root, "GaiaSP")
    whole = reduce_frame(path, huntsman_request(), reference).planes[0]
    part = reduce_frame(path, huntsman_request(requested), reference).planes[0]
    assert whole.measurements == part.measurements
    assert whole.zero_point is not None
    assert part.zero_point is not None
    # what is said of the band's choice may differ, its numbers may not
    assert replace(whole.zero_point, ranking=(), flags=()) == replace(
        part.zero_point, ranking=(), flags=()
    )


def test_forced_band_is_said_to_disagree(huntsman: tuple[Path, Path]) -> None:
    path, root = huntsman
    (plane,) = reduce_frame(
        path, huntsman_request("GaiaSP/g"), open_catalogue(root, "GaiaSP")
    ).planes
    assert plane.zero_point is not None
    assert plane.zero_point.passband == "GaiaSP/g"
    assert "The requested band is g; the stars say r." in plane.warnings
    assert "filter_disagrees" in plane.zero_point.flags
    assert "non_standard_passband" in plane.zero_point.flags


@pytest.fixture(scope="module")
def nights(fields: Callable, tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Four nights of 24 frames, measured."""
    folder = tmp_path_factory.mktemp("nights")
    points = []
    for seed in NIGHT_SEEDS:
        field = fields(seed)
        camera = Camera(wcs_offset_arcsec=(3.0, -2.0))
        for frame in night(field.sky, camera, EVENING, seed=seed):
            path = written(frame, folder)
            (plane,) = reduce_frame(path, field.request, field.reference).planes
            points.append({"plane": plane, "truth": frame.truth, "seed": seed})
    return points


def test_night_agrees_with_its_truth(nights: list[dict]) -> None:
    pulls = []
    for point in nights:
        plane, truth = point["plane"], point["truth"]
        assert plane.outcome is Outcome.CALIBRATED, plane.message
        assert plane.zero_point.passband == "GaiaSP/r"
        assert plane.timing.mid_exposure_mjd_utc == pytest.approx(
            truth["mid_exposure_mjd_utc"], abs=1e-7
        )
        measured = plane.measurements[0]
        true = truth["variables"][0]["magnitude"]
        pulls.append((measured.magnitude - true) / measured.magnitude_error)
    assert np.max(np.abs(pulls)) < 5
    assert 0.7 < np.mean(np.square(pulls)) < 1.4


def test_errors_follow_the_signal(nights: list[dict]) -> None:
    """The control of the test above: the errors are not simply large."""
    errors = [point["plane"].measurements[0].magnitude_error for point in nights]
    assert np.median(errors) < 0.02


def test_zero_points_follow_the_camera(nights: list[dict]) -> None:
    offsets = [
        point["plane"].zero_point.value - point["truth"]["zero_point"]
        for point in nights
    ]
    # the light beyond three FWHM is not in the total: some 1 % of a Moffat star
    assert abs(np.median(offsets) + 0.013) < 0.012
    assert np.std(offsets) < 0.03


def test_header_offset_is_found(nights: list[dict]) -> None:
    for point in nights:
        wcs = point["plane"].wcs
        assert wcs.offset_ra_arcsec == pytest.approx(-3.0, abs=0.2)
        assert wcs.offset_dec_arcsec == pytest.approx(2.0, abs=0.2)


def test_same_input_same_bits(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    path = written(frame_of(), tmp_path)
    answers = [reduce_frame(path, field.request, field.reference) for _ in range(2)]
    first, second = (json.dumps(answer.to_json()) for answer in answers)
    assert first == second
    pictures = [draw_summary(answer.planes[0].explanation) for answer in answers]
    assert pictures[0] == pictures[1]
    assert pictures[0].startswith(b"\x89PNG")


def test_packed_copies_give_the_same_answer(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    path = written(frame_of(), tmp_path)
    zipped = tmp_path / "frame.fits.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    with fits.open(path) as hdus:
        packed = fits.CompImageHDU(hdus[0].data, hdus[0].header)
        fits.HDUList([fits.PrimaryHDU(), packed]).writeto(tmp_path / "frame.fits.fz")
    answers = [
        reduce_frame(form, field.request, field.reference)
        for form in (path, zipped, tmp_path / "frame.fits.fz")
    ]
    assert len({answer.pixel_fingerprint for answer in answers}) == 1
    values = {answer.planes[0].measurements[0].magnitude for answer in answers}
    assert len(values) == 1


def test_json_is_plain(field, frame_of: Callable[..., Frame], tmp_path: Path) -> None:
    answer = reduce_frame(written(frame_of(), tmp_path), field.request, field.reference)
    plain = json.dumps(answer.to_json(), allow_nan=False)
    assert json.loads(plain)["planes"][0]["outcome"] == "calibrated"


def altered(
    frame: Frame, path: Path, change: Callable[[np.ndarray, fits.Header], np.ndarray]
) -> Path:
    source = path.with_suffix(".before")
    source.write_bytes(frame.fits_bytes)
    with fits.open(source) as hdus:
        header = hdus[0].header.copy()
        image = change(hdus[0].data.astype(np.float32), header)
    for card in ("BZERO", "BSCALE"):
        header.remove(card, ignore_missing=True)
    fits.PrimaryHDU(image, header).writeto(path)
    return path


def without(*cards: str) -> Callable[[np.ndarray, fits.Header], np.ndarray]:
    def change(image: np.ndarray, header: fits.Header) -> np.ndarray:
        for card in cards:
            del header[card]
        return image

    return change


def far_away(image: np.ndarray, header: fits.Header) -> np.ndarray:
    header["CRVAL1"] += 4.0
    return image


def flat(image: np.ndarray, header: fits.Header) -> np.ndarray:
    header["IMAGETYP"] = "Flat Field"
    return image


def blank(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return np.random.default_rng(1).normal(300, 9, image.shape).astype(np.float32)


def zero(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return np.zeros_like(image)


def masked(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return np.full_like(image, np.nan)


def scrambled(image: np.ndarray, header: fits.Header) -> np.ndarray:
    """Stars, but nowhere near each other as on the sky."""
    rng = np.random.default_rng(3)
    size = 64
    tiles = [
        image[y : y + size, x : x + size]
        for y in range(0, image.shape[0], size)
        for x in range(0, image.shape[1], size)
    ]
    rows = image.shape[1] // size
    order = rng.permutation(len(tiles))
    return np.block(
        [
            [tiles[k][::-1] for k in order[start : start + rows]]
            for start in range(0, len(tiles), rows)
        ]
    )


def scrambled_without_wcs(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return without("CTYPE1", "CTYPE2")(scrambled(image, header), header)


def scrambled_far_away(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return far_away(scrambled(image, header), header)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without("DATE-OBS"), Outcome.NO_TIME),
        (scrambled_far_away, Outcome.TOO_FEW_MATCHES),
        (flat, Outcome.IS_FLAT),
        (blank, Outcome.TOO_FEW_STARS),
        (zero, Outcome.EMPTY_IMAGE),
        (masked, Outcome.EMPTY_IMAGE),
        (scrambled, Outcome.TOO_FEW_MATCHES),
        (scrambled_without_wcs, Outcome.NO_WCS),
    ],
)
def test_failures_are_outcomes(
    field, frame_of: Callable[..., Frame], tmp_path: Path, change, expected: Outcome
) -> None:
    path = altered(frame_of(), tmp_path / "altered.fits", change)
    request = replace(field.request, camera=CameraSettings(pixel_scale_arcsec=0.8))
    (plane,) = reduce_frame(path, request, field.reference).planes
    assert plane.outcome is expected, plane.message
    assert plane.message.endswith(".")
    assert plane.explanation is not None
    assert draw_summary(plane.explanation).startswith(b"\x89PNG")
    json.dumps(plane.to_json(), allow_nan=False)


def test_waits_for_the_catalogue(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    path = written(frame_of(), tmp_path)
    (plane,) = reduce_frame(path, field.request, EmptyCatalogue("GaiaSP")).planes
    assert plane.outcome is Outcome.WAITING_FOR_CATALOGUE
    assert plane.missing_tiles is not None
    assert plane.missing_tiles.pixels
    assert plane.quality is not None


def test_unknown_filter(field, frame_of: Callable[..., Frame], tmp_path: Path) -> None:
    request = replace(field.request, requested_filter="2MASS/J")
    path = written(frame_of(), tmp_path)
    (plane,) = reduce_frame(path, request, field.reference).planes
    assert plane.outcome is Outcome.UNKNOWN_FILTER
    assert "GaiaSP/r" in plane.message


def test_mosaic_answers_for_every_plane(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    with fits.open(written(frame_of(), tmp_path)) as hdus:
        image, header = hdus[0].data, hdus[0].header.copy()
        away = header.copy()
        away["CRVAL1"] += 3.0
        path = tmp_path / "mosaic.fits"
        fits.HDUList(
            [
                fits.PrimaryHDU(),
                fits.ImageHDU(image, away, name="CHIP1"),
                fits.ImageHDU(image, header, name="CHIP2"),
            ]
        ).writeto(path)
    planes = reduce_frame(path, field.request, field.reference).planes
    assert [(p.plane, p.plane_count, p.outcome) for p in planes] == [
        (0, 2, Outcome.TARGET_OUTSIDE_FRAME),
        (1, 2, Outcome.CALIBRATED),
    ]


def test_gain_of_averaged_frames_is_measured(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    def averaged(image: np.ndarray, header: fits.Header) -> np.ndarray:
        parts = [
            fits.getdata(written(frame_of(seed=seed), tmp_path)).astype(float)
            for seed in range(10, 18)
        ]
        return np.mean(parts, axis=0).astype(np.float32)

    path = altered(frame_of(), tmp_path / "mean.fits", averaged)
    (plane,) = reduce_frame(path, field.request, field.reference).planes
    assert plane.quality is not None
    assert plane.quality.noise_empirical
    # eight frames of 1.5 e-/ADU, the read noise counted with the sky's
    assert 5.0 < plane.quality.gain_e_per_adu < 13.0


SAMPLES = os.environ.get("SKY_SAMPLE_DATA")
ODD = (
    sorted(
        path for part in ("images", "odd") for path in (Path(SAMPLES) / part).iterdir()
    )
    if SAMPLES
    else []
)


@pytest.mark.skipif(not ODD, reason="SKY_SAMPLE_DATA names no folder of samples")
@pytest.mark.parametrize("path", ODD, ids=lambda path: path.name)
def test_every_sample_ends_in_a_stated_outcome(path: Path) -> None:
    request = ReductionRequest(
        (TargetPosition(1, 10.0, 10.0),), camera=CameraSettings()
    )
    answer = reduce_frame(path, request, EmptyCatalogue("GaiaSP"))
    assert len(answer.planes) == answer.planes[0].plane_count
    for plane in answer.planes:
        assert plane.message.endswith(".")
        json.dumps(plane.to_json(), allow_nan=False)


def test_damaged_card_is_said_and_survived(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    whole = frame_of().fits_bytes
    place = whole.index(b"EGAIN   =")
    path = tmp_path / "broken.fits"
    path.write_bytes(whole[: place + 10] + b"1.2.3 x'y" + whole[place + 19 :])
    (plane,) = reduce_frame(path, field.request, field.reference).planes
    assert plane.outcome is Outcome.CALIBRATED
    assert "Header cards that cannot be read: EGAIN." in plane.warnings
    assert plane.quality is not None
    assert plane.quality.noise_empirical


@pytest.mark.parametrize("seed", range(6))
def test_mutilated_frames_end_in_an_outcome(
    field, frame_of: Callable[..., Frame], tmp_path: Path, seed: int
) -> None:
    """Random bytes anywhere in header or data: an outcome, never an exception."""
    rng = np.random.default_rng(seed)
    whole = frame_of(Camera(width_px=128, height_px=128)).fits_bytes
    zipped = gzip.compress(whole)
    path = tmp_path / "mutilated.fits"
    for _ in range(12):
        content = bytearray(whole if rng.random() < 0.8 else zipped)
        region = 2400 if rng.random() < 0.8 else len(content)
        for place in rng.integers(0, min(region, len(content)), 8):
            content[place] = rng.integers(0, 256)
        path.write_bytes(bytes(content))
        answer = reduce_frame(path, field.request, field.reference)
        for plane in answer.planes:
            assert plane.message.endswith(".")
            json.dumps(plane.to_json(), allow_nan=False)
