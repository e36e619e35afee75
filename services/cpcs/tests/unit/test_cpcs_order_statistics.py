"""Medians and percentiles by sorting, against numpy's own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bhtom_cpcs.science.order_statistics import median, percentile_of

VALUES = arrays.arrays(
    np.float64,
    st.integers(1, 70),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False),
)


@given(VALUES)
def test_median_is_numpys_to_the_last_bit(values: np.ndarray) -> None:
    assert median(values) == np.median(values)


@given(VALUES, st.sampled_from([0.0, 5.0, 16.0, 50.0, 84.0, 95.0, 100.0]))
def test_percentile_is_numpys_to_the_last_bit(
    values: np.ndarray, percent: float
) -> None:
    assert percentile_of(np.sort(values), percent) == np.percentile(values, percent)


def test_what_has_no_median() -> None:
    assert np.isnan(median(np.empty(0)))
    assert np.isnan(median(np.array([1.0, np.nan, 2.0])))
