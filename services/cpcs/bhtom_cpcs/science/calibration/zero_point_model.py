"""The zero point of a frame with what it depends on: colour, place, air mass."""

from dataclasses import dataclass, replace

import numpy as np

from bhtom_cpcs.science.calibration.robust_regression import (
    MAD_TO_SIGMA,
    BoolArray,
    FloatArray,
    Regression,
    robust_line,
    robust_regression,
)
from bhtom_cpcs.science.calibration.zero_point_fit import (
    fit_zero_point,
)

# A colour term counts when it is this many sigma, more where stars are few.
_SIGNIFICANCE = 3.0
_FEWEST_FOR_COLOUR = 12
_LEAST_COLOUR_SPREAD_MAG = 0.15
_LARGEST_CHANGE_SIGMA = 4.0
_COLOUR_SLOPES = np.linspace(-1.5, 1.5, 61)
# Evidence a further term needs beyond its share of ln(n) (Kass & Raftery 1995: very
# strong from 10 on; here a little less, the terms being small and smooth).
_STRONG_EVIDENCE = 7.0
_STARS_PER_TERM = 12
_FEWEST_FOR_PLACE = 30
_WIDE_FIELD_RADIUS_DEG = 1.0
_LEAST_AIR_MASS_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class FittedStars:
    """The stars of one band, one element a star.

    Attributes
    ----------
    difference, error : reference minus instrumental magnitude, 1 sigma [mag]
    reference_magnitude : [mag]
    colour : minus the pivot, NaN where unknown [mag]
    u, v : position about the frame's centre in units of its longer half side
    air_mass : NaN where unknown
    field_radius_deg : half the diagonal of the field
    """

    difference: FloatArray
    error: FloatArray
    reference_magnitude: FloatArray
    colour: FloatArray
    u: FloatArray
    v: FloatArray
    air_mass: FloatArray
    field_radius_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Slope:
    """A fitted slope: as it came out, its error, and as it is applied.

    `applied` is zero where the slope is not significant, else drawn towards zero by
    its own uncertainty, value x (1 - (error / value)^2). `lowest`, `highest` is the
    range of the abscissa among the stars. `applied_error` is that of a slope which
    earlier frames joined in, None where there was none.
    """

    value: float
    error: float
    applied: float
    lowest: float
    highest: float
    n_stars: int
    applied_error: float | None = None


@dataclass(frozen=True, slots=True)
class LearnedSlope:
    """A slope known from earlier frames, and its 1 sigma error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class PlaceTerm:
    """A polynomial in the position that adds to the zero point [mag].

    `coefficients` of u, v and, for order 2, u^2, u v, v^2; `covariance`, row by row,
    is that of the zero point and the coefficients together.
    """

    order: int
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class ZeroPointModel:
    """The zero point for the pivot colour at the frame's centre, and its terms.

    Attributes
    ----------
    value, error : [mag]
    scatter : robust rms of all residuals, none left out [mag]
    intrinsic_variance : what errors and terms do not explain, signed [mag^2]
    outlier_fraction : share of the stars that got no weight
    used : stars with weight, shape (n,)
    residual : difference minus model, shape (n,), NaN without the needed colour [mag]
    colour, air_mass : slopes; None where they could not be fitted
    mean_air_mass : that the air mass term is zero at
    place : None where no term was justified
    """

    value: float
    error: float
    scatter: float
    outlier_fraction: float
    used: BoolArray
    residual: FloatArray
    colour: Slope | None = None
    air_mass: Slope | None = None
    mean_air_mass: float | None = None
    place: PlaceTerm | None = None


def fit_model(
    stars: FittedStars, learned: LearnedSlope | None = None
) -> ZeroPointModel:
    """Fit the zero point of the chosen band, with the terms that the stars justify.

    A colour term learnt from earlier frames joins the frame's own by their weights,
    unless they disagree by more than 4 sigma; then the frame's own stands.

    A term that they do not justify changes nothing: then the zero point is the one
    that ranked the band, to the bit. The colour term comes first, then, in fields
    wider than two degrees, differential extinction, then the position.

    Raises
    ------
    TooFewStars
        Fewer than five stars.
    """
    colour = _with_learned(_colour_slope(stars), learned, stars)
    slope = 0.0 if colour is None else colour.applied
    known = np.isfinite(stars.colour) | (slope == 0)
    corrected = stars.difference - (slope * stars.colour if slope else 0.0)
    extinction, mean_air_mass = _extinction(stars, corrected, known)
    if extinction is not None and extinction.applied and mean_air_mass is not None:
        known &= np.isfinite(stars.air_mass)
        corrected = corrected - extinction.applied * (stars.air_mass - mean_air_mass)
    part = _at(stars, known)
    place, fit = _place(part, corrected[known])
    model = _plain(corrected, known, stars) if fit is None else _placed(fit, known)
    return replace(
        model,
        colour=colour,
        air_mass=extinction,
        mean_air_mass=mean_air_mass,
        place=place,
    )


def place_columns(u: FloatArray, v: FloatArray, order: int) -> tuple[FloatArray, ...]:
    """Terms of the polynomial in the position, without the constant."""
    return (u, v) if order == 1 else (u, v, u**2, u * v, v**2)


def _at(stars: FittedStars, rows: BoolArray) -> FittedStars:
    return replace(
        stars,
        difference=stars.difference[rows],
        error=stars.error[rows],
        reference_magnitude=stars.reference_magnitude[rows],
        colour=stars.colour[rows],
        u=stars.u[rows],
        v=stars.v[rows],
        air_mass=stars.air_mass[rows],
    )


def _slope_of(fit: Regression, abscissa: FloatArray) -> Slope:
    """Judge the second coefficient of a fit."""
    value, variance = float(fit.coefficients[1]), float(fit.covariance[1, 1])
    count = int(fit.used.sum())
    # the sandwich error of few stars is too small
    needed = _SIGNIFICANCE * (1 + 10 / max(count, 1))
    significant = value**2 > needed**2 * variance
    applied = value * (1 - variance / value**2) if significant else 0.0
    inside = abscissa[fit.used] if count else abscissa
    return Slope(
        value,
        float(np.sqrt(variance)),
        applied,
        float(inside.min()),
        float(inside.max()),
        count,
    )


def _colour_slope(stars: FittedStars) -> Slope | None:
    """Slope of the differences with the colour; None without enough colours."""
    known = np.isfinite(stars.colour)
    if known.sum() < _FEWEST_FOR_COLOUR:
        return None
    colour = stars.colour[known]
    low, high = np.quantile(colour, (0.05, 0.95))
    if high - low < _LEAST_COLOUR_SPREAD_MAG:
        return None
    columns = (np.ones(len(colour)), colour)
    fit = robust_line(
        columns, stars.difference[known], stars.error[known], _COLOUR_SLOPES
    )
    return _slope_of(fit, colour)


def _with_learned(
    own: Slope | None, learned: LearnedSlope | None, stars: FittedStars
) -> Slope | None:
    """Join the frame's colour slope with the one known before.

    `value` and `error` stay the frame's own, so that nothing is learnt twice.
    """
    if learned is None:
        return own
    if own is None:
        colour = stars.colour[np.isfinite(stars.colour)]
        if not len(colour):
            return None
        lowest, highest = float(colour.min()), float(colour.max())
        return Slope(
            learned.value,
            learned.error,
            learned.value,
            lowest,
            highest,
            0,
            learned.error,
        )
    off = abs(own.value - learned.value)
    if off > _LARGEST_CHANGE_SIGMA * np.hypot(own.error, learned.error):
        return own
    weights = own.error**-2, learned.error**-2
    joined = (weights[0] * own.value + weights[1] * learned.value) / sum(weights)
    error = float(sum(weights) ** -0.5)
    return replace(own, applied=joined, applied_error=error)


def _extinction(
    stars: FittedStars, corrected: FloatArray, known: BoolArray
) -> tuple[Slope | None, float | None]:
    """Slope with the stars' own air mass, in wide fields only, and the mean one."""
    rows = known & np.isfinite(stars.air_mass)
    if stars.field_radius_deg < _WIDE_FIELD_RADIUS_DEG or rows.sum() < 30:
        return None, None
    air_mass = stars.air_mass[rows]
    mean = float(np.median(air_mass))
    if np.ptp(np.quantile(air_mass, (0.05, 0.95))) < _LEAST_AIR_MASS_SPREAD:
        return None, None
    start = fit_zero_point(corrected[rows], stars.error[rows]).value
    fit = robust_regression(
        (np.ones(len(air_mass)), air_mass - mean),
        corrected[rows],
        stars.error[rows],
        np.array([start, 0.0]),
    )
    return _slope_of(fit, air_mass), mean


def _place(
    stars: FittedStars, corrected: FloatArray
) -> tuple[PlaceTerm | None, Regression | None]:
    """The polynomial in the position that the stars justify, if any."""
    count = len(corrected)
    if count < _FEWEST_FOR_PLACE:
        return None, None
    start = fit_zero_point(corrected, stars.error).value
    accepted: tuple[PlaceTerm | None, Regression | None] = (None, None)
    for order in (1, 2):
        columns = place_columns(stars.u, stars.v, order)
        if count < _STARS_PER_TERM * len(columns):
            break
        begin = np.zeros(1 + len(columns))
        begin[0] = start
        fit = robust_regression(
            (np.ones(count), *columns), corrected, stars.error, begin
        )
        # order 2 has to earn its own three terms
        if _is_justified(fit, 1 if order == 1 else 3):
            accepted = (_place_term(fit, order), fit)
    return accepted


def _is_justified(fit: Regression, first: int) -> bool:
    """Wald test of the coefficients from `first` on, as strict as the BIC."""
    value = fit.coefficients[first:]
    wald = float(value @ np.linalg.pinv(fit.covariance[first:, first:]) @ value)
    needed = len(value) * np.log(len(fit.residual)) + _STRONG_EVIDENCE
    return bool(wald > needed)


def _place_term(fit: Regression, order: int) -> PlaceTerm:
    return PlaceTerm(
        order,
        tuple(float(value) for value in fit.coefficients[1:]),
        tuple(tuple(float(value) for value in row) for row in fit.covariance),
    )


def _plain(
    corrected: FloatArray, known: BoolArray, stars: FittedStars
) -> ZeroPointModel:
    """The zero point without a term in the position."""
    fit = fit_zero_point(corrected[known], stars.error[known])
    return ZeroPointModel(
        value=fit.value,
        error=fit.error,
        scatter=fit.scatter,
        outlier_fraction=fit.outlier_fraction,
        used=_spread(fit.used.astype(float), known, 0.0) > 0,
        residual=_spread(corrected[known] - fit.value, known, np.nan),
    )


def _placed(fit: Regression, known: BoolArray) -> ZeroPointModel:
    """The zero point at the centre, from the fit with the position."""
    return ZeroPointModel(
        value=float(fit.coefficients[0]),
        error=float(np.sqrt(fit.covariance[0, 0])),
        scatter=MAD_TO_SIGMA * float(np.median(np.abs(fit.residual))),
        outlier_fraction=float(np.mean(~fit.used)),
        used=_spread(fit.used.astype(float), known, 0.0) > 0,
        residual=_spread(fit.residual, known, np.nan),
    )


def _spread(values: FloatArray, rows: BoolArray, fill: float) -> FloatArray:
    """Put values back to the rows they came from."""
    whole = np.full(len(rows), fill)
    whole[rows] = values
    return whole
