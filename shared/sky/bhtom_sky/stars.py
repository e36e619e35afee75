"""A simulated star field: positions, colours, and stars that vary."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BANDS = ("U", "B", "V", "R", "I", "u", "g", "r", "i", "z")
SURVEY = "GaiaSP"

# (band, its parent, slope with g-r, offset): Lupton (2005) and Jester et al. (2005)
# relations for main-sequence stars, rounded; only their being plausible matters.
_COLOUR_RELATIONS = (
    ("i", "r", -0.40, 0.02),
    ("u", "g", 1.60, 0.35),
    ("z", "r", -0.62, 0.04),
    ("V", "g", -0.58, 0.00),
    ("B", "g", 0.31, 0.23),
    ("R", "r", -0.18, -0.10),
    ("I", "r", -0.50, -0.36),
    ("U", "g", 1.10, -0.30),
)
_RELATION_SPREAD_MAG = 0.03  # stars of one colour differ in metals and dust


@dataclass(frozen=True, slots=True)
class Variable:
    """A pulsating star: mean magnitude from the sky, sine and first overtone."""

    star: int
    period_d: float
    amplitude_mag: float
    epoch_mjd: float
    overtone: float = 0.25

    def offset_mag(self, mjd: float) -> float:
        """Magnitude minus mean magnitude at a time (any band; grey pulsation)."""
        phase = 2 * math.pi * (mjd - self.epoch_mjd) / self.period_d
        return self.amplitude_mag * (
            math.sin(phase) + self.overtone * math.sin(2 * phase)
        )


@dataclass(frozen=True, slots=True)
class Sky:
    """Stars in a disc: ICRS positions [deg] and mean magnitudes by band."""

    seed: int
    ra_deg: FloatArray
    dec_deg: FloatArray
    magnitude: dict[str, FloatArray]
    variables: tuple[Variable, ...]
    centre: tuple[float, float]
    radius_deg: float

    def magnitudes_at(self, band: str, mjd: float) -> FloatArray:
        """Every star's magnitude in a band (r, V, ...) at a time."""
        magnitude = self.magnitude[band].copy()
        for variable in self.variables:
            magnitude[variable.star] += variable.offset_mag(mjd)
        return magnitude


def make_sky(
    seed: int,
    centre: tuple[float, float],
    radius_deg: float,
    n_stars: int,
    *,
    brightest: float = 11.5,
    faintest: float = 18.0,
    variable_magnitude: float = 16.0,
    variable_period_d: float = 0.35,
    variable_amplitude_mag: float = 0.4,
    isolation_arcsec: float = 15.0,
) -> Sky:
    """Make a star field with one variable star, number 0, at its centre.

    Magnitudes follow number counts that rise by 10^0.3 a magnitude; colours come
    from a blue and a red population. No other star lies within `isolation_arcsec`
    of the variable. The same seed gives the same sky.
    """
    rng = np.random.default_rng(seed)
    uniform = rng.random(n_stars)
    slope = 0.3 * math.log(10)
    span = math.expm1(slope * (faintest - brightest))
    red = brightest + np.log1p(uniform * span) / slope
    is_red = rng.random(n_stars) < 0.45
    colour = np.where(
        is_red, rng.normal(1.25, 0.12, n_stars), rng.normal(0.55, 0.15, n_stars)
    )
    red[0], colour[0] = variable_magnitude, 0.35
    ra_deg, dec_deg = _positions(rng, centre, radius_deg, n_stars, isolation_arcsec)
    magnitude = {"r": red, "g": red + colour}
    for band, parent, gradient, offset in _COLOUR_RELATIONS:
        spread = rng.normal(0.0, _RELATION_SPREAD_MAG, n_stars)
        magnitude[band] = magnitude[parent] + gradient * colour + offset + spread
    variable = Variable(0, variable_period_d, variable_amplitude_mag, 60000.0)
    return Sky(seed, ra_deg, dec_deg, magnitude, (variable,), centre, radius_deg)


def _positions(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius_deg: float,
    n_stars: int,
    isolation_arcsec: float,
) -> tuple[FloatArray, FloatArray]:
    """Scatter stars uniformly over a disc, the first one at its centre."""
    inner = math.radians(isolation_arcsec / 3600)
    outer = math.radians(radius_deg)
    low, high = math.cos(outer), math.cos(inner)
    distance = np.arccos(low + (high - low) * rng.random(n_stars))
    angle = 2 * math.pi * rng.random(n_stars)
    distance[0] = 0.0
    ra_0, dec_0 = (math.radians(value) for value in centre)
    sin_dec = np.sin(dec_0) * np.cos(distance) + np.cos(dec_0) * np.sin(
        distance
    ) * np.cos(angle)
    dec = np.arcsin(np.clip(sin_dec, -1, 1))
    ra = ra_0 + np.arctan2(
        np.sin(angle) * np.sin(distance) * np.cos(dec_0),
        np.cos(distance) - np.sin(dec_0) * sin_dec,
    )
    return np.degrees(ra) % 360, np.degrees(dec)
