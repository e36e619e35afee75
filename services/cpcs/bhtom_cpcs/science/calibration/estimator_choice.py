"""Which of a catalogue's apertures to use: the one the zero point scatters least in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.comparison import ComparisonStars, band_stars
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS, fit_zero_point
from bhtom_cpcs.science.catalogue_files.instrumental_catalogue import Estimator
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.results import EstimatorFigures

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

# Bright stars tell apertures apart: in faint ones they all show the sky's noise.
_BRIGHT_ERROR_MAG = 1.0857 / 50
_FEWEST_BRIGHT = 20


@dataclass(frozen=True, slots=True)
class _Trial:
    scatter: float
    passband: str


def choose_estimator(
    estimators: Sequence[Estimator],
    clean: BoolArray,
    pairs: tuple[IndexArray, IndexArray],
    reference: ReferenceStars,
    bands: Sequence[str],
) -> tuple[int, tuple[EstimatorFigures, ...]]:
    """Compare the estimators on the same bright stars, each in its best band.

    Parameters
    ----------
    clean : whether a source may carry a zero point, shape (n_sources,)
    pairs : indices of matched sources and their reference stars
    bands : what the request allows

    Returns
    -------
    int
        Index of the chosen estimator; the first when they cannot be compared.
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
    scatters = [np.inf if trial is None else trial.scatter for trial in trials]
    chosen = int(np.argmin(scatters))
    return chosen, tuple(
        EstimatorFigures(
            column=one.column,
            error_column=one.error_column,
            chosen=index == chosen,
            n_stars=int(bright.sum()),
            passband=None if trial is None else trial.passband,
            scatter_mag=None if trial is None else trial.scatter,
        )
        for index, (one, trial) in enumerate(zip(estimators, trials, strict=True))
    )


def _trial(
    one: Estimator,
    source: IndexArray,
    known: IndexArray,
    reference: ReferenceStars,
    bands: Sequence[str],
) -> _Trial | None:
    """Return the least scatter of the zero point over the bands."""
    stars = ComparisonStars(one.magnitude[source], one.error[source], source, known)
    trials = []
    for band in bands:
        pairs = band_stars(stars, reference, band)
        usable = pairs.usable
        if usable.sum() >= max(FEWEST_STARS, 0.6 * len(usable)):
            fit = fit_zero_point(pairs.difference[usable], pairs.error[usable])
            trials.append(_Trial(fit.scatter, band))
    return min(trials, key=lambda trial: trial.scatter, default=None)
