"""Pure rules: when frames move a mean, and what a person may overrule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

from bhtom_cpcs.science.decisions import SettledBand, TargetColour
from bhtom_cpcs.science.epochs import julian_year

# Fewer frames than this do not tell an outlier from the rest.
FEWEST_POSITIONS: Final = 3
_OUTLIER_SIGMA: Final = 5.0
_SIGMA_OF_MAD: Final = 1.4826
_MOVED_SIGMA: Final = 0.5

# Colours that colour terms are written in, by the band's name in its survey.
COLOUR_PAIRS: Final = (
    ("u", "g"),
    ("g", "r"),
    ("g", "i"),
    ("r", "i"),
    ("i", "z"),
    ("U", "B"),
    ("B", "V"),
    ("V", "R"),
    ("V", "I"),
    ("R", "I"),
    ("GBP", "GRP"),
)


class RulingKind(StrEnum):
    """What a person may say about a filter card.

    Force: this passband, whatever the stars show. Settle: what the stars propose, as
    long as they propose it. Clear: what the frames of this time show does not count.
    """

    FORCE = "force"
    SETTLE = "settle"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's word on a filter card within an interval of time."""

    kind: RulingKind
    passband: str | None
    valid_from_mjd: float | None
    valid_until_mjd: float | None

    def holds_at(self, mjd: float) -> bool:
        """Whether a time lies in the ruling's interval."""
        after = self.valid_from_mjd is None or mjd >= self.valid_from_mjd
        return after and (self.valid_until_mjd is None or mjd < self.valid_until_mjd)


def ruled(
    filter_card: str, bands: Sequence[SettledBand], rulings: Sequence[Ruling]
) -> tuple[SettledBand, ...]:
    """The stars' bands with what people ruled (oldest first) laid over them.

    The first band that holds at a time is the one that counts, so the newest ruling
    stands first, and all of them before what they overrule.
    """
    over = [
        SettledBand(
            filter_card=filter_card,
            passband=ruling.passband,
            provisional=False,
            n_frames=0,
            n_nights=0,
            valid_from_mjd=ruling.valid_from_mjd,
            valid_until_mjd=ruling.valid_until_mjd,
        )
        for ruling in reversed(rulings)
        if ruling.passband is not None
    ]
    return (*over, *bands)


@dataclass(frozen=True, slots=True)
class MeasuredPosition:
    """Where a frame found a target: ICRS [deg], 1 sigma [arcsec]."""

    mjd: float
    ra_deg: float
    dec_deg: float
    ra_error_arcsec: float
    dec_error_arcsec: float


@dataclass(frozen=True, slots=True)
class Mean:
    """A weighted mean position, at the weighted mean of its frames' epochs."""

    ra_deg: float
    dec_deg: float
    epoch_jyear: float
    ra_error_arcsec: float
    dec_error_arcsec: float
    n_frames: int


def mean_position(measured: Sequence[MeasuredPosition]) -> Mean | None:
    """The weighted mean of positions; None when they are too few.

    At the weighted mean epoch the mean of a target that moves evenly lies on its path,
    so no proper motion enters. Frames beyond 5 sigma of the median are left out. The
    error of the mean grows where the frames scatter more than their errors say.
    """
    if not measured:
        return None
    origin = measured[0]
    cosine = max(math.cos(math.radians(origin.dec_deg)), 1e-9)
    east = [_east(origin.ra_deg, one.ra_deg) * cosine * 3600 for one in measured]
    north = [(one.dec_deg - origin.dec_deg) * 3600 for one in measured]
    east_errors = [one.ra_error_arcsec for one in measured]
    north_errors = [one.dec_error_arcsec for one in measured]
    near_east = _near_median(east, east_errors)
    near_north = _near_median(north, north_errors)
    kept = [
        number
        for number in range(len(measured))
        if near_east[number] and near_north[number]
    ]
    if len(kept) < FEWEST_POSITIONS:
        return None
    x, x_error = _weighted([east[k] for k in kept], [east_errors[k] for k in kept])
    y, y_error = _weighted([north[k] for k in kept], [north_errors[k] for k in kept])
    weights = [1 / (east_errors[k] * north_errors[k]) for k in kept]
    mjd = sum(
        weight * measured[k].mjd for weight, k in zip(weights, kept, strict=True)
    ) / sum(weights)
    return Mean(
        ra_deg=(origin.ra_deg + x / cosine / 3600) % 360,
        dec_deg=origin.dec_deg + y / 3600,
        epoch_jyear=julian_year(mjd),
        ra_error_arcsec=x_error,
        dec_error_arcsec=y_error,
        n_frames=len(kept),
    )


def _east(origin_deg: float, ra_deg: float) -> float:
    return (ra_deg - origin_deg + 180) % 360 - 180


def _near_median(values: Sequence[float], errors: Sequence[float]) -> list[bool]:
    middle = median(values)
    spread = _SIGMA_OF_MAD * median(abs(value - middle) for value in values)
    return [
        abs(value - middle) <= _OUTLIER_SIGMA * max(error, spread)
        for value, error in zip(values, errors, strict=True)
    ]


def _weighted(values: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    """Weighted mean and its error, the larger of the formal and the scatter's."""
    weights = [1 / error**2 for error in errors]
    total = sum(weights)
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / total
    chi_square = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))
    inflation = max(1.0, chi_square / (len(values) - 1))
    return mean, math.sqrt(inflation / total)


def is_news(known: Mean | None, found: Mean) -> bool:
    """Whether a mean is worth a new version: it moved, or twice as many frames say it.

    Every version changes what later frames are measured at, so a light curve wants few.
    """
    if known is None or found.n_frames >= 2 * known.n_frames:
        return True
    cosine = math.cos(math.radians(known.dec_deg))
    east = _east(known.ra_deg, found.ra_deg) * cosine * 3600
    north = (found.dec_deg - known.dec_deg) * 3600
    moved = math.hypot(
        east / max(known.ra_error_arcsec, 1e-6),
        north / max(known.dec_error_arcsec, 1e-6),
    )
    return moved > _MOVED_SIGMA


@dataclass(frozen=True, slots=True)
class MeasuredMagnitude:
    """A target's magnitude on a frame, in the passband `<survey>/<band>`."""

    passband: str
    value: float
    error: float
    mid_exposure_mjd: float


def colours(
    target_id: int, magnitudes: Sequence[MeasuredMagnitude]
) -> tuple[TargetColour, ...]:
    """A target's colours of one night, from its magnitudes in two bands of a survey."""
    of_band: dict[str, tuple[float, float]] = {}
    for passband in sorted({one.passband for one in magnitudes}):
        ours = [one for one in magnitudes if one.passband == passband]
        of_band[passband] = _weighted_or_single(ours)
    surveys = sorted({passband.rpartition("/")[0] for passband in of_band})
    found = []
    for survey in surveys:
        for blue, red in COLOUR_PAIRS:
            one, other = f"{survey}/{blue}", f"{survey}/{red}"
            if one in of_band and other in of_band:
                (bluer, blue_error), (redder, red_error) = of_band[one], of_band[other]
                found.append(
                    TargetColour(
                        target_id,
                        one,
                        other,
                        bluer - redder,
                        math.hypot(blue_error, red_error),
                        "same night",
                        _mean_time(magnitudes, (one, other)),
                    )
                )
    return tuple(found)


def _mean_time(magnitudes: Sequence[MeasuredMagnitude], pair: tuple[str, str]) -> float:
    times = [one.mid_exposure_mjd for one in magnitudes if one.passband in pair]
    return math.fsum(times) / len(times)


def _weighted_or_single(ours: Sequence[MeasuredMagnitude]) -> tuple[float, float]:
    if len(ours) == 1:
        return ours[0].value, ours[0].error
    return _weighted([one.value for one in ours], [one.error for one in ours])
