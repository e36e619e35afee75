"""What a read file tells of its night and field, and whether that decides otherwise."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bhtom_cpcs.science.decisions import Decisions, is_same_night

Plain = Mapping[str, Any]

_LACKS_ZERO_POINT: Final = (
    "no_reference_in_band",
    "too_few_matches",
    "too_few_usable_stars",
)
_LACKS_COLOUR: Final = "colour_assumed"
_OUTSIDE: Final = "target_outside_frame"


@dataclass(frozen=True, slots=True)
class Field:
    """A circle on the sky [deg]: everything that a file's images show lies in it."""

    ra_deg: float
    dec_deg: float
    radius_deg: float

    def separation_deg(self, ra_deg: float, dec_deg: float) -> float:
        """How far a place is from the centre."""
        ours, other = (
            _direction(self.ra_deg, self.dec_deg),
            _direction(ra_deg, dec_deg),
        )
        return math.degrees(2 * math.asin(min(1.0, math.dist(ours, other) / 2)))


def _direction(ra_deg: float, dec_deg: float) -> tuple[float, float, float]:
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    return math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)


def fields_of(planes: Sequence[Plain]) -> list[Field]:
    """Where the images of a file lie, of those whose stars confirmed it."""
    told = [
        plane.get("wcs") or {}
        for plane in planes
        if plane.get("zero_point") is not None
    ]
    return [
        Field(wcs["centre_ra_deg"], wcs["centre_dec_deg"], wcs["radius_deg"])
        for wcs in told
        if "centre_ra_deg" in wcs
    ]


def whole_field(planes: Sequence[Plain]) -> Field | None:
    """The circle about all images of a file: of all chips of a mosaic, not of one."""
    fields = fields_of(planes)
    if not fields:
        return None
    directions = [_direction(one.ra_deg, one.dec_deg) for one in fields]
    x, y, z = (math.fsum(axis) for axis in zip(*directions, strict=True))
    if math.hypot(x, y, z) < 1e-6:  # images on opposite sides of the sky
        return fields[0]
    dec = math.degrees(math.atan2(z, math.hypot(x, y)))
    centre = Field(math.degrees(math.atan2(y, x)) % 360, dec, 0.0)
    reach = max(
        centre.separation_deg(one.ra_deg, one.dec_deg) + one.radius_deg
        for one in fields
    )
    return Field(centre.ra_deg, centre.dec_deg, reach)


def time_of(planes: Sequence[Plain]) -> float | None:
    """When the file's first image that tells it was exposed [MJD]."""
    for plane in planes:
        if plane.get("timing") is not None:
            return float(plane["timing"]["mid_exposure_mjd_utc"])
    return None


def serves_better(known: Decisions, found: Decisions, planes: Sequence[Plain]) -> bool:
    """Whether a file is worth reducing again with what was found for its true night.

    It is where an image lacks a zero point of its own or its target's colour and the
    night has one that was not known, or shows a target that was not looked for. A chip
    without the frame's target asks for nothing.
    """
    return any(
        _zero_point_lent(known, found, plane)
        or _colour_found(known, found, plane)
        or _targets_shown(known, found, plane)
        for plane in planes
        if plane["outcome"] != _OUTSIDE
    )


def _zero_point_lent(known: Decisions, found: Decisions, plane: Plain) -> bool:
    fitted, timing = plane.get("zero_point") or {}, plane.get("timing")
    borrows = fitted.get("source") == "borrowed"
    # Stars that were not even found in the catalogue tell no place to measure at.
    placed = (plane.get("wcs") or {}).get("n_matched") is not None
    lacks = plane["outcome"] in _LACKS_ZERO_POINT and placed
    if timing is None or not (borrows or lacks):
        return False
    card = (plane.get("filter") or {}).get("card") if borrows else None
    lenders = {lent.calibration_id for lent in known.borrowed_zero_points}
    return any(
        lent.calibration_id not in lenders
        and is_same_night(lent.mid_exposure_mjd, timing["mid_exposure_mjd_utc"])
        and (card is None or lent.filter_card == card)
        for lent in found.borrowed_zero_points
    )


def _colour_found(known: Decisions, found: Decisions, plane: Plain) -> bool:
    term = (plane.get("zero_point") or {}).get("colour_term")
    if term is None or plane.get("timing") is None:
        return False
    mjd = plane["timing"]["mid_exposure_mjd_utc"]

    def has_it(decisions: Decisions, target_id: int) -> bool:
        return any(
            (one.blue_passband, one.red_passband) == (term["blue"], term["red"])
            for one in decisions.colours_of(target_id, mjd)
        )

    return any(
        _LACKS_COLOUR in measured["flags"]
        and has_it(found, measured["target_id"])
        and not has_it(known, measured["target_id"])
        for measured in plane.get("measurements") or ()
    )


def _targets_shown(known: Decisions, found: Decisions, plane: Plain) -> bool:
    """Whether an image that was calibrated by its stars shows targets not known of."""
    fitted = plane.get("zero_point")
    if fitted is None or fitted.get("source") == "borrowed":
        return False
    unknown = set(found.other_targets) - set(known.other_targets)
    return any(
        field.separation_deg(ra, dec) <= field.radius_deg
        for field in fields_of([plane])
        for ra, dec in unknown
    )
