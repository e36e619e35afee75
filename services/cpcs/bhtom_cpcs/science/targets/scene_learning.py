"""Stars that a target's scene learns from the sharpest of its frames.

A neighbour in no catalogue makes a light curve follow the seeing: sharp frames show it,
others do not. What several sharp frames agree on becomes part of the scene, and is then
fitted in every frame.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.decisions import Scene, SceneMember, SceneStar
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.scene_evidence import SceneEvidence, StarBeside
from bhtom_cpcs.science.targets.unmodelled_light import BESIDE_FWHM

FloatArray = npt.NDArray[np.float64]

FROM_FRAMES: Final = "frames"
CONCORDANT_FRAMES: Final = 3
CONCORDANT_NIGHTS: Final = 2
# Of a target that was seen in one night only: more frames, over so many days.
FRAMES_OF_ONE_NIGHT: Final = 5
_ONE_NIGHT_DAYS: Final = 1 / 24
# Worse seeing than this, in units of the sharpest frame's, tells less of a position.
_SHARP: Final = 1.5
# Signal to noise of 5, as the frames ask too; what no star's pixels look like.
_LARGEST_MAGNITUDE_ERROR: Final = 0.22
_LARGEST_CHI_SQUARE: Final = 4.0
# How far positions, and magnitudes in a band, of one star may lie apart.
_CONCORDANT_SIGMA: Final = 4.0
_POSITION_FLOOR_ARCSEC: Final = 0.1
_MAGNITUDE_FLOOR: Final = 0.3
# A frame is deep enough to show a star that is brighter than its limit by this.
_CLEARLY_SHOWN_MAG: Final = 0.75
# Faster than any star but a few; those a catalogue has.
_FASTEST_ARCSEC_A_YEAR: Final = 3.0
# A listed star, or one that a person dropped, is not found again as near as this.
SAME_STAR_ARCSEC: Final = 0.5


@dataclass(frozen=True, slots=True)
class LearntStar:
    """A star that frames agree on, and what they say of it.

    `position_error_arcsec` is 1 sigma an axis of the mean; the widths are those of the
    sharpest and the softest frame that tells [arcsec]; `n_silent` frames as sharp and
    deep enough did not show it; `found_in` are calibrations, the sharpest first.
    """

    star: SceneStar
    position_error_arcsec: float
    magnitudes: tuple[tuple[str, float], ...]  # passband, median
    n_frames: int
    n_nights: int
    n_silent: int
    sharpest_arcsec: float
    softest_arcsec: float
    found_in: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Sight:
    """A star in a frame."""

    frame: SceneEvidence
    star: StarBeside


def learn_star(
    listed: Sequence[SceneStar], history: Sequence[SceneEvidence]
) -> LearntStar | None:
    """Find the star that a target's frames agree on and that nobody has listed.

    Three frames, of two nights, that show a star (5 sigma, of a star's shape) at one
    place within 4 sigma and with one brightness in a band. Where the target was seen
    in one night only, five frames over an hour. Frames of the target that are as sharp
    and deep enough and do not show it must be fewer than half of those that do: what
    struck or passed one frame is no star. What moves by more than 3 arcsec a year is
    no neighbour, nor what lies farther than 2.5 FWHM in the softest frame. The position
    is the mean of the frames up to 1.5 times as wide as the sharpest, weighted by their
    errors.

    One at a time: what else these frames show may be what the want of this one leaves
    of the target. A pure function of the history, in whatever order it came.

    Parameters
    ----------
    listed : stars that the scene has, or had until a person dropped them
    history : evidence of frames on record that were measured with the scene's newest
        version and show the target as a source of its own

    Returns
    -------
    LearntStar or None
        The one that most frames show, the brightest of several.
    """
    frames = [frame for frame in exposures_of(history) if frame.tells_of_stars]
    reach = BESIDE_FWHM * max((frame.fwhm_arcsec for frame in frames), default=0.0)
    sights = [
        _Sight(frame, star)
        for frame in frames
        for star in frame.stars
        if _is_star(star)
        and star.distance_arcsec <= reach
        and not _is_listed(star, listed)
    ]
    judged = (_judged(group, frames) for group in _groups(sights))
    learnt = [star for star in judged if star is not None]
    return min(
        learnt,
        key=lambda one: (-one.n_frames, min(m for _, m in one.magnitudes)),
        default=None,
    )


def exposures_of(history: Sequence[SceneEvidence]) -> list[SceneEvidence]:
    """Frames, the sharpest first; one uploaded twice, or for more targets, is one."""
    exposures = {
        frame.mid_exposure_mjd: frame
        for frame in sorted(history, key=lambda one: one.calibration_id)
    }
    return sorted(
        exposures.values(), key=lambda one: (one.fwhm_arcsec, one.mid_exposure_mjd)
    )


def with_stars(scene: Scene, stars: Sequence[SceneStar]) -> Scene:
    """Return the next version of a scene, with these members."""
    learnt = [star.kind for star in stars if star.source == FROM_FRAMES]
    n_learnt = learnt.count(SceneMember.STAR)
    base = scene.source.partition(";")[0]
    told = f"; {n_learnt} found in frames" if n_learnt else ""
    told += "; on a host" if SceneMember.HOST in learnt else ""
    return Scene(
        scene.target_id,
        scene.version + 1,
        scene.radius_arcsec,
        base + told,
        tuple(stars),
    )


def is_same_star(one: SceneStar | StarBeside, ra_deg: float, dec_deg: float) -> bool:
    """Whether a place is a star's, within half an arcsecond."""
    return _apart_arcsec(one.ra_deg, one.dec_deg, ra_deg, dec_deg) < SAME_STAR_ARCSEC


def _is_star(star: StarBeside) -> bool:
    return (
        star.magnitude_error <= _LARGEST_MAGNITUDE_ERROR
        and star.reduced_chi_square <= _LARGEST_CHI_SQUARE
    )


def _is_listed(star: StarBeside, listed: Sequence[SceneStar]) -> bool:
    return any(is_same_star(star, one.ra_deg, one.dec_deg) for one in listed)


def _apart_arcsec(ra: float, dec: float, other_ra: float, other_dec: float) -> float:
    east = ((ra - other_ra + 180) % 360 - 180) * _stretch(dec)
    return 3600 * math.hypot(east, dec - other_dec)


def _stretch(dec_deg: float) -> float:
    return max(math.cos(math.radians(dec_deg)), 1e-9)


def _groups(sights: Sequence[_Sight]) -> Iterator[list[_Sight]]:
    """Sights of one place each, the sharpest sight of it first, one a frame."""
    left = list(sights)
    while left:
        first = left[0]
        nearest: dict[int, tuple[float, _Sight]] = {}
        for sight in left:
            away = _apart_arcsec(
                sight.star.ra_deg,
                sight.star.dec_deg,
                first.star.ra_deg,
                first.star.dec_deg,
            )
            error = math.hypot(sight.star.error_arcsec, first.star.error_arcsec)
            reach = math.hypot(_CONCORDANT_SIGMA * error, _POSITION_FLOOR_ARCSEC)
            best = nearest.get(sight.frame.calibration_id)
            if away <= reach and (best is None or away < best[0]):
                nearest[sight.frame.calibration_id] = away, sight
        group = [sight for _, sight in nearest.values()]
        yield group
        taken = {id(sight) for sight in group}
        left = [sight for sight in left if id(sight) not in taken]


def _judged(
    group: Sequence[_Sight], frames: Sequence[SceneEvidence]
) -> LearntStar | None:
    """Take a group of sights for a star, or not."""
    seen = _of_one_brightness(group)
    if len(seen) < CONCORDANT_FRAMES:
        return None
    widths = [sight.frame.fwhm_arcsec for sight in seen]
    nights = {sight.frame.night for sight in seen}
    could = {f.night for f in frames if f.fwhm_arcsec <= max(widths)}
    enough = len(nights) >= CONCORDANT_NIGHTS or (
        len(could) < CONCORDANT_NIGHTS
        and is_one_good_night([sight.frame.mid_exposure_mjd for sight in seen])
    )
    magnitudes = _magnitudes(seen)
    silent = _n_silent(seen, frames, magnitudes)
    if not enough or 2 * silent >= len(seen) or _moves(seen):
        return None
    sharp = [s for s in seen if s.frame.fwhm_arcsec <= _SHARP * min(widths)]
    star, error = _mean(sharp)
    return LearntStar(
        star=star,
        position_error_arcsec=error,
        magnitudes=tuple(sorted(magnitudes.items())),
        n_frames=len(seen),
        n_nights=len(nights),
        n_silent=silent,
        sharpest_arcsec=min(widths),
        softest_arcsec=max(widths),
        found_in=tuple(sight.frame.calibration_id for sight in seen),
    )


def _of_one_brightness(group: Sequence[_Sight]) -> list[_Sight]:
    middle = _magnitudes(group)
    return [
        sight
        for sight in group
        if abs(sight.star.magnitude - middle[sight.frame.passband])
        <= math.hypot(_CONCORDANT_SIGMA * sight.star.magnitude_error, _MAGNITUDE_FLOOR)
    ]


def _magnitudes(sights: Sequence[_Sight]) -> dict[str, float]:
    """Median magnitude in every passband."""
    of_band: dict[str, list[float]] = {}
    for sight in sights:
        of_band.setdefault(sight.frame.passband, []).append(sight.star.magnitude)
    return {band: float(np.median(values)) for band, values in of_band.items()}


def is_one_good_night(times_mjd: Sequence[float]) -> bool:
    """Whether frames of one night are so many, over so long, that they count as two."""
    return len(times_mjd) >= FRAMES_OF_ONE_NIGHT and (
        max(times_mjd) - min(times_mjd) >= _ONE_NIGHT_DAYS
    )


def _n_silent(
    seen: Sequence[_Sight],
    frames: Sequence[SceneEvidence],
    magnitudes: dict[str, float],
) -> int:
    """Count frames as sharp as most that show the star, deep enough, without it."""
    width = float(np.median([sight.frame.fwhm_arcsec for sight in seen]))
    showing = {sight.frame.calibration_id for sight in seen}
    return sum(
        frame.calibration_id not in showing
        and frame.fwhm_arcsec <= width
        and frame.passband in magnitudes
        and magnitudes[frame.passband] + _CLEARLY_SHOWN_MAG <= frame.depth
        for frame in frames
    )


def _offsets(seen: Sequence[_Sight]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """East and north of the first sight [arcsec], and weights."""
    first = seen[0].star
    stretch = _stretch(first.dec_deg)
    east = [
        ((s.star.ra_deg - first.ra_deg + 180) % 360 - 180) * 3600 * stretch
        for s in seen
    ]
    north = [(s.star.dec_deg - first.dec_deg) * 3600 for s in seen]
    weight = [max(s.star.error_arcsec, 1e-3) ** -2 for s in seen]
    return np.array(east), np.array(north), np.array(weight)


def _moves(seen: Sequence[_Sight]) -> bool:
    """Whether the place changes faster than a star's, and surely."""
    east, north, weight = _offsets(seen)
    years = np.array([s.frame.mid_exposure_mjd for s in seen]) / 365.25
    years = years - np.sum(weight * years) / np.sum(weight)
    lever = float(np.sum(weight * years**2))
    if lever <= 0:
        return False
    speed = math.hypot(
        *(float(np.sum(weight * years * axis)) / lever for axis in (east, north))
    )
    sure = speed > _CONCORDANT_SIGMA / math.sqrt(lever)
    return sure and speed > _FASTEST_ARCSEC_A_YEAR


def _mean(seen: Sequence[_Sight]) -> tuple[SceneStar, float]:
    """Weighted mean place at the mean epoch, and its error with the frames' scatter."""
    east, north, weight = _offsets(seen)
    total = float(np.sum(weight))
    x, y = (float(np.sum(weight * axis)) / total for axis in (east, north))
    square = float(np.sum(weight * ((east - x) ** 2 + (north - y) ** 2)))
    inflation = max(1.0, square / max(2 * (len(seen) - 1), 1))
    mjd = np.array([s.frame.mid_exposure_mjd for s in seen])
    epoch = julian_year(float(np.sum(weight * mjd)) / total)
    first = seen[0].star
    stretch = _stretch(first.dec_deg)
    star = SceneStar(
        ra_deg=(first.ra_deg + x / 3600 / stretch) % 360,
        dec_deg=first.dec_deg + y / 3600,
        epoch_jyear=epoch,
        source=FROM_FRAMES,
    )
    return star, math.sqrt(inflation / total)
