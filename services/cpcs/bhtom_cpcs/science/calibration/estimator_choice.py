"""Which of a catalogue's apertures to use: the settled one, else the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.comparison import ComparisonStars, band_stars
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS, fit_zero_point
from bhtom_cpcs.science.catalogue_files.instrumental_catalogue import Estimator
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.results.catalogue_file import EstimatorFigures

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

# Bright stars tell apertures apart: in faint ones they all show the sky's noise.
_BRIGHT_ERROR_MAG = MAG_PER_RELATIVE / 50
_FEWEST_BRIGHT = 20
_SHARE_NEEDED = 0.6  # of the stars, for a column or a band to be used
# Standard error of a robust scatter of n values, relative: 1.17 / sqrt(2 n).
_SCATTER_ERROR = 1.17 / 2**0.5


@dataclass(frozen=True, slots=True)
class _Trial:
    scatter: float
    passband: str
    own_error: float


def choose_estimator(
    estimators: Sequence[Estimator],
    clean: BoolArray,
    pairs: tuple[IndexArray, IndexArray],
    reference: ReferenceStars,
    bands: Sequence[str],
    settled: str | None = None,
) -> tuple[int, str, tuple[EstimatorFigures, ...]]:
    """Take the column that the light curve is measured by, else the best one.

    A target's points use one estimator: the column of its earlier catalogues of this
    camera is taken wherever most of the stars have it. Else the columns are compared on
    the same bright stars, each in its best band of all that are offered, so that a
    request changes nothing. Of those whose scatter is within one standard error of the
    least, the one with the smallest errors of its own is taken: a needlessly wide
    aperture adds sky.

    Parameters
    ----------
    clean : whether a source may carry a zero point, shape (n_sources,)
    pairs : indices of matched sources and their reference stars
    bands : all that the catalogue offers
    settled : the column of earlier catalogues, None where there is none

    Returns
    -------
    int
        Index of the chosen estimator; the first when they cannot be compared.
    str
        Why, in words.
    """
    source, known = pairs
    common = clean[source].copy()
    for one in estimators:
        common &= one.usable[source]
    bright = common.copy()
    for one in estimators:
        bright &= np.where(common, one.error[source], np.inf) < _BRIGHT_ERROR_MAG
    if bright.sum() < _FEWEST_BRIGHT:
        bright = common
    trials = [
        _trial(one, source[bright], known[bright], reference, bands)
        for one in estimators
    ]
    chosen = _best(trials, int(bright.sum()))
    why = "the zero point scatters least in it"
    kept = _settled_one(estimators, clean[source], source, settled)
    if kept is not None:
        chosen, why = kept, "the target's earlier catalogues of this camera had it"
    return (
        chosen,
        why,
        tuple(
            EstimatorFigures(
                column=one.column,
                error_column=one.error_column,
                chosen=index == chosen,
                n_stars=int(bright.sum()),
                passband=None if trial is None else trial.passband,
                scatter_mag=None if trial is None else trial.scatter,
            )
            for index, (one, trial) in enumerate(zip(estimators, trials, strict=True))
        ),
    )


def _settled_one(
    estimators: Sequence[Estimator],
    clean: BoolArray,
    source: IndexArray,
    settled: str | None,
) -> int | None:
    """The settled column, where it has most of the stars that any column has."""
    counts = [int((clean & one.usable[source]).sum()) for one in estimators]
    for number, one in enumerate(estimators):
        if one.column == settled and counts[number] >= _SHARE_NEEDED * max(counts):
            return number
    return None


def _best(trials: Sequence[_Trial | None], n_stars: int) -> int:
    least = min((trial.scatter for trial in trials if trial), default=np.inf)
    tied = least * (1 + _SCATTER_ERROR / max(n_stars, 1) ** 0.5)
    errors = [
        trial.own_error if trial is not None and trial.scatter <= tied else np.inf
        for trial in trials
    ]
    return int(np.argmin(errors))


def _trial(
    one: Estimator,
    source: IndexArray,
    known: IndexArray,
    reference: ReferenceStars,
    bands: Sequence[str],
) -> _Trial | None:
    """Return the least scatter of the zero point over the bands."""
    stars = ComparisonStars(one.magnitude[source], one.error[source], source, known)
    own_error = float(np.median(stars.error)) if len(source) else np.inf
    trials = []
    for band in bands:
        pairs = band_stars(stars, reference, band)
        usable = pairs.usable
        if usable.sum() >= max(FEWEST_STARS, _SHARE_NEEDED * len(usable)):
            fit = fit_zero_point(pairs.difference[usable], pairs.error[usable])
            trials.append(_Trial(fit.scatter, band, own_error))
    return min(trials, key=lambda trial: trial.scatter, default=None)
