"""What frames must agree on before a scene takes a target to lie on a galaxy."""

import random
from dataclasses import replace

import numpy as np
import pytest

from bhtom_cpcs.science.decisions import Scene, SceneMember, SceneStar
from bhtom_cpcs.science.scene_evidence import LightAbout, SceneEvidence
from bhtom_cpcs.science.targets.host_learning import LearntHost, learn_host, mean_light
from bhtom_cpcs.science.targets.scene_learning import learn_star, with_stars

RA, DEC, MJD = 150.0, 20.0, 61100.2
ERROR = 0.025


def frames(
    *directions: float,
    count: int = 20,
    seed: int = 1,
    systematic: float = 0.0,
    nights: int = 4,
) -> list[SceneEvidence]:
    """Frames with this light in the first of the eight directions, and noise."""
    rng = np.random.default_rng(seed)
    light = np.zeros(8)
    light[: len(directions)] = directions
    noise = rng.normal(0, ERROR / np.sqrt(8), (count, 8))
    return [
        SceneEvidence(
            calibration_id=100 + number,
            mid_exposure_mjd=MJD + number % nights + 0.01 * number,
            night=number % nights,
            passband="GaiaSP/r",
            fwhm_arcsec=2.0 + 0.01 * number,
            depth=20.0,
            light=LightAbout(
                ra_deg=(RA + 1e-6 * number) % 360,
                dec_deg=DEC,
                sectors=tuple(float(value) for value in light + noise[number]),
                error=ERROR,
                systematic=systematic,
                said=False,
            ),
        )
        for number in range(count)
    ]


def saying(frame: SceneEvidence) -> SceneEvidence:
    """The frame, showing a host by itself."""
    assert frame.light is not None
    return replace(frame, light=replace(frame.light, said=True))


def test_light_that_no_frame_shows_is_a_host_in_twenty() -> None:
    history = frames(*8 * [0.006])
    assert all(learn_host([frame]) is None for frame in history)
    assert learn_host(history[:4]) is None
    found = learn_host(history)
    assert found is not None
    # six of eight directions
    assert found.share == pytest.approx(0.036, abs=0.01)
    assert found.share > 5 * found.share_error
    assert (found.n_frames, found.n_saying, found.n_nights) == (20, 0, 4)
    assert (found.star.kind, found.star.source) == (SceneMember.HOST, "frames")
    assert found.star.ra_deg == pytest.approx(RA + 9.5e-6, abs=1e-9)


def test_the_order_of_the_history_changes_nothing() -> None:
    history = frames(*8 * [0.006])
    shuffled = random.Random(3).sample(history, len(history))
    assert learn_host(shuffled) == learn_host(history)


def test_noise_is_no_host() -> None:
    found = [learn_host(frames(seed=seed)) for seed in range(300)]
    assert found == [None] * 300


@pytest.mark.parametrize("first", range(8))
def test_one_star_too_faint_to_be_found_is_no_host(first: int) -> None:
    """It lies in one direction or between two, whichever these are."""
    for light in ((0.08,), (0.05, 0.05)):
        directions = np.roll([*light, *(8 - len(light)) * [0.0]], first)
        assert learn_host(frames(*directions)) is None


def test_what_the_frames_stars_have_too_is_no_host() -> None:
    """Wings that the model misses, and crowds: these do not average out."""
    assert learn_host(frames(*8 * [0.006], systematic=0.02)) is None


def test_little_light_is_a_wrong_psf() -> None:
    assert learn_host(frames(*8 * [0.002], count=400)) is None


def test_a_few_frames_with_much_light_are_no_host() -> None:
    """A body that passes, or the Moon in a corner."""
    history, bright = frames(), frames(*8 * [0.2])
    assert learn_host([*history[:18], *bright[18:]]) is None


def test_one_night_wants_five_frames_over_an_hour() -> None:
    history = frames(*8 * [0.03], nights=1)
    assert learn_host(history[:4]) is None
    assert learn_host(history[:5]) is None  # over 58 minutes
    assert learn_host(history[:6]) is not None


def test_frames_that_show_it_by_themselves_decide_too() -> None:
    history = frames()
    assert learn_host([*map(saying, history[:2]), *history[2:4]]) is None
    assert learn_host([*map(saying, history[:3]), *history[3:]]) is not None
    # soft frames say it, those as sharp do not
    assert learn_host([*history[:17], *map(saying, history[17:])]) is None


def test_frames_without_light_tell_nothing() -> None:
    history = [replace(frame, light=None) for frame in frames(*8 * [0.03])]
    assert learn_host(history) is None
    assert learn_host([]) is None


def test_across_the_edge_of_the_sky() -> None:
    history = frames(*8 * [0.03])
    turned = [
        replace(frame, light=replace(frame.light, ra_deg=(359.99999 + 1e-6 * n) % 360))
        for n, frame in enumerate(history)
        if frame.light is not None
    ]
    found = learn_host(turned)
    assert found is not None
    assert min(found.star.ra_deg, 360 - found.star.ra_deg) < 1e-5


def test_the_mean_has_the_error_that_it_says() -> None:
    means = [
        mean_light([f.light for f in frames(*8 * [0.01], seed=seed) if f.light])
        for seed in range(200)
    ]
    share, error = np.array(means).T
    # the brightest two directions take some of the noise with them
    assert 0.6 * np.median(error) < np.std(share) < 1.1 * np.median(error)


def test_a_version_tells_of_a_host() -> None:
    scene = Scene(1, 1, 30.0, "GaiaSP DR3", (SceneStar(RA, DEC + 0.01),))
    found = learn_host(frames(*8 * [0.03]))
    assert isinstance(found, LearntHost)
    second = with_stars(scene, [*scene.stars, found.star])
    assert (second.on_host, scene.on_host) == (True, False)
    assert second.source == "GaiaSP DR3; on a host"
    star = replace(found.star, kind=SceneMember.STAR)
    third = with_stars(second, [*second.stars, star])
    assert third.source == "GaiaSP DR3; 1 found in frames; on a host"


def test_a_frame_that_shows_a_host_tells_of_no_stars() -> None:
    history = [saying(frame) for frame in frames(count=6)]
    assert not any(frame.tells_of_stars for frame in history)
    assert learn_star((), history) is None
