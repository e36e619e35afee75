"""From a file's columns to positions and magnitudes: which were taken, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bhtom_cpcs.science.catalogue_files.column_names import (
    APERTURES,
    BACKGROUNDS,
    BRIGHTNESS,
    FACTS,
    FLAGS,
    MOST_APERTURES,
    ONE_EXPOSURE,
    PEAKS,
    PIXELS,
    PIXELS_FROM_ZERO,
    SKY,
    WIDTHS,
    Pair,
)
from bhtom_cpcs.science.catalogue_files.instrumental_catalogue import (
    BoolArray,
    Estimator,
    FloatArray,
    InstrumentalCatalogue,
)
from bhtom_cpcs.science.catalogue_files.table import Table, refuse, take_card
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE

# BHTOM2's good-max-mag and good-max-mag-err.
FAINTEST_MAGNITUDE = 50.0
LARGEST_ERROR_MAG = 1.0
# Four decimals are printed: an error of 0.0000 is one below this.
_SMALLEST_ERROR_MAG = 0.0001
_DEGREES = ("", "deg", "degree", "degrees", "d", "decimal degrees")
_HOURS = ("h", "hour", "hours", "hourangle", "hr")
_MAGNITUDE_UNITS = ("", "mag", "magnitude", "magnitudes", "dex", "log(count)")
# SExtractor manual 2.x, FLAGS; sep has the same two lowest bits but no saturation.
_BLENDED, _SATURATED, _CUT = 1 | 2, 4, 8 | 16 | 32 | 64 | 128
_SEP_BLENDED, _SEP_CUT = 1, 2 | 8 | 16 | 32 | 64
_NEAR_SATURATION = 0.95


@dataclass(slots=True)
class _Reading:
    """The choices as they are made."""

    table: Table
    columns: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def unit(self, name: str) -> str:
        """Return the unit of a column in small letters."""
        return self.table.units.get(name, "").strip().strip("'\"").lower()

    def has(self, pair: Pair) -> bool:
        """Whether the file has both columns."""
        return pair.first in self.table.columns and pair.second in self.table.columns


def understand(table: Table) -> InstrumentalCatalogue:
    """Choose the columns, drop what cannot be used, and count it.

    Raises
    ------
    Stop
        `unreadable_catalogue` without positions, magnitudes, or usable rows.
    """
    reading = _Reading(table)
    if table.n_broken:
        reading.dropped["rows of another length"] = table.n_broken
    _one_exposure(reading)
    sky, pixels = _sky(reading), _pixels(reading)
    if sky is None and pixels is None:
        raise refuse("it has no columns of positions, such as ALPHA_J2000, DELTA_J2000")
    estimators = _estimators(reading)
    keep = _kept(reading, sky or pixels, estimators)
    blended, saturated, edge = _flags(reading)
    widths = next((table.columns[n] for n in WIDTHS if n in table.columns), None)
    return InstrumentalCatalogue(
        format=table.format,
        ra_deg=None if sky is None else sky[0][keep],
        dec_deg=None if sky is None else sky[1][keep],
        x_px=None if pixels is None else pixels[0][keep],
        y_px=None if pixels is None else pixels[1][keep],
        estimators=tuple(
            replace(
                e,
                magnitude=e.magnitude[keep],
                error=e.error[keep],
                too_faint=e.too_faint[keep],
            )
            for e in estimators
        ),
        saturated=saturated[keep],
        blended=blended[keep],
        edge=edge[keep],
        fwhm_px=None if widths is None else widths[keep],
        columns=reading.columns,
        dropped=reading.dropped,
        n_rows=table.n_rows + table.n_broken,
        header=table.header,
        notes=tuple(note for note in (table.note, *reading.notes) if note),
    )


def _one_exposure(reading: _Reading) -> None:
    """Refuse light curves and tables of many frames; keep what rows agree on."""
    facts = reading.table.facts
    for card in ONE_EXPOSURE:
        told = facts.get(card, ())
        if len(told) > 1:
            what = {"FILENAME": "frame", "FILTER": "filter"}.get(card, "time")
            raise refuse(
                f"its rows are of more than one {what} ({told[0]}, {told[1]}, ...)"
            )
    for card in FACTS:
        if len(facts.get(card, ())) == 1 and card not in ("FILENAME", "MJD-OBS"):
            take_card(reading.table.header, card, facts[card][0])


def _sky(reading: _Reading) -> tuple[FloatArray, FloatArray] | None:
    """Return ra, dec [deg] of the first pair with usable units."""
    for pair in SKY:
        if not reading.has(pair):
            continue
        ra, dec = (reading.table.columns[n] for n in (pair.first, pair.second))
        units = reading.unit(pair.first), reading.unit(pair.second)
        if units[0] in _HOURS and units[1] in _DEGREES:
            ra = ra * 15
        elif units == ("rad", "rad"):
            ra, dec = np.degrees(ra), np.degrees(dec)
        elif not (units[0] in _DEGREES and units[1] in _DEGREES):
            unit = units[0] if units[0] not in _DEGREES else units[1]
            reading.notes.append(f"{pair.first} was passed over: its unit is {unit}.")
            continue
        reading.columns["position"] = f"{pair.first}, {pair.second}"
        good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
        good &= (ra >= -180) & (ra <= 360)
        return np.where(good, ra % 360, np.nan), np.where(good, dec, np.nan)
    return None


def _pixels(reading: _Reading) -> tuple[FloatArray, FloatArray] | None:
    """Return zero-based x, y."""
    for pair in (*PIXELS_FROM_ZERO, *PIXELS):
        if reading.has(pair):
            reading.columns["pixel"] = f"{pair.first}, {pair.second}"
            first = 0 if pair in PIXELS_FROM_ZERO else 1
            x, y = (reading.table.columns[n] - first for n in (pair.first, pair.second))
            good = (np.abs(x) < 1e6) & (np.abs(y) < 1e6)
            return np.where(good, x, np.nan), np.where(good, y, np.nan)
    return None


def _estimators(reading: _Reading) -> list[Estimator]:
    """Return the first known pair's estimator, or those of its list of apertures."""
    passed: list[str] = []
    for pairs, is_flux in BRIGHTNESS:
        for pair in pairs:
            family = _family(reading, pair)
            if not family:
                continue
            unit = reading.unit(family[0].first)
            error_unit = reading.unit(family[0].second)
            if not is_flux and not {unit, error_unit} <= set(_MAGNITUDE_UNITS):
                wrong = unit if unit not in _MAGNITUDE_UNITS else error_unit
                passed.append(f"{family[0].first} (unit {wrong})")
                continue
            found = [_estimator(reading, one, is_flux) for one in family]
            found = [one for one in found if one.n_usable]
            if not found:
                passed.append(f"{family[0].first} (no usable value)")
                continue
            _tell_choice(reading, found, passed)
            return found
    if passed:
        raise refuse(f"no magnitude can be used: {', '.join(passed)}")
    raise refuse(
        "it has no pair of a magnitude or flux and its error, such as MAG_AUTO, "
        "MAGERR_AUTO"
    )


def _tell_choice(
    reading: _Reading, found: Sequence[Estimator], passed: Sequence[str]
) -> None:
    names = ", ".join(one.column for one in found)
    reason = "the first known pair"
    if len(found) > 1:
        reason = "a list of apertures, of which the one of least scatter is taken"
    if passed:
        reason += f"; passed over: {', '.join(passed)}"
    reading.columns["brightness"] = f"{names} ({reason})"


def _family(reading: _Reading, pair: Pair) -> list[Pair]:
    """Return the pair and the numbered apertures that go with it, as far as there."""
    found = [pair] if reading.has(pair) else []
    forms = [*APERTURES.get(pair.first, ())]
    if pair.first.startswith(("FLUX", "MAG")):
        forms.append((pair.first + "[{}]", pair.second + "[{}]"))
    for first, second in forms:
        if pair.first == "FLUX" and pair.second != "FLUXERR":
            continue
        for number in range(MOST_APERTURES):
            numbered = Pair(first.format(number), second.format(number))
            if reading.has(numbered):
                found.append(numbered)
    return found


def _estimator(reading: _Reading, pair: Pair, is_flux: bool) -> Estimator:
    value, error = (reading.table.columns[n] for n in (pair.first, pair.second))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        lost = np.isfinite(value) & (error > 0) & np.isfinite(error)
        if is_flux:
            lost &= value * LARGEST_ERROR_MAG < MAG_PER_RELATIVE * error
            magnitude = -2.5 * np.log10(value)
            error = np.where(error > 0, MAG_PER_RELATIVE * error / value, np.nan)
        else:
            lost &= (np.abs(value) < FAINTEST_MAGNITUDE) & (error > LARGEST_ERROR_MAG)
            lost &= error < FAINTEST_MAGNITUDE
            magnitude = value
            error = np.where(error == 0, _SMALLEST_ERROR_MAG, error)
    good = np.isfinite(magnitude) & (np.abs(magnitude) < FAINTEST_MAGNITUDE)
    good &= np.isfinite(error) & (error > 0) & (error <= LARGEST_ERROR_MAG)
    return Estimator(
        pair.first,
        pair.second,
        np.where(good, magnitude, np.nan),
        np.where(good, error, np.nan),
        lost & ~good,
    )


def _kept(
    reading: _Reading,
    position: tuple[FloatArray, FloatArray] | None,
    estimators: Sequence[Estimator],
) -> BoolArray:
    """Say which rows have a position, and count those without a usable brightness."""
    if position is None:
        raise RuntimeError("understand() looks for positions first")
    placed = np.isfinite(position[0]) & np.isfinite(position[1])
    bright = np.zeros(len(placed), dtype=bool)
    for one in estimators:
        bright |= one.usable
    for reason, lost in (
        ("without a usable position", ~placed),
        (
            "without a usable magnitude or error (99, inf, above 1 mag)",
            placed & ~bright,
        ),
    ):
        if lost.any():
            reading.dropped[reason] = int(lost.sum())
    if not (placed & bright).any():
        raise refuse(f"none of its {reading.table.n_rows} rows can be used")
    return placed


def _flags(reading: _Reading) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return blended, saturated and cut-off sources by the flags and the peaks."""
    columns = reading.table.columns
    saturated = _saturated_by_peak(reading)
    name = next((n for n in FLAGS if n in columns), None)
    if name is None:
        nothing = np.zeros(reading.table.n_rows, dtype=bool)
        return nothing, saturated, nothing.copy()
    reading.columns["flags"] = name
    value = columns[name]
    bits = np.where(np.isfinite(value) & (np.abs(value) < 2**31), value, 0)
    bits = bits.astype(np.int64)
    if "FLUXAPER1" in columns:  # BANZAI's are those of sep
        return (bits & _SEP_BLENDED) > 0, saturated, (bits & _SEP_CUT) > 0
    return (
        (bits & _BLENDED) > 0,
        saturated | ((bits & _SATURATED) > 0),
        (bits & _CUT) > 0,
    )


def _saturated_by_peak(reading: _Reading) -> BoolArray:
    """Return the sources whose peak reaches the level in the file's header."""
    columns = reading.table.columns
    nothing = np.zeros(reading.table.n_rows, dtype=bool)
    level = reading.table.header.get("SATURATE")
    name = next((n for n in PEAKS if n in columns), None)
    if name is None or isinstance(level, bool) or not isinstance(level, int | float):
        return nothing
    if not level > 0:
        return nothing
    return _peak_above_sky(columns, name) >= _NEAR_SATURATION * level


def _peak_above_sky(columns: Mapping[str, FloatArray], name: str) -> FloatArray:
    """FLUX_MAX is counted from the background, which the level is not."""
    peak = columns[name]
    if name == "FLUX_MAX":
        for background in BACKGROUNDS:
            if background in columns:
                peak = peak + columns[background]
    return peak
