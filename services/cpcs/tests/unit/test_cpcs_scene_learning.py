"""What several sharp frames must agree on before a scene takes a star for real."""

import random
from dataclasses import replace

import pytest

from bhtom_cpcs.science.decisions import Scene, SceneStar
from bhtom_cpcs.science.scene_evidence import SceneEvidence, StarBeside
from bhtom_cpcs.science.targets.scene_learning import (
    LearntStar,
    learn_star,
    with_stars,
)

RA, DEC, MJD = 150.0, 20.0, 61100.2
STRETCH = 0.9396926


def star(east: float = 3.0, north: float = 1.0, **changes: float) -> StarBeside:
    """A star beside the target [arcsec]."""
    values = {
        "error_arcsec": 0.05,
        "distance_arcsec": (east**2 + north**2) ** 0.5,
        "magnitude": 17.0,
        "magnitude_error": 0.03,
        "reduced_chi_square": 1.1,
    }
    place = RA + east / 3600 / STRETCH, DEC + north / 3600
    return StarBeside(*place, **(values | changes))


def frame(
    number: int, *stars: StarBeside, fwhm: float = 2.0, night: int | None = None
) -> SceneEvidence:
    """A frame of its own night, unless another one is said."""
    night = number if night is None else night
    return SceneEvidence(
        calibration_id=100 + number,
        mid_exposure_mjd=MJD + night + number * 0.01,
        night=night,
        passband="GaiaSP/r",
        fwhm_arcsec=fwhm + number * 1e-3,
        depth=20.0,
        stars=stars,
    )


def seen(history: list[SceneEvidence]) -> LearntStar | None:
    return learn_star((), history)


def test_three_frames_of_two_nights_make_a_star() -> None:
    places = ((3.02, 0.97), (2.96, 1.01), (3.01, 1.03))
    history = [frame(number, star(*at)) for number, at in enumerate(places)]
    found = seen(history)
    assert found is not None
    assert abs((found.star.ra_deg - RA) * 3600 * STRETCH - 2.9967) < 1e-3
    assert abs((found.star.dec_deg - DEC) * 3600 - 1.0033) < 1e-3
    assert found.star.source == "frames"
    assert found.position_error_arcsec == pytest.approx(0.05 / 3**0.5, rel=1e-6)
    assert (found.n_frames, found.n_nights, found.n_silent) == (3, 3, 0)
    assert found.found_in == (100, 101, 102)
    assert found.magnitudes == (("GaiaSP/r", 17.0),)
    assert seen(history[:2]) is None


def test_the_order_of_the_history_changes_nothing() -> None:
    rng = random.Random(3)
    history = [
        frame(number, star(3 + rng.gauss(0, 0.05), 1 + rng.gauss(0, 0.05)), star(-4, 2))
        for number in range(9)
    ]
    found = seen(history)
    assert found is not None
    for _ in range(5):
        rng.shuffle(history)
        assert seen(history) == found


def test_what_struck_one_frame_is_no_star() -> None:
    history = [frame(0, star())] + [frame(number) for number in range(1, 6)]
    assert seen(history) is None
    # nor what another detector's hits leave at three places
    struck = [frame(n, star(3 + n, 1)) for n in range(3)]
    assert seen(struck) is None


def test_frames_as_sharp_that_show_nothing_speak_against_it() -> None:
    shown = [frame(number, star()) for number in range(4)]
    silent = [frame(number, fwhm=1.9) for number in range(10, 12)]
    assert seen([*shown, *silent]) is None
    # those that are not deep or not sharp enough say nothing
    shallow = [replace(one, depth=17.5) for one in silent]
    soft = [replace(one, fwhm_arcsec=4.0) for one in silent]
    assert seen([*shown, *shallow, *soft]) is not None


def test_an_asteroid_that_passes_is_no_star() -> None:
    fast = [frame(n, star(3 + 0.5 * n, 1), night=n // 3) for n in range(6)]
    assert seen(fast) is None
    # 0.3 arcsec in five nights: no pair of frames tells, all of them together do
    slow = [frame(n, star(3 + 0.06 * n, 1), night=n) for n in range(6)]
    assert seen(slow) is None
    still = [frame(n, star(3 + 0.06 * (n % 2), 1), night=n) for n in range(6)]
    assert seen(still) is not None


def test_too_faint_a_star_is_not_learnt() -> None:
    assert seen([frame(n, star(magnitude_error=0.3)) for n in range(5)]) is None


def test_a_lump_of_a_galaxy_is_not_learnt() -> None:
    assert seen([frame(n, star(reduced_chi_square=9.0)) for n in range(5)]) is None


def test_what_reaches_the_target_in_no_frame_is_not_learnt() -> None:
    far = star(6.0, 4.0)
    history = [frame(n, far) for n in range(4)]
    assert seen(history) is None
    assert seen([*history, frame(5, fwhm=3.5)]) is not None


def test_one_brightness_is_asked_for_in_a_band() -> None:
    flare = [17.0, 17.1, 15.2, 18.4]
    history = [frame(n, star(magnitude=m)) for n, m in enumerate(flare)]
    assert seen(history) is None
    other = [replace(frame(4, star(magnitude=18.0)), passband="GaiaSP/g")]
    found = seen([*history[:2], *other])
    assert found is not None
    assert found.magnitudes == (("GaiaSP/g", 18.0), ("GaiaSP/r", 17.05))


def test_one_night_wants_five_frames_over_an_hour() -> None:
    night = [frame(n, star(), night=7) for n in range(6)]
    assert seen(night[:4]) is None
    assert seen(night[:5]) is None  # of 58 minutes
    assert seen(night) is not None
    # where another night could have shown it, that night must
    assert seen([*night, replace(frame(9, fwhm=1.5), depth=15.0)]) is None


def test_a_listed_star_is_not_found_again() -> None:
    history = [frame(n, star()) for n in range(4)]
    found = seen(history)
    assert found is not None
    assert learn_star((found.star,), history) is None


def test_the_star_of_most_frames_is_learnt_first() -> None:
    history = [frame(n, star()) for n in range(6)]
    lump = star(-2.0, -1.0, magnitude=15.0)
    history = [
        replace(one, stars=(*one.stars, lump)) if n > 1 else one
        for n, one in enumerate(history)
    ]
    found = seen(history)
    assert found is not None
    assert found.n_frames == 6


def test_an_exposure_that_came_twice_counts_once() -> None:
    first = [frame(n, star()) for n in range(2)]
    again = [replace(one, calibration_id=200 + n) for n, one in enumerate(first)]
    assert seen([*first, *again]) is None


@pytest.mark.parametrize(("ra", "dec"), [(359.9999, 0.0), (10.0, 90.0), (0.0, -90.0)])
def test_the_sky_has_no_edges(ra: float, dec: float) -> None:
    history = [
        frame(n, replace(star(), ra_deg=(ra + n * 1e-5) % 360, dec_deg=dec))
        for n in range(4)
    ]
    assert seen(history) is not None


def test_a_version_tells_what_was_found() -> None:
    listed = SceneStar(150.001, 20.0)
    scene = Scene(9, 1, 30.0, "GaiaSP 1", (listed,))
    found = seen([frame(n, star()) for n in range(4)])
    assert found is not None
    second = with_stars(scene, (listed, found.star))
    assert (second.version, second.source) == (2, "GaiaSP 1; 1 found in frames")
    assert second.stars == (listed, found.star)
    third = with_stars(second, (listed,))
    assert (third.version, third.source) == (3, "GaiaSP 1")
