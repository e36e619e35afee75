"""Evaluates the rules of a table's layout: 1 true, 0 false, NaN not said."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.reference_catalogues.descriptions import (
    AnyBit,
    Between,
    CorrectedExcess,
    Letter,
    OneOf,
    RawExcess,
    Rule,
)
from bhtom_cpcs.reference_catalogues.table_files import Column, Table, numbers

FloatArray = npt.NDArray[np.float64]


def evaluate(rule: Rule, table: Table) -> FloatArray | None:
    """A rule's answer for each row, None where the table lacks its columns."""
    if any(name not in table.columns for name in columns_of(rule)):
        return None
    if isinstance(rule, OneOf):
        return _one_of(table.columns[rule.column], rule.values)
    if isinstance(rule, Letter):
        return _letter(table.columns[rule.column], rule)
    if isinstance(rule, CorrectedExcess):
        corrected = numbers(table.columns[rule.corrected])
        return _beyond(corrected, numbers(table.columns[rule.magnitude]), rule.sigmas)
    if isinstance(rule, RawExcess):
        return _raw_excess(rule, table)
    values = numbers(table.columns[rule.column])
    if isinstance(rule, AnyBit):
        whole = np.where(np.isfinite(values), values, 0).astype(np.int64)
        return _said((whole & rule.mask) != 0, values)
    if rule.minus is not None:
        values = values - numbers(table.columns[rule.minus])
    return _said((values >= rule.low) & (values <= rule.high), values)


def columns_of(rule: Rule) -> tuple[str, ...]:
    """Columns that a rule cannot do without."""
    if isinstance(rule, CorrectedExcess):
        return (rule.magnitude, rule.corrected)
    if isinstance(rule, RawExcess):
        return (rule.magnitude, rule.excess, rule.blue, rule.red)
    if isinstance(rule, Between) and rule.minus is not None:
        return (rule.column, rule.minus)
    return (rule.column,)


def _said(answer: npt.NDArray[np.bool_], values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), answer.astype(float), np.nan)


def _one_of(column: Column, values: tuple[str, ...]) -> FloatArray:
    if column.dtype.kind == "f":
        wanted = [float(value) for value in values if value.replace(".", "").isdigit()]
        return _said(np.isin(column, wanted), column)
    return np.array(
        [np.nan if v is None else float(v.strip().lower() in values) for v in column]
    )


def _letter(column: Column, rule: Letter) -> FloatArray:
    """One letter of texts; numbers lost their leading zeros and get them back."""

    def answer(value: object) -> float:
        if isinstance(value, float):
            value = None if np.isnan(value) else f"{int(value):03d}"
        if value is None or len(str(value)) <= rule.position:
            return np.nan
        return float(str(value)[rule.position] in rule.letters)

    return np.array([answer(value) for value in column.tolist()])


def _raw_excess(rule: RawExcess, table: Table) -> FloatArray:
    """Stars whose BP and RP together disagree with G, mostly for a neighbour's light.

    References
    ----------
    Riello et al. 2021, A&A 649, A3, equation 6 and table 2 (release 3); Evans et al.
    2018, A&A 616, A4, section 6 (release 2).
    """
    magnitude, excess, blue, red = (
        numbers(table.columns[name]) for name in columns_of(rule)
    )
    colour = blue - red
    if rule.release == 2:
        low, high = 1.0 + 0.015 * colour**2, 1.3 + 0.06 * colour**2
        return _said((excess < low) | (excess > high), excess + colour)
    return _beyond(excess - _expected_excess(colour), magnitude, rule.sigmas)


def _beyond(corrected: FloatArray, magnitude: FloatArray, sigmas: float) -> FloatArray:
    """Whether C* is beyond its scatter (Riello et al. 2021, equation 18)."""
    sigma = 0.0059898 + 8.817481e-12 * np.clip(magnitude, 0, None) ** 7.618399
    return _said(np.abs(corrected) > sigmas * sigma, corrected + magnitude)


def _expected_excess(colour: FloatArray) -> FloatArray:
    """Excess of isolated stars of a colour (Riello et al. 2021, equation 6)."""
    blue = np.polynomial.polynomial.polyval(colour, (1.154360, 0.033772, 0.032277))
    middle = np.polynomial.polynomial.polyval(
        colour, (1.162004, 0.011464, 0.049255, -0.005879)
    )
    red = 1.057572 + 0.140537 * colour
    expected: FloatArray = np.where(
        colour < 0.5,
        blue,
        np.where(colour < 4.0, middle, red),
    )
    return expected
