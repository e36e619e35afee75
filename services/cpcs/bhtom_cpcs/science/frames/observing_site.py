"""Where the telescope stands by its header, for cameras without a site."""

import math
import re

import erfa  # type: ignore[import-untyped]
from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import comment_of, degrees_of, number_of
from bhtom_cpcs.science.request import Site

# latitude, longitude, height
_CARDS = (
    ("OBSGEO-B", "OBSGEO-L", "OBSGEO-H"),
    ("SITELAT", "SITELONG", "SITEELEV"),
    ("OBS-LAT", "OBS-LONG", "OBS-ELEV"),
    ("LAT-OBS", "LONG-OBS", "ALT-OBS"),
    ("LATITUDE", "LONGITUD", "HEIGHT"),
    ("OBSLAT", "OBSLON", "OBSALT"),
    ("GEOLAT", "GEOLON", "GEOELEV"),
    ("ESO TEL GEOLAT", "ESO TEL GEOLON", "ESO TEL GEOELEV"),
)
_WEST = re.compile(r"\bW(est)?\b")
_EARTH_RADII_M = (6.2e6, 6.5e6)
_HEIGHTS_M = (-500.0, 9000.0)


def site_of(header: fits.Header) -> Site | None:
    """The site in the header, longitude positive to the east; None without one.

    A longitude whose comment names the west is counted from there; headers that mean
    the west without saying so cannot be told here.
    """
    vector = [number_of(header, f"OBSGEO-{axis}") or 0.0 for axis in "XYZ"]
    if _EARTH_RADII_M[0] < math.hypot(*vector) < _EARTH_RADII_M[1]:
        longitude, latitude, height = erfa.gc2gd(1, vector)
        return Site(math.degrees(latitude), math.degrees(longitude), float(height))
    for cards in _CARDS:
        found_latitude = degrees_of(header, cards[0])
        found_longitude = degrees_of(header, cards[1])
        if found_latitude is None or found_longitude is None:
            continue
        if not (abs(found_latitude) <= 90 and abs(found_longitude) <= 360):
            continue
        if found_latitude == 0 and found_longitude == 0:
            continue
        if _WEST.search(comment_of(header, cards[1])) and found_longitude > 0:
            found_longitude = -found_longitude
        altitude = number_of(header, cards[2]) or 0.0
        east = (found_longitude + 180) % 360 - 180
        if not _HEIGHTS_M[0] < altitude < _HEIGHTS_M[1]:
            altitude = 0.0
        return Site(found_latitude, east, altitude)
    return None


def mirrored(site: Site) -> Site:
    """The same place with its longitude counted the other way."""
    return Site(site.latitude_deg, -site.longitude_deg, site.height_m)
