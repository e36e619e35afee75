"""Where the telescope stands and looks, which tells what times are possible there."""

from collections.abc import Callable
from dataclasses import dataclass

from bhtom_cpcs.science.frames.sun_and_air import (
    Vector,
    altitude_deg,
    sun_altitude_deg,
)
from bhtom_cpcs.science.request import Site

DARK_SKY_SUN_ALTITUDE_DEG = -6.0
# Legal time minus the Sun's mean time: from -1.0 h (Assam) to +3.1 h (the Pamirs).
_ZONES_H = (-1.25, 3.75)


@dataclass(frozen=True, slots=True)
class Vantage:
    """A site that is known for sure, and the target's direction at a time."""

    site: Site
    direction: Callable[[float], Vector | None]

    def is_possible(self, mjd_utc: float) -> bool:
        """Whether it was night then, with the target above the horizon."""
        towards = self.direction(mjd_utc)
        if towards is None:
            return sun_altitude_deg(mjd_utc, self.site) <= DARK_SKY_SUN_ALTITUDE_DEG
        return is_night(mjd_utc, towards, self.site)

    def has_zone(self, hours: float) -> bool:
        """Whether clocks at this longitude may be so many hours ahead of UTC."""
        apart = (hours - self.site.longitude_deg / 15 + 12) % 24 - 12
        return _ZONES_H[0] <= apart <= _ZONES_H[1]


def is_night(mjd_utc: float, direction: Vector, site: Site) -> bool:
    """Whether the sky is dark and a direction above the horizon."""
    dark = sun_altitude_deg(mjd_utc, site) <= DARK_SKY_SUN_ALTITUDE_DEG
    return dark and altitude_deg(mjd_utc, direction, site) > 0
