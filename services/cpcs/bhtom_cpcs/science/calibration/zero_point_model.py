"""The zero point of a frame with what it depends on: colour, place, air mass."""

import math
from dataclasses import dataclass, replace

import numpy as np

from bhtom_cpcs.science.calibration.robust_regression import (
    MAD_TO_SIGMA,
    BoolArray,
    FloatArray,
    Regression,
    robust_regression,
)
from bhtom_cpcs.science.calibration.zero_point_fit import fit_zero_point
from bhtom_cpcs.science.calibration.zero_point_slopes import (
    FittedStars,
    LearnedSlope,
    Slope,
    colour_slope,
    extinction_slope,
    with_learned,
)

# Evidence a further term needs beyond its share of ln(n) (Kass & Raftery 1995: very
# strong from 10 on; here a little less, the terms being small and smooth).
_STRONG_EVIDENCE = 7.0
_STARS_PER_TERM = 12
_FEWEST_FOR_PLACE = 30
# Standard deviation of g - r and the like among the stars of a field.
_USUAL_COLOUR_SPREAD_MAG = 0.3


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
class MeanColour:
    """Mean colour of a zero point's stars, by their weights in it.

    Attributes
    ----------
    value : minus the pivot [mag]
    error : 1 sigma, by the stars whose colour is not known; 0 where all are [mag]
    lowest, highest : of the stars whose colour is known, minus the pivot [mag]
    n_stars : how many they are
    """

    value: float
    error: float
    lowest: float
    highest: float
    n_stars: int


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
    weight : of the stars, shape (n,), zero where they did not take part [mag^-2]
    residual : difference minus model, shape (n,), NaN without the needed colour [mag]
    colour, air_mass : slopes; None where they could not be fitted
    mean_colour : of the stars by these weights; there a wrong slope has no effect. None
        where no colour is known
    mean_air_mass : that the air mass term is zero at
    place : None where no term was justified
    """

    value: float
    error: float
    scatter: float
    outlier_fraction: float
    used: BoolArray
    weight: FloatArray
    residual: FloatArray
    colour: Slope | None = None
    mean_colour: MeanColour | None = None
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
    colour = with_learned(colour_slope(stars), learned, stars)
    slope = 0.0 if colour is None else colour.applied
    known = np.isfinite(stars.colour) | (slope == 0)
    corrected = stars.difference - (slope * stars.colour if slope else 0.0)
    extinction, mean_air_mass = extinction_slope(stars, corrected, known)
    if extinction is not None and extinction.applied and mean_air_mass is not None:
        known &= np.isfinite(stars.air_mass)
        corrected = corrected - extinction.applied * (stars.air_mass - mean_air_mass)
    part = _at(stars, known)
    place, fit = _place(part, corrected[known])
    model = _plain(corrected, known, stars) if fit is None else _placed(fit, known)
    return replace(
        model,
        colour=colour,
        mean_colour=_mean_colour(stars, model.weight),
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
        weight=_spread(fit.weight, known, 0.0),
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
        weight=_spread(fit.weight, known, 0.0),
        residual=_spread(fit.residual, known, np.nan),
    )


def _mean_colour(stars: FittedStars, weight: FloatArray) -> MeanColour | None:
    """Mean colour of the stars as the zero point weighs them.

    Stars without a colour are taken to be like the others, whose spread is estimated as
    if three more of the usual one were known.
    """
    rows = np.isfinite(stars.colour) & (weight > 0)
    if not rows.any():
        return None
    colour, of_known = stars.colour[rows], weight[rows]
    of_others = weight[~np.isfinite(stars.colour)]
    mean = float(np.sum(of_known * colour) / np.sum(of_known))
    squares = float(np.sum((colour - mean) ** 2)) + 3 * _USUAL_COLOUR_SPREAD_MAG**2
    # variance of a mean of stars with these weights, for stars of variance one
    shares = (
        np.sum(one**2) / max(np.sum(one), 1e-30) ** 2 for one in (of_known, of_others)
    )
    apart = math.sqrt(squares / (len(colour) + 2) * float(sum(shares)))
    unknown = float(np.sum(of_others) / (np.sum(of_known) + np.sum(of_others)))
    return MeanColour(
        mean,
        unknown * apart,
        float(colour.min()),
        float(colour.max()),
        len(colour),
    )


def _spread(values: FloatArray, rows: BoolArray, fill: float) -> FloatArray:
    """Put values back to the rows they came from."""
    whole = np.full(len(rows), fill)
    whole[rows] = values
    return whole
