"""Hosts that a target's scene learns from many frames, none of which may show it.

A galaxy as bright as the target leaves a few per cent of its light where no star's
image reaches: in one frame that is noise, in twenty it is sure. Without a word on it a
magnitude would follow the seeing, and nobody could tell.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.decisions import SceneMember, SceneStar
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.scene_evidence import LightAbout, SceneEvidence
from bhtom_cpcs.science.targets.ring_light import SECTORS, without_a_star
from bhtom_cpcs.science.targets.scene_learning import (
    CONCORDANT_FRAMES,
    CONCORDANT_NIGHTS,
    FROM_FRAMES,
    exposures_of,
    is_one_good_night,
)

FloatArray = npt.NDArray[np.float64]

# Together, the frames must show the light by this, and it must be this part of the
# stars' own: a model of the PSF that is wrong by 2 per cent in width leaves as much.
_SIGMA, _LEAST_SHARE = 4.0, 0.015
_FEWEST_FRAMES: Final = 5
# One frame counts at most so far from the others' median: a hit or a body passing.
_CLIP: Final = 4.0
# Frames as sharp as most that show a host by themselves: as many must.
_SAYING: Final = 0.5


@dataclass(frozen=True, slots=True)
class LearntHost:
    """A host that frames agree on, and what they say of it.

    `share` is the light 1.75 to 3 FWHM from the target that no star explains, as a part
    of the light of the stars there, the brightest two of eight directions left out;
    `share_error` its 1 sigma with what the frames' own stars differ in; `n_saying`
    frames show the host by themselves.
    """

    star: SceneStar
    share: float
    share_error: float
    n_frames: int
    n_saying: int
    n_nights: int
    sharpest_arcsec: float
    softest_arcsec: float
    found_in: tuple[int, ...]


def learn_host(history: Sequence[SceneEvidence]) -> LearntHost | None:
    """Find out whether a target's frames show light about it that is wider than stars.

    Five frames or more, of two nights (or of one over an hour), are averaged, weighted
    by their errors, direction by direction on the sky. The brightest two neighbouring
    directions are left out: there may be a star too faint to be found. What is left
    must be 4 sigma, by the noise and by what the frames' own stars differ in, which
    does not average out, and 1.5 per cent of the stars' light. Or three frames of two
    nights show the host by themselves, and half of those as sharp as they are.

    A pure function of the history, in whatever order it came.

    Parameters
    ----------
    history : evidence of frames on record that were measured with the scene's newest
        version and show the target as a source of its own
    """
    frames = [frame for frame in exposures_of(history) if frame.light is not None]
    told = [frame.light for frame in frames if frame.light is not None]
    if not frames or not _are_of_nights(frames):
        return None
    share, error = mean_light(told)
    averaged = len(frames) >= _FEWEST_FRAMES and share > max(
        _SIGMA * error, _LEAST_SHARE
    )
    if not (averaged or _is_said(frames)):
        return None
    return _host(frames, told, share, error)


def mean_light(told: Sequence[LightAbout]) -> tuple[float, float]:
    """Mean light about a target without a star's, and its 1 sigma, parts of the stars'.

    Parameters
    ----------
    told : of one frame or more
    """
    sectors = np.array([one.sectors for one in told])
    error = np.array([one.error for one in told])
    systematic = np.array([one.systematic for one in told])
    weight = error**-2
    middle = np.median(sectors, axis=0)
    reach = _CLIP * error[:, None] / math.sqrt(SECTORS)
    held = np.clip(sectors, middle - reach, middle + reach)
    total = float(np.sum(weight))
    mean = np.sum(weight[:, None] * held, axis=0) / total
    square = np.sum(weight[:, None] * (held - mean) ** 2) * SECTORS
    inflation = float(square) / max(SECTORS * (len(told) - 1), 1)
    common = float(np.sum(weight * systematic)) / total
    return without_a_star(mean), math.hypot(
        math.sqrt(max(inflation, 1.0) / total), common
    )


def _are_of_nights(frames: Sequence[SceneEvidence]) -> bool:
    nights = {frame.night for frame in frames}
    return len(nights) >= CONCORDANT_NIGHTS or is_one_good_night(
        [frame.mid_exposure_mjd for frame in frames]
    )


def _is_said(frames: Sequence[SceneEvidence]) -> bool:
    """Whether frames show the host by themselves, and others as sharp agree."""
    saying = [f for f in frames if f.light is not None and f.light.said]
    if len(saying) < CONCORDANT_FRAMES or not _are_of_nights(saying):
        return False
    width = float(np.median([frame.fwhm_arcsec for frame in saying]))
    sharp = [frame for frame in frames if frame.fwhm_arcsec <= width]
    count = sum(frame in saying for frame in sharp)
    return count >= _SAYING * len(sharp)


def _host(
    frames: Sequence[SceneEvidence],
    told: Sequence[LightAbout],
    share: float,
    error: float,
) -> LearntHost:
    widths = [frame.fwhm_arcsec for frame in frames]
    first = told[0]
    east = [(one.ra_deg - first.ra_deg + 180) % 360 - 180 for one in told]
    mjd = float(np.mean([frame.mid_exposure_mjd for frame in frames]))
    place = SceneStar(
        ra_deg=(first.ra_deg + float(np.median(east))) % 360,
        dec_deg=float(np.median([one.dec_deg for one in told])),
        epoch_jyear=julian_year(mjd),
        source=FROM_FRAMES,
        kind=SceneMember.HOST,
    )
    return LearntHost(
        star=place,
        share=share,
        share_error=error,
        n_frames=len(frames),
        n_saying=sum(one.said for one in told),
        n_nights=len({frame.night for frame in frames}),
        sharpest_arcsec=min(widths),
        softest_arcsec=max(widths),
        found_in=tuple(frame.calibration_id for frame in frames),
    )
