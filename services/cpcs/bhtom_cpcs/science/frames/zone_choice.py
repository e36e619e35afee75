"""Local time brought to UTC, where it is certain how."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from astropy.io import fits

from bhtom_cpcs.science.frames.local_time import Zone, offset_of, zone_of
from bhtom_cpcs.science.frames.moments import Moment
from bhtom_cpcs.science.frames.vantage import Vantage

_SAME_CLOCK_S = 2.0


@dataclass(frozen=True, slots=True)
class ZoneChoice:
    """Hours that a local clock was ahead of UTC, None where that is not certain."""

    hours: float | None
    remark: str


def copies_marked(
    moments: Sequence[Moment], header: fits.Header, exposure_s: float
) -> list[Moment]:
    """Moments that only repeat a local one are local too.

    Software reckons JD from DATE-OBS; it does not know better. Beside a card that is
    local by its name (DATE-LOC) that holds where the header has an offset from UTC:
    without one the computer may have run on UTC.
    """
    offset = offset_of(header)
    local = [
        moment
        for moment in moments
        if moment.local and not moment.rough and (offset or not _by_name(moment))
    ]

    def is_copy(moment: Moment) -> bool:
        return not moment.in_utc and any(
            abs(moment.mjd - one.mjd) * 86400 <= exposure_s + _SAME_CLOCK_S
            for one in local
        )

    return [
        replace(moment, local=True) if not moment.local and is_copy(moment) else moment
        for moment in moments
    ]


def _by_name(moment: Moment) -> bool:
    return "LOC" in moment.card


def zone_choice(
    local: Moment, mid_mjd: float, header: fits.Header, vantage: Vantage | None
) -> ZoneChoice:
    """Decide how far the clock of a local moment was ahead of UTC.

    An offset whose direction is told counts. Of one that could count either way the
    direction is taken that the site's longitude allows, else the one by which it was
    night and the target up; where both or none are possible nothing is shifted.
    """
    read = f"{local.card} = {local.text} is local time"
    zone = zone_of(header, local.card)
    if zone is None:
        return ZoneChoice(
            None,
            f"{read} and no card tells its offset from UTC: it was taken as UTC, which "
            "may be hours off. Have the camera write UTC.",
        )
    if zone.signed and vantage is not None and not vantage.has_zone(zone.hours):
        return ZoneChoice(
            None,
            f"{read}, {zone.hours:+g} h from UTC by {zone.told_by}, which no place at "
            f"the site's longitude {vantage.site.longitude_deg:.1f} deg has: it was "
            "taken as UTC, which may be hours off. Have the camera write UTC.",
        )
    if zone.signed:
        return ZoneChoice(zone.hours, _shifted(read, zone, "says so"))
    hours, why = _by_site(zone, mid_mjd, vantage)
    if hours is None:
        return ZoneChoice(
            None,
            f"{read}; {zone.told_by} is its offset from UTC, but not which way it "
            f"counts, and {why}: it was taken as UTC, which is {abs(zone.hours):g} h "
            "off. Have the camera write UTC.",
        )
    return ZoneChoice(hours, _shifted(read, replace(zone, hours=hours), why))


def _shifted(read: str, zone: Zone, why: str) -> str:
    side = "ahead of" if zone.hours > 0 else "behind"
    return (
        f"{read}, {abs(zone.hours):g} h {side} UTC by {zone.told_by} ({why}); it was "
        "brought to UTC."
    )


def _by_site(
    zone: Zone, mid_mjd: float, vantage: Vantage | None
) -> tuple[float | None, str]:
    """The direction that the site decides, and why or why not."""
    if vantage is None:
        return None, "without the site nothing decides it"
    both = (zone.hours, -zone.hours)
    there = [hours for hours in both if vantage.has_zone(hours)]
    if len(there) == 1:
        return there[0], "the site's longitude allows only that"
    if not there:
        return None, "neither way fits the site's longitude"
    dark = [hours for hours in there if vantage.is_possible(mid_mjd - hours / 24)]
    if len(dark) == 1:
        return dark[0], "the other way the Sun was up or the target below the horizon"
    return None, "Sun and horizon allow both" if dark else "it is never night"


def suspicion(
    chosen: Moment, mid_mjd_utc: float, header: fits.Header, vantage: Vantage | None
) -> str | None:
    """What the site makes of a time that nobody calls UTC, beside an offset card.

    The FITS standard has it in UTC, and so it stays; but where it was day then, and
    night by the offset, the observer should look.
    """
    offset = offset_of(header)
    if vantage is None or offset is None or chosen.local or chosen.in_utc:
        return None
    if vantage.is_possible(mid_mjd_utc):
        return None
    ways = {offset.hours} if offset.signed else {offset.hours, -offset.hours}
    if not any(
        vantage.has_zone(hours) and vantage.is_possible(mid_mjd_utc - hours / 24)
        for hours in sorted(ways)
    ):
        return None
    return (
        f"{chosen.card} = {chosen.text} counts as UTC, but then the Sun was up or the "
        f"target below the horizon; as local time, with {offset.told_by}, it was "
        "night. If the camera writes local time, have it write UTC."
    )
