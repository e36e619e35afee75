"""Finds a frame anywhere on the sky, by patterns made of a whole catalogue."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bhtom_cpcs.science.astrometry.coordinates import Astrometry
from bhtom_cpcs.science.astrometry.directions import (
    ARCSEC_PER_RADIAN,
    axes_at,
    local_plane,
)
from bhtom_cpcs.science.astrometry.frame_solver import bright_plane
from bhtom_cpcs.science.astrometry.frame_wcs import astrometry_of_pose
from bhtom_cpcs.science.astrometry.plate_solver import (
    code_tolerance,
    frame_patterns,
    neighbour_patterns,
)
from bhtom_cpcs.science.astrometry.pose import Field, Pose, similarity, verified_pose
from bhtom_cpcs.science.astrometry.star_patterns import (
    FloatArray,
    IndexArray,
    PatternIndex,
    Patterns,
    look_up,
    mirrored,
)
from bhtom_cpcs.science.reference import ReferenceCatalogue, SkyPatterns

# Patterns of the sky serve fields smaller and larger by this.
_FIELD_SPAN = 2.1
_MOST_POSES = 100
# Reference stars of a field that verify a pose.
_STARS_TO_VERIFY = 100


@dataclass(frozen=True, slots=True)
class _SkyPoses:
    """Where patterns put the frame: unit vectors of its centre and along its x axis."""

    centre: FloatArray
    along_x: FloatArray
    scale: FloatArray
    is_mirrored: npt.NDArray[np.bool_]
    in_frame: IndexArray

    def __len__(self) -> int:
        return len(self.scale)


def blind_solutions(
    field: Field,
    catalogue: ReferenceCatalogue,
    ranges: Iterable[tuple[float, float]],
    epoch_jyear: float,
) -> Iterator[Astrometry]:
    """Places anywhere on the catalogue's sky where the frame's stars fit.

    `ranges` are possible pixel scales [arcsec], all of which are tried.
    """
    spans = list(ranges)
    for patterns in catalogue.sky_patterns():
        served = patterns.field_deg * 3600 / field.side
        for low, high in spans:
            scale_range = (
                max(low, served / _FIELD_SPAN),
                min(high, served * _FIELD_SPAN),
            )
            if scale_range[0] < scale_range[1]:
                found = _solved(field, catalogue, patterns, scale_range, epoch_jyear)
                if found is not None:
                    yield found
                break


def _solved(
    field: Field,
    catalogue: ReferenceCatalogue,
    patterns: SkyPatterns,
    scale_range: tuple[float, float],
    epoch_jyear: float,
) -> Astrometry | None:
    index = PatternIndex(patterns.cells, patterns.stars, patterns.code, patterns.size)
    tree = field.tree()
    n_trials = 0
    for wanted in chain(frame_patterns(field), neighbour_patterns(field)):
        found = _poses(field, patterns, index, wanted, scale_range)
        n_trials += len(found)
        if not len(found):
            continue
        order = np.argsort(-_votes(field, found), kind="stable")[:_MOST_POSES]
        for number in order:
            centre, pose = _pose(found, int(number))
            radius = found.scale[number] * math.hypot(field.width, field.height) / 7200
            plane = bright_plane(
                catalogue, centre, radius, _STARS_TO_VERIFY, epoch_jyear
            )
            own = found.in_frame[number]
            verified = verified_pose(field, tree, plane, pose, own, n_trials)
            if verified is not None:
                return astrometry_of_pose(verified, centre, (field.height, field.width))
    return None


def _poses(
    field: Field,
    patterns: SkyPatterns,
    index: PatternIndex,
    wanted: Patterns,
    scale_range: tuple[float, float],
) -> _SkyPoses:
    tolerance = code_tolerance(wanted)
    parts = []
    for mirror in (False, True):
        shown = mirrored(wanted) if mirror else wanted
        row, found = look_up(index, shown, tolerance, scale_range)
        corner = patterns.directions[index.stars[found]].astype(float)
        first = corner[:, 0]
        east, north = axes_at(first)
        z = field.stars[wanted.stars[row]]
        w = local_plane(corner)
        a, b = similarity(np.conj(z) if mirror else z, w)
        centre = first + (
            (b.real[:, None] * east + b.imag[:, None] * north) / ARCSEC_PER_RADIAN
        )
        along = (a.real[:, None] * east + a.imag[:, None] * north) / np.abs(a)[:, None]
        parts.append(
            (
                centre / np.linalg.norm(centre, axis=1, keepdims=True),
                along,
                np.abs(a),
                np.full(len(a), mirror),
                wanted.stars[row],
            )
        )
    return _SkyPoses(*(np.concatenate(pair) for pair in zip(*parts, strict=True)))


def _votes(field: Field, found: _SkyPoses) -> IndexArray:
    """Count the patterns that put and turn the frame alike."""
    reach = field.side * found.scale.mean() / ARCSEC_PER_RADIAN / 10
    features = np.column_stack(
        [
            found.centre / reach,
            found.along_x / 0.1,
            np.log(found.scale) / 0.04,
            found.is_mirrored * 10.0,
        ]
    )
    votes: IndexArray = cKDTree(features).query_ball_point(
        features, 1.0, return_length=True
    )
    return votes


def _pose(found: _SkyPoses, number: int) -> tuple[tuple[float, float], Pose]:
    """Centre [deg], and the pose in the tangent plane about it."""
    centre = found.centre[number]
    east, north = axes_at(centre)
    along = found.along_x[number]
    turn = complex(float(np.sum(along * east)), float(np.sum(along * north)))
    a = float(found.scale[number]) * turn / abs(turn)
    x, y, z = (float(part) for part in centre)
    ra = math.degrees(math.atan2(y, x)) % 360
    dec = math.degrees(math.asin(max(-1.0, min(1.0, z))))
    return (ra, dec), Pose(a, 0j, bool(found.is_mirrored[number]))
