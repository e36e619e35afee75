"""What calibrating again changes: pairs of old and new values."""

from dataclasses import dataclass
from typing import Final

from bhtom_contracts.flags import PointFlag

# Smaller changes than this are the last digit of what is shown.
SAME_MAG: Final = 0.001


@dataclass(frozen=True, slots=True)
class Value:
    """A target's value on a plane, as one request found it."""

    passband: str
    magnitude: float | None
    magnitude_error: float | None
    limit_5_sigma: float | None
    is_limit: bool
    flags: int
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
        return tuple(
            str(flag.name).lower() for flag in PointFlag if flag and flag & self.flags
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """What stood and what comes, for a target on a plane of a product."""

    data_product_id: int
    plane: int
    target_id: int
    mid_exposure_mjd: float | None
    old: Value | None
    new: Value | None

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
    def is_changed(self) -> bool:
        """Whether a light curve would look otherwise."""
        if self.old is None or self.new is None:
            return self.old is not self.new
        if (self.old.passband, self.old.outcome) != (
            self.new.passband,
            self.new.outcome,
        ):
            return True
        return self.difference is not None and abs(self.difference) >= SAME_MAG
