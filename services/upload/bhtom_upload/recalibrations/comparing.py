"""What calibrating again changes: pairs of old and new values, and their summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bhtom_contracts.flags import PointFlag

# Smaller changes than this are the last digit of what is shown.
SAME_MAG: Final = 0.001
_SIGMA_OF_MAD: Final = 1.4826


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


@dataclass(frozen=True, slots=True)
class Summary:
    """All pairs in a few figures; magnitudes are new minus old."""

    pairs: int
    changed: int
    passband_changed: int
    outcome_changed: int
    only_old: int
    only_new: int
    compared: int
    median_difference: float | None
    scatter: float | None
    median_error_ratio: float | None
    worst_difference: float | None
    worst_data_product_id: int | None


def summary(pairs: Sequence[Pair]) -> Summary:
    """Median, robust scatter (1.4826 MAD) and the largest of the differences."""
    both = [
        (pair, pair.old, pair.new)
        for pair in pairs
        if pair.old is not None and pair.new is not None
    ]
    differences = [
        (pair.difference, pair.data_product_id)
        for pair in pairs
        if pair.difference is not None
    ]
    values = [difference for difference, _ in differences]
    middle = median(values) if values else None
    worst = max(differences, key=lambda one: (abs(one[0]), -one[1]), default=None)
    ratios = [
        new.magnitude_error / old.magnitude_error
        for _, old, new in both
        if old.magnitude_error and new.magnitude_error
    ]
    return Summary(
        pairs=len(pairs),
        changed=sum(pair.is_changed for pair in pairs),
        passband_changed=sum(old.passband != new.passband for _, old, new in both),
        outcome_changed=sum(old.outcome != new.outcome for _, old, new in both),
        only_old=sum(pair.new is None for pair in pairs),
        only_new=sum(pair.old is None for pair in pairs),
        compared=len(values),
        median_difference=middle,
        scatter=(
            None
            if middle is None
            else _SIGMA_OF_MAD * median(abs(value - middle) for value in values)
        ),
        median_error_ratio=median(ratios) if ratios else None,
        worst_difference=None if worst is None else worst[0],
        worst_data_product_id=None if worst is None else worst[1],
    )
