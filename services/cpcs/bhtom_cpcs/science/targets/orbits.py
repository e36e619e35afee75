"""Where a body on a known orbit is: Kepler's problem and the pull of the planets."""

import itertools
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import erfa  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp

from bhtom_cpcs.science.request import OrbitalElements

Vector = npt.NDArray[np.float64]

# Gaussian gravitational constant, au^1.5/d (IAU 1976; a definition).
GAUSS_K: Final = 0.01720209895
# Mean obliquity at J2000 that orbit catalogues rotate by: IAU 1976, 84381.448 arcsec.
OBLIQUITY_RAD: Final = math.radians(84381.448 / 3600)
LIGHT_DAYS_PER_AU: Final = 499.004783836 / 86400
LONGEST_PROPAGATION_D: Final = 20 * 365.25
# Solar mass over planet's: Mercury, Venus, Earth + Moon, Mars ... Neptune (IAU 2009
# system of constants, Luzum et al. 2011, Celest. Mech. Dyn. Astr. 110, 293).
_INVERSE_MASSES: Final = np.array(
    [
        *(6.0236e6, 4.08523719e5, 328900.56, 3.09870359e6),
        *(1.047348644e3, 3.4979018e3, 2.290298e4, 1.941226e4),
    ]
)
_PLANETS: Final = np.arange(1, 9)
_RELATIVE_TOLERANCE, _ABSOLUTE_TOLERANCE = 1e-10, 1e-13
# Of the forces: Ceres takes 6,300 in twenty years, 2021 PH27 (114 d a turn) 54,000. A
# made-up orbit of minutes would take a day.
_MOST_EVALUATIONS: Final = 80_000


class OrbitUnusable(ValueError):
    """Elements that describe no orbit, or one too far from the time asked for."""


def state_at_epoch(elements: OrbitalElements) -> tuple[Vector, Vector]:
    """Heliocentric position [au] and velocity [au/d] at the epoch, ICRS axes.

    Kepler's equation in the universal variable counted from perihelion, which knows
    no difference between ellipse, parabola and hyperbola (Danby 1988, Fundamentals of
    Celestial Mechanics, section 6.9).

    Raises
    ------
    OrbitUnusable
        A perihelion distance that is not positive, a negative eccentricity, or
        figures that are not numbers.
    """
    values = (
        elements.perihelion_distance_au,
        elements.eccentricity,
        elements.inclination_deg,
        elements.ascending_node_deg,
        elements.perihelion_argument_deg,
        elements.perihelion_mjd_tdb,
        elements.epoch_mjd_tdb,
    )
    if not all(math.isfinite(value) for value in values):
        raise OrbitUnusable("an element is not a number")
    q, e = elements.perihelion_distance_au, elements.eccentricity
    if not 1e-4 <= q <= 1e5 or not 0 <= e <= 50:
        raise OrbitUnusable(f"perihelion distance {q:g} au, eccentricity {e:g}")
    alpha = (1 - e) / q
    since = elements.epoch_mjd_tdb - elements.perihelion_mjd_tdb
    if alpha > 0:
        period = 2 * math.pi / (GAUSS_K * alpha**1.5)
        since -= period * round(since / period)
    x = _universal_anomaly(GAUSS_K * since, q, e, alpha)
    c0, c1, c2, _ = _stumpff(alpha * x * x)
    radius = q + e * x * x * c2
    root = math.sqrt(q * (1 + e))
    along = np.array([q - x * x * c2, root * x * c1, 0.0])
    speed = np.array([-x * c1, root * c0, 0.0]) * GAUSS_K / radius
    turn = _orientation(elements)
    return turn @ along, turn @ speed


def _universal_anomaly(reduced_time: float, q: float, e: float, alpha: float) -> float:
    """Solve q x + e x^3 c3(alpha x^2) = k t; the left side grows with x."""
    high = max(1.0, abs(reduced_time) / q)
    # never needed beyond this: the bracket is sure and Newton's steps stay inside
    if alpha < 0:
        high = min(high, 60.0 / math.sqrt(-alpha))
    low, high = (0.0, high) if reduced_time >= 0 else (-high, 0.0)
    x = 0.5 * (low + high)
    for _ in range(200):
        _, _, c2, c3 = _stumpff(alpha * x * x)
        wrong = q * x + e * x**3 * c3 - reduced_time
        low, high = (low, x) if wrong > 0 else (x, high)
        following = x - wrong / (q + e * x * x * c2)
        if not low <= following <= high:
            following = 0.5 * (low + high)
        if abs(following - x) <= 1e-15 * max(1.0, abs(x)):
            return following
        x = following
    return x


def _stumpff(z: float) -> tuple[float, float, float, float]:
    """Stumpff functions c0 ... c3 of z."""
    if abs(z) < 0.1:
        c2 = c3 = 0.0
        term_2, term_3 = 0.5, 1 / 6
        for order in range(12):
            c2, c3 = c2 + term_2, c3 + term_3
            term_2 *= -z / ((2 * order + 3) * (2 * order + 4))
            term_3 *= -z / ((2 * order + 4) * (2 * order + 5))
    elif z > 0:
        root = math.sqrt(z)
        c2, c3 = (1 - math.cos(root)) / z, (root - math.sin(root)) / (z * root)
    else:
        root = math.sqrt(-z)
        c2 = (math.cosh(root) - 1) / -z
        c3 = (math.sinh(root) - root) / (-z * root)
    return 1 - z * c2, 1 - z * c3, c2, c3


def _orientation(elements: OrbitalElements) -> Vector:
    """Rotate from the orbit's own plane to ICRS axes."""
    node, peri, tilt = (
        math.radians(angle)
        for angle in (
            elements.ascending_node_deg,
            elements.perihelion_argument_deg,
            elements.inclination_deg,
        )
    )
    matrix: Vector = (
        _about_x(OBLIQUITY_RAD) @ _about_z(node) @ _about_x(tilt) @ _about_z(peri)
    )
    return matrix


def _about_x(angle: float) -> Vector:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _about_z(angle: float) -> Vector:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


# All planes of a file have one time, and each asks.
@lru_cache(maxsize=32)
def state_at(elements: OrbitalElements, mjd_tdb: float) -> tuple[Vector, Vector]:
    """Heliocentric position [au] and velocity [au/d] at a time, ICRS axes.

    The orbit at the epoch is carried on under the pull of the Sun and the eight
    planets, whose places come from Simon et al. (1994), good to some arcseconds.
    Without the planets Ceres is wrong by 2 arcsec after 100 days and by 10 arcmin
    after seven years; with them by 0.2 arcsec after seven years (against JPL's).
    No relativity, no forces of a comet's gas.

    Raises
    ------
    OrbitUnusable
        Also when the time is more than twenty years from the epoch, or so many turns
        that following them would take minutes.
    """
    position, velocity = state_at_epoch(elements)
    span = mjd_tdb - elements.epoch_mjd_tdb
    if abs(span) > LONGEST_PROPAGATION_D:
        raise OrbitUnusable(
            f"the elements' epoch is {abs(span) / 365.25:.0f} years away"
        )
    if abs(span) < 1e-9:
        return position, velocity
    solved = solve_ivp(
        _pull(elements.epoch_mjd_tdb),
        (0.0, span),
        np.concatenate([position, velocity]),
        method="DOP853",
        rtol=_RELATIVE_TOLERANCE,
        atol=_ABSOLUTE_TOLERANCE,
    )
    if not solved.success:
        raise OrbitUnusable("the orbit passes too near to the Sun or a planet")
    return solved.y[:3, -1], solved.y[3:, -1]


def _pull(epoch_mjd: float) -> Callable[[float, Vector], Vector]:
    """Equations of motion about the Sun, the planets' indirect pull included."""

    evaluations = itertools.count(1)

    def derivative(days: float, state: Vector) -> Vector:
        if next(evaluations) > _MOST_EVALUATIONS:
            raise OrbitUnusable(
                "its orbit turns too often between the elements' epoch and the frame"
            )
        body = state[:3]
        planets = erfa.plan94(2400000.5 + epoch_mjd, days, _PLANETS)["p"]
        towards = planets - body
        near = (towards**2).sum(axis=1)[:, None] ** -1.5
        far = (planets**2).sum(axis=1)[:, None] ** -1.5
        pulls = (towards * near - planets * far) / _INVERSE_MASSES[:, None]
        sun = body * (body**2).sum() ** -1.5
        return np.concatenate([state[3:], GAUSS_K**2 * (pulls.sum(axis=0) - sun)])

    return derivative


def astrometric_direction(
    elements: OrbitalElements, mjd_tdb: float, observer_au: Vector
) -> tuple[Vector, float]:
    """Direction (unit vector, ICRS axes) and distance [au] of the body as seen.

    Light time is taken into account, aberration is not: the stars of a frame have the
    same one. `observer_au` counts from the Sun's centre.
    """
    position, velocity = state_at(elements, mjd_tdb)
    pull = -(GAUSS_K**2) * position * float((position**2).sum()) ** -1.5
    delay = 0.0
    seen = position - observer_au
    for _ in range(4):
        then = position - delay * velocity + 0.5 * delay**2 * pull
        seen = then - observer_au
        delay = math.sqrt(float((seen**2).sum())) * LIGHT_DAYS_PER_AU
    distance = math.sqrt(float((seen**2).sum()))
    if distance < 1e-7:
        raise OrbitUnusable("the body is where the observer is")
    return seen / distance, distance
