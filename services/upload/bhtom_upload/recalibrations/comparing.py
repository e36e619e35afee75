"""What calibrating again changes: pairs of old and new values."""

from dataclasses import dataclass
from typing import Final

from bhtom_contracts.flags import PointFlag

# Smaller changes than this are the last digit of what is shown.
SAME_MAG: Final = 0.001
# Of the old error. No error is known to 1 %: that would take a scatter of 5,000 stars
# (1/sqrt(2 n)). Rounding is far below it, and a fit weighs the point by 2 % otherwise.
SAME_ERROR: Final = 0.01
# Headers tell times to a millisecond; an MJD as double precision to a microsecond.
SAME_DAYS: Final = 0.0005 / 86400


@dataclass(frozen=True, slots=True)
class Value:
    """A target's value on a plane, as one request found it."""

    passband: str
    magnitude: float | None
    magnitude_error: float | None
    limit_5_sigma: float | None
    is_limit: bool
    flags: int
    mid_exposure_mjd: float
    release: str
    method: str
    software_version: str

    @property
    def outcome(self) -> str:
        """Whether it is a magnitude or a limit."""
        return "limit" if self.is_limit or self.magnitude is None else "magnitude"

    @property
    def flag_names(self) -> tuple[str, ...]:
        """The words of its flags."""
        return _words(self.flags)


@dataclass(frozen=True, slots=True)
class Pair:
    """What stood and what comes, for a target on a plane of a product."""

    data_product_id: int
    plane: int
    target_id: int
    old: Value | None
    new: Value | None

    @property
    def mid_exposure_mjd(self) -> float | None:
        """When it was, as known now [MJD, UTC]."""
        known = self.new or self.old
        return None if known is None else known.mid_exposure_mjd

    @property
    def difference(self) -> float | None:
        """New minus old magnitude, where both are in one passband [mag]."""
        if self.old is None or self.new is None:
            return None
        if self.old.magnitude is None or self.new.magnitude is None:
            return None
        if self.old.passband != self.new.passband:
            return None
        return self.new.magnitude - self.old.magnitude

    @property
    def flags_that_appear(self) -> tuple[str, ...]:
        """Words that only the new value has."""
        if self.old is None or self.new is None:
            return ()
        return _words(self.new.flags & ~self.old.flags)

    @property
    def flags_that_go(self) -> tuple[str, ...]:
        """Words that only the old value has."""
        if self.old is None or self.new is None:
            return ()
        return _words(self.old.flags & ~self.new.flags)

    @property
    def time_shift_s(self) -> float | None:
        """New minus old middle of the exposure [s]."""
        if self.old is None or self.new is None:
            return None
        return (self.new.mid_exposure_mjd - self.old.mid_exposure_mjd) * 86400

    @property
    def changes(self) -> tuple[str, ...]:
        """What is otherwise; `summarising.changes` says the same in SQL."""
        old, new = self.old, self.new
        if old is None or new is None:
            return ("only_new",) * (old is None) + ("only_old",) * (new is None)
        same_passband = old.passband == new.passband
        same_outcome = old.outcome == new.outcome
        difference = self.difference
        found = {
            "passband": not same_passband,
            "outcome": not same_outcome,
            "magnitude": difference is not None and abs(difference) >= SAME_MAG,
            "limit": same_passband and _limit_moved(old, new),
            "error": same_outcome and _error_moved(old, new),
            "flags": old.flags != new.flags,
            "time": abs(new.mid_exposure_mjd - old.mid_exposure_mjd) >= SAME_DAYS,
        }
        return tuple(name for name, is_so in found.items() if is_so)

    @property
    def is_changed(self) -> bool:
        """Whether a light curve would look otherwise, or show it otherwise flagged."""
        return bool(self.changes)


def _words(flags: int) -> tuple[str, ...]:
    return tuple(str(flag.name).lower() for flag in PointFlag if flag and flag & flags)


def _limit_moved(old: Value, new: Value) -> bool:
    before, after = old.limit_5_sigma, new.limit_5_sigma
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= SAME_MAG


def _error_moved(old: Value, new: Value) -> bool:
    before, after = old.magnitude_error, new.magnitude_error
    if before is None or after is None:
        return before is not after
    return abs(after - before) > SAME_ERROR * before
