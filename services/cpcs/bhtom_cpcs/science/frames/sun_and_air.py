"""Barycentric time, air mass and the Sun's height, without any network."""

import math

import erfa  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.offline import as_time
from bhtom_cpcs.science.request import Site

Vector = npt.NDArray[np.float64]

_AU_LIGHT_DAYS = 499.004783836 / 86400
_AU_KM = 149597870.7
_MJD_ZERO = 2400000.5


def unit_vector(ra_deg: float, dec_deg: float) -> Vector:
    """Direction cosines of an ICRS position."""
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    return np.array(
        [math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)]
    )


def tdb_of(mjd_utc: float) -> tuple[float, float]:
    """Julian date TDB (two parts) of a UTC MJD, from the leap seconds astropy ships."""
    moment = as_time(mjd_utc, "utc").tt
    tt_1, tt_2 = float(moment.jd1), float(moment.jd2)
    # geocentric TDB - TT; the observer's place changes it by 2 microseconds at most
    difference_s = float(erfa.dtdb(tt_1, tt_2, 0.0, 0.0, 0.0, 0.0))
    return tt_1, tt_2 + difference_s / 86400


def site_vector_au(mjd_utc: float, site: Site) -> Vector:
    """Observer from the Earth's centre, ICRS axes [au], good to 100 m.

    UT1 is taken as UTC (0.9 s at most, 0.4 km) and polar motion as none: for light
    travel time that is below 2 microseconds.
    """
    local = erfa.gd2gc(
        1,
        math.radians(site.longitude_deg),
        math.radians(site.latitude_deg),
        site.height_m,
    )
    rotation = erfa.c2t06a(_MJD_ZERO, mjd_utc, _MJD_ZERO, mjd_utc, 0.0, 0.0)
    geocentric: Vector = rotation.T @ local / 1000 / _AU_KM
    return geocentric


def earth_and_sun(tdb: tuple[float, float]) -> tuple[Vector, Vector]:
    """Earth from the barycentre and Sun from the Earth, ICRS axes [au]."""
    heliocentric, barycentric = erfa.epv00(*tdb)
    return np.array(barycentric["p"]), -np.array(heliocentric["p"])


def bjd_tdb(mjd_utc: float, direction: Vector, site: Site | None) -> float:
    """Barycentric Julian date (TDB) of light from a direction.

    Includes the Roemer delay; the Earth of `epv00` is within 14 km (0.05 ms) of
    DE405, and the Einstein delay of the site and the Shapiro delay, below 0.1 ms but
    next to the Sun, are left out. Without a site the Earth's centre stands for it,
    wrong by 21 ms at most (Eastman, Siverd & Gaudi 2010, PASP 122, 935).
    """
    tdb = tdb_of(mjd_utc)
    observer = earth_and_sun(tdb)[0]
    if site is not None:
        observer = observer + site_vector_au(mjd_utc, site)
    delay_d = float(observer @ direction) * _AU_LIGHT_DAYS
    return tdb[0] + (tdb[1] + delay_d)


def hjd_utc(mjd_utc: float, direction: Vector, site: Site | None) -> float:
    """Heliocentric Julian date, counted in UTC, of light from a direction.

    Kept for old light curves: it differs from BJD_TDB by up to 4 s, beside the 69 s
    between the scales.
    """
    heliocentric, _ = erfa.epv00(*tdb_of(mjd_utc))
    observer = np.array(heliocentric["p"])
    if site is not None:
        observer = observer + site_vector_au(mjd_utc, site)
    return _MJD_ZERO + mjd_utc + float(observer @ direction) * _AU_LIGHT_DAYS


def mjd_at_telescope(
    mjd_utc: float, counted_at: str, direction: Vector, site: Site | None
) -> float:
    """MJD (UTC) at the telescope of a moment counted at the Sun or barycentre.

    `counted_at` is `hjd` or `bjd`; the light time is taken at the answer itself, by
    two turns of a fixed point (what is left is below a microsecond).
    """
    found = mjd_utc
    for _ in range(3):
        if counted_at == "hjd":
            delay = hjd_utc(found, direction, site) - _MJD_ZERO - found
        else:
            tdb = tdb_of(found)
            delay = bjd_tdb(found, direction, site) - (tdb[0] + tdb[1])
        found = mjd_utc - delay
    return found


def altitude_deg(mjd_utc: float, direction: Vector, site: Site) -> float:
    """Geometric height above the horizon of an ICRS direction, good to 0.1 deg."""
    rotation = erfa.c2t06a(_MJD_ZERO, mjd_utc, _MJD_ZERO, mjd_utc, 0.0, 0.0)
    terrestrial = rotation @ direction
    up = unit_vector(site.longitude_deg, site.latitude_deg)
    return math.degrees(math.asin(float(np.clip(terrestrial @ up, -1, 1))))


def sun_altitude_deg(mjd_utc: float, site: Site) -> float:
    """Geometric height of the Sun above the horizon."""
    sun = earth_and_sun(tdb_of(mjd_utc))[1]
    return altitude_deg(mjd_utc, sun / np.linalg.norm(sun), site)


def air_mass(altitude: float) -> float | None:
    """Air mass by Pickering (2002); None below the horizon."""
    if altitude <= 0:
        return None
    refracted = altitude + 244 / (165 + 47 * altitude**1.1)
    return 1 / math.sin(math.radians(refracted))


def air_masses(mjd_utc: float, ra: Vector, dec: Vector, site: Site) -> Vector:
    """Air mass of each ICRS position [deg] by Pickering (2002); NaN below the horizon.

    One rotation serves them all, so that thousands of stars cost nothing.
    """
    rotation = erfa.c2t06a(_MJD_ZERO, mjd_utc, _MJD_ZERO, mjd_utc, 0.0, 0.0)
    up = rotation.T @ unit_vector(site.longitude_deg, site.latitude_deg)
    ra_rad, dec_rad = np.radians(ra), np.radians(dec)
    sine = (
        np.cos(dec_rad) * np.cos(ra_rad) * up[0]
        + np.cos(dec_rad) * np.sin(ra_rad) * up[1]
        + np.sin(dec_rad) * up[2]
    )
    altitude = np.degrees(np.arcsin(np.clip(sine, -1, 1)))
    above = np.where(altitude > 0, altitude, np.nan)
    refracted = above + 244 / (165 + 47 * above**1.1)
    result: Vector = 1 / np.sin(np.radians(refracted))
    return result
