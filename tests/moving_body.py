"""A simulated body of the solar system: its orbit, and where a site sees it.

Written apart from the suite's own orbits, as a check of them: the state is carried on
by a short series, and the observer comes from astropy.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from astropy import units
from astropy.coordinates import EarthLocation, get_body_barycentric
from astropy.time import Time
from astropy.utils import iers

from bhtom_sky.stars import Sky

Vector = npt.NDArray[np.float64]

# Gaussian constant (IAU 1976), au^3/2 per day; its square is the Sun's pull.
_PULL = 0.01720209895**2
_OBLIQUITY = math.radians(84381.448 / 3600)
_LIGHT_AU_PER_DAY = 173.1446326846693
_EPOCH_BEFORE_D = 5.0


@dataclass(frozen=True)
class MovingBody:
    """Heliocentric state [au, au/d; ICRS axes] at a moment, and the site that looks."""

    moment: datetime
    position: Vector
    velocity: Vector
    site: EarthLocation

    def seen_at(self, moment: datetime) -> tuple[float, float]:
        """Astrometric ICRS position [deg], light time included; within some hours."""
        observer = _observer(self.site, moment)
        days = (moment - self.moment) / timedelta(days=1)
        distance = float(np.linalg.norm(self.position - observer))
        for _ in range(4):
            seen = self._carried(days - distance / _LIGHT_AU_PER_DAY) - observer
            distance = float(np.linalg.norm(seen))
        x, y, z = seen / distance
        return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.asin(z))

    def _carried(self, days: float) -> Vector:
        pull = -_PULL * self.position / np.linalg.norm(self.position) ** 3
        return self.position + days * self.velocity + days**2 / 2 * pull

    def elements(self) -> dict[str, float]:
        """Osculating elements some days earlier, as the API takes them.

        From the vectors of angular momentum and eccentricity (Danby 1988,
        Fundamentals of Celestial Mechanics, section 6.17).
        """
        c, s = math.cos(_OBLIQUITY), math.sin(_OBLIQUITY)
        to_ecliptic = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
        r, v = to_ecliptic @ self.position, to_ecliptic @ self.velocity
        turning = np.cross(r, v)
        to_perihelion = np.cross(v, turning) / _PULL - r / np.linalg.norm(r)
        e = float(np.linalg.norm(to_perihelion))
        a = 1 / (2 / float(np.linalg.norm(r)) - float(v @ v) / _PULL)
        node = np.array([-turning[1], turning[0], 0.0])
        node /= np.linalg.norm(node)
        up = np.cross(turning / np.linalg.norm(turning), node)
        argument = math.atan2(to_perihelion @ up, to_perihelion @ node)
        along = math.atan2(r @ up, r @ node) - argument
        eccentric = math.atan2(
            math.sqrt(1 - e * e) * math.sin(along), e + math.cos(along)
        )
        motion = math.sqrt(_PULL / a**3)
        anomaly = eccentric - e * math.sin(eccentric) - motion * _EPOCH_BEFORE_D
        tilt = math.acos(turning[2] / np.linalg.norm(turning))
        return {
            "epoch_mjd": float(_time(self.moment).tdb.mjd) - _EPOCH_BEFORE_D,
            "semi_major_axis": a,
            "eccentricity": e,
            "inclination": math.degrees(tilt),
            "ascending_node": math.degrees(math.atan2(node[1], node[0])) % 360,
            "perihelion_argument": math.degrees(argument) % 360,
            "mean_anomaly": math.degrees(anomaly) % 360,
        }


def body_in_front_of(
    place: tuple[float, float],
    distance_au: float,
    moment: datetime,
    site: EarthLocation,
) -> MovingBody:
    """A body on a prograde, nearly circular orbit that is at a place at a moment."""
    ra, dec = np.radians(place)
    towards = np.array(
        [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]
    )
    position = _observer(site, moment) + distance_au * towards
    pole = np.array([0.0, -math.sin(_OBLIQUITY), math.cos(_OBLIQUITY)])
    along = np.cross(pole, position)
    speed = 0.97 * math.sqrt(_PULL / float(np.linalg.norm(position)))
    velocity = speed * along / np.linalg.norm(along)
    return MovingBody(moment, position, velocity, site)


def with_body(sky: Sky, place: tuple[float, float], magnitude: float) -> Sky:
    """The sky with one star more: of Sun-like colour, at the body's place."""
    colour = sky.magnitude["g"] - sky.magnitude["r"]
    like = int(np.argmin(np.abs(colour - 0.45)))
    dimmer = magnitude - sky.magnitude["r"][like]
    return replace(
        sky,
        ra_deg=np.append(sky.ra_deg, place[0]),
        dec_deg=np.append(sky.dec_deg, place[1]),
        magnitude={
            band: np.append(values, values[like] + dimmer)
            for band, values in sky.magnitude.items()
        },
    )


def site_of(longitude: float, latitude: float, altitude: float) -> EarthLocation:
    """A place on the Earth from degrees and metres."""
    return EarthLocation.from_geodetic(
        longitude * units.deg, latitude * units.deg, altitude * units.m
    )


def _time(moment: datetime) -> Time:
    return Time(moment.replace(tzinfo=None), scale="utc")


def _observer(site: EarthLocation, moment: datetime) -> Vector:
    """The site from the Sun's centre [au], ICRS axes."""
    with iers.conf.set_temp("auto_download", False):
        time = _time(moment)
        earth = get_body_barycentric("earth", time, ephemeris="builtin")
        sun = get_body_barycentric("sun", time, ephemeris="builtin")
        local = site.get_gcrs(time).cartesian
    found: Vector = (earth - sun + local).xyz.to_value(units.au)
    return found
