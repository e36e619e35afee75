"""Frames that are not of the sky, or whose sources are no stars: said, not measured."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits

from bhtom_cpcs.reference_catalogues.catalogue import TileCatalogue
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.frame_hints import overscan_mask
from bhtom_cpcs.science.frames.planes import make_plane
from bhtom_cpcs.science.frames.star_images import in_common
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.request import ReductionRequest
from bhtom_cpcs.science.stages import frame_stages, star_stages
from bhtom_cpcs.science.stages.plane_state import PlaneState
from bhtom_cpcs.science.stages.verdict import verdict_of
from bhtom_cpcs.science.stop import Stop
from bhtom_sky import Camera, Frame
from bhtom_sky.rendering import add_cosmic_rays

FloatArray = npt.NDArray[np.float64]


def spots(
    along: float,
    across: float,
    *,
    angle_deg: float | None = 30.0,
    count: int = 60,
    seed: int = 3,
    sky: float = 400.0,
    side: int = 500,
) -> FloatArray:
    """Gaussian images of given axes (rms), in one direction or in any."""
    random = np.random.default_rng(seed)
    row, column = np.indices((side, side))
    light = np.full((side, side), sky)
    for _ in range(count):
        x, y = random.uniform(40, side - 40, 2)
        turn = random.uniform(0, 180) if angle_deg is None else angle_deg
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        box = np.s_[int(y) - 40 : int(y) + 41, int(x) - 40 : int(x) + 41]
        dx, dy = column[box] - x, row[box] - y
        u, v = (dx * cos + dy * sin) / along, (dy * cos - dx * sin) / across
        peak = 40000 * random.uniform(0.3, 1) / (along * across)
        light[box] += peak * np.exp(-(u**2 + v**2) / 2)
    return light + random.normal(0, np.sqrt(np.maximum(sky, 25)), light.shape)


@dataclass
class Judged:
    """What the stages up to the sources made of a frame."""

    outcome: Outcome | None
    message: str
    flags: list[str]
    masked: float
    warnings: list[str]


def judged(
    image: npt.NDArray[Any], catalogue: TileCatalogue, **cards: object
) -> Judged:
    header = fits.Header(list(cards.items()))
    plane = make_plane("image", header, image, ())
    state = PlaneState(plane, ReductionRequest(targets=()), catalogue)
    outcome, message = None, ""
    try:
        frame_stages.check_kind(state)
        frame_stages.read_detector(state)
        star_stages.find_sources(state)
    except Stop as stop:
        outcome, message = stop.outcome, stop.message
    masked = 0.0 if plane.mask is None else float(plane.mask.mean())
    return Judged(outcome, message, state.frame_flags, masked, state.warnings)


@pytest.fixture
def reduce(field) -> Callable[..., Judged]:  # type: ignore[no-untyped-def]
    def run(image: npt.NDArray[Any], **cards: object) -> Judged:
        return judged(image.astype(np.float32), field.reference, **cards)

    return run


def test_trails_are_refused(reduce: Callable) -> None:
    plane = reduce(spots(7.0, 1.6))
    assert plane.outcome is Outcome.TRAILED
    assert "times longer" in plane.message


def test_long_trails_of_sharp_stars_are_refused(
    reduce: Callable, frame_of: Callable[..., Frame]
) -> None:
    """Forty pixels long: the first look takes them for stars twelve pixels wide."""
    camera = Camera(width_px=512, height_px=512, cosmic_rays=0)
    with fits.open(io.BytesIO(frame_of(camera).fits_bytes)) as hdus:
        image = hdus[0].data.astype(float)
    sky = np.median(image)
    trail = sum(np.roll(image - sky, shift, axis=1) for shift in range(40)) / 40
    noise = np.random.default_rng(8).normal(0, 14, image.shape)
    assert reduce(sky + trail + noise).outcome is Outcome.TRAILED


def test_streaks_that_turn_with_the_field_are_refused(reduce: Callable) -> None:
    assert reduce(spots(11.0, 1.5, angle_deg=None)).outcome is Outcome.TRAILED


@pytest.mark.parametrize(
    "image", [spots(1.8, 1.6), spots(4.2, 1.6, angle_deg=None), spots(1.7, 1.7)]
)
def test_round_stars_and_galaxies_of_any_direction_are_no_trails(
    reduce: Callable, image: FloatArray
) -> None:
    plane = reduce(image)
    assert plane.outcome is not Outcome.TRAILED
    assert "drawn_out" not in plane.flags


@pytest.mark.parametrize(("stars", "may_be_dark"), [(0, True), (40, False)])
def test_hot_pixels_without_a_star_may_be_a_darks(
    reduce: Callable, stars: int, may_be_dark: bool
) -> None:
    image, random = spots(1.6, 1.6, count=stars), np.random.default_rng(5)
    row, column = random.integers(0, 500, (2, 300))
    image[row, column] += random.exponential(2000, 300) + 300
    told = [text for text in reduce(image).warnings if "may be a dark" in text]
    assert bool(told) is may_be_dark


def test_stars_that_are_drawn_out_are_flagged(reduce: Callable) -> None:
    plane = reduce(spots(2.6, 1.6))
    assert "drawn_out" in plane.flags
    assert plane.outcome is not Outcome.TRAILED


def test_a_lonely_disc_is_out_of_focus(reduce: Callable) -> None:
    random = np.random.default_rng(5)
    image = random.normal(800, 30, (700, 600))
    row, column = np.indices(image.shape)
    distance = np.hypot(column - 300, row - 350)
    image[(distance < 18) & (distance > 5)] += 6000
    plane = reduce(image)
    assert plane.outcome is Outcome.OUT_OF_FOCUS
    assert "disc" in plane.message


def test_one_burnt_out_star_among_faint_ones_is_no_disc(reduce: Callable) -> None:
    image = spots(1.7, 1.7, count=2)
    row, column = np.indices(image.shape)
    image[np.hypot(column - 250, row - 250) < 14] = 30000
    assert reduce(image).outcome is not Outcome.OUT_OF_FOCUS


def test_a_difference_image_is_told_by_its_sky(reduce: Callable) -> None:
    one = spots(1.7, 1.7, sky=400.0)
    other = spots(1.7, 1.7, sky=400.0, seed=4)
    plane = reduce(one - other)
    assert plane.outcome is Outcome.IS_DIFFERENCE
    assert "below its sky" in plane.message
    only_subtracted = reduce(one - 400.0)
    assert only_subtracted.outcome is not Outcome.IS_DIFFERENCE


@pytest.mark.parametrize(
    ("cards", "outcome"),
    [
        ({"IMAGETYP": "difference"}, Outcome.IS_DIFFERENCE),
        ({"PRODTYPE": "diffimage"}, Outcome.IS_DIFFERENCE),
        ({"KSUM00": 0.99}, Outcome.IS_DIFFERENCE),
        ({"OBJECT": "Master Dark"}, Outcome.IS_DARK),
        ({"OBJECT": "skyflat_003"}, Outcome.IS_FLAT),
        ({"OBJECT": "bias"}, Outcome.IS_BIAS),
        ({"CTYPE1": "LAMBDA", "CTYPE2": "ANGLE"}, Outcome.NO_IMAGE),
    ],
)
def test_headers_that_say_what_the_frame_is(
    reduce: Callable, cards: dict[str, object], outcome: Outcome
) -> None:
    assert reduce(spots(1.7, 1.7, count=5), **cards).outcome is outcome


@pytest.mark.parametrize(
    "cards",
    [
        {"OBJECT": "Dark Doodad", "IMAGETYP": "Light Frame"},
        {"OBJECT": "Flatiron nebula"},
        {"OBJECT": "Zeroth star", "OBSTYPE": "object"},
        {"OBJECT": "dark", "IMAGETYP": "object"},
        {"OBJECT": "Diffuse nebula"},
        {"OBJECT": "Different field"},
        {"IMAGETYP": "Light Frame (dark and flat corrected)"},
    ],
)
def test_names_that_only_sound_like_it(reduce: Callable, cards: dict) -> None:
    refused = (Outcome.IS_DARK, Outcome.IS_FLAT, Outcome.IS_BIAS, Outcome.IS_DIFFERENCE)
    assert reduce(spots(1.7, 1.7, count=5), **cards).outcome not in refused


def test_a_saturated_frame_is_told_its_limit(reduce: Callable) -> None:
    image = np.minimum(spots(1.7, 1.7, sky=64000.0), 65535)
    image[:300] = 65535
    plane = reduce(image)
    assert plane.outcome is Outcome.SATURATED_FRAME
    assert "65" in plane.message


def test_stretches_are_flagged(reduce: Callable) -> None:
    shades = np.clip(spots(1.7, 1.7, sky=30.0) / 4, 0, 255)
    assert "eight_bit" not in reduce(shades).flags  # floating point
    assert "stretched" in reduce(shades, HISTORY="HistogramTransformation").flags
    assert "stretched" not in reduce(shades, HISTORY="flat corrected").flags


def test_eight_bits_are_flagged(field) -> None:  # type: ignore[no-untyped-def]
    shades = np.clip(spots(1.7, 1.7, sky=30.0) / 4, 0, 255)
    assert "eight_bit" in judged(shades.astype(np.uint8), field.reference).flags
    assert "eight_bit" in judged(shades.astype(np.int16), field.reference).flags
    assert (
        "eight_bit" not in judged((4 * shades).astype(np.int16), field.reference).flags
    )


def test_a_stretched_picture_is_no_difference(field) -> None:  # type: ignore[no-untyped-def]
    light = spots(1.7, 1.7, sky=400.0)
    low, high = np.percentile(light, (20, 99.7))
    root = 255 * np.sqrt(np.clip((light - low) / (high - low), 0, 1))
    told = judged(root.astype(np.uint8), field.reference)
    assert told.outcome is not Outcome.IS_DIFFERENCE
    assert "eight_bit" in told.flags
    # The control: nothing tells that these have been stretched.
    assert judged(root, field.reference).outcome is Outcome.IS_DIFFERENCE


def test_a_verdict_tells_what_was_done_to_the_file() -> None:
    plane = make_plane("image", fits.Header(), np.ones((20, 20)), ())
    state = PlaneState(plane, ReductionRequest(targets=()), None)  # type: ignore[arg-type]
    state.outcome, state.message = Outcome.TARGET_SATURATED, "It is saturated."
    assert verdict_of(state) == "It is saturated."
    state.frame_flags.append(FlagWord.EIGHT_BIT)
    assert verdict_of(state).startswith("It is saturated. The frame has 8 bits only;")
    state.outcome = Outcome.NOT_LINEAR
    assert verdict_of(state) == "It is saturated."


def test_a_flat_without_a_card_is_told_from_saturated_stars(reduce: Callable) -> None:
    random = np.random.default_rng(4)
    bowl = 1 - 0.1 * np.square((np.arange(500) - 250) / 250)
    plane = reduce(random.normal(30000, 170, (500, 500)) * bowl)
    assert plane.outcome is Outcome.SATURATED_FRAME
    assert "flat field" in plane.message


def test_overscan_in_the_image_is_masked_and_said(reduce: Callable) -> None:
    image = spots(1.7, 1.7)
    image[:, 480:] = 100.0
    cards = {"BIASSEC": "[481:500,1:500]", "TRIMSEC": "[1:480,1:500]"}
    plane = reduce(image, **cards)
    assert "not_calibrated" in plane.flags
    assert plane.masked == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("cards", "raw"),
    [
        ({"CALSTAT": "BD"}, True),
        ({"CALSTAT": "BDF"}, False),
        ({"CALSTAT": "see log"}, False),
        ({"PROCTYPE": "raw"}, True),
        ({"PROCTYPE": "InstCal"}, False),
        ({"FLATCORR": "PERFORM"}, True),
        ({"FLATCORR": "COMPLETE"}, False),
    ],
)
def test_headers_that_say_a_frame_is_raw(
    reduce: Callable, cards: dict[str, object], raw: bool
) -> None:
    flags = reduce(spots(1.7, 1.7, count=5), **cards).flags
    assert ("not_calibrated" in flags) is raw


@pytest.mark.parametrize(
    "cards",
    [
        {"BIASSEC": "[1063:1112,1:4096]", "TRIMSEC": "[1:480,1:500]"},
        {"BIASSEC": "[481:500,1:500]"},
        {"BIASSEC": "[481:500,1:500]", "TRIMSEC": "[21:520,1:500]"},
        {"BIASSEC": "[1:20,1:500]", "TRIMSEC": "[1:480,1:500]"},
        {"BIASSEC": "UNKNOWN", "TRIMSEC": "[1:480,1:500]"},
    ],
)
def test_sections_of_another_time_mask_nothing(cards: dict[str, str]) -> None:
    assert overscan_mask(fits.Header(list(cards.items())), (500, 500)) is None


def sparse_frame(
    seed: int, *, count: int, trail_px: float = 0.0, brightest: float = 2.5
) -> FloatArray:
    """Few faint stars of a FWHM of 4 px, drawn out or not, and tracks of particles."""
    random = np.random.default_rng(seed)
    side, sigma = 300, 4 / 2.3548
    row, column = np.indices((side, side))
    light = np.full((side, side), 200.0)
    for _ in range(count):
        x, y = random.uniform(15, side - 15, 2)
        flux = 200 * 10 ** random.uniform(0.6, brightest)
        for part in np.linspace(-trail_px / 2, trail_px / 2, 9):
            away = (column - x - 0.8 * part) ** 2 + (row - y - 0.6 * part) ** 2
            light += flux / 9 / (2 * np.pi * sigma**2) * np.exp(-away / 2 / sigma**2)
    image = random.normal(light, np.sqrt(light)).astype(np.float32)
    add_cosmic_rays(image, 6, random)
    return image.astype(float)


def test_noise_and_particles_make_no_trails_of_sparse_stars(reduce: Callable) -> None:
    """ADR 0009 tells of 600; of these 34 the median of all images took 7 for trails."""
    for seed in range(34):
        plane = reduce(sparse_frame(seed, count=4 + seed % 8, brightest=1.2))
        assert plane.outcome is not Outcome.TRAILED, seed
        assert "drawn_out" not in plane.flags, seed


def test_short_and_long_trails_of_some_stars_are_recognised(reduce: Callable) -> None:
    short = [reduce(sparse_frame(seed, count=25, trail_px=6.0)) for seed in range(8)]
    assert sum("drawn_out" in plane.flags for plane in short) >= 7
    long = [reduce(sparse_frame(seed, count=25, trail_px=16.0)) for seed in range(8)]
    assert sum(plane.outcome is Outcome.TRAILED for plane in long) >= 7


def test_directions_in_common_must_not_be_chance() -> None:
    """Long images of five stars that point anywhere: few frames of 1,000 look alike."""
    random = np.random.default_rng(6)
    for n_stars in (5, 8, 20):
        angles = random.uniform(0, 2 * np.pi, (1000, n_stars))
        alike = [in_common(0.7 * np.exp(1j * one)).is_trailed for one in angles]
        assert np.mean(alike) < 0.008
    assert in_common(0.7 * np.exp(0.2j * random.normal(size=6))).is_trailed
    assert not in_common(np.full(4, 0.7 + 0j)).is_trailed
