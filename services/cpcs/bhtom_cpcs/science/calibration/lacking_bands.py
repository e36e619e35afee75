"""Bands that a catalogue lacks and published transformations give, beside its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bhtom_cpcs.science.calibration.comparison import ComparisonStars, band_stars
from bhtom_cpcs.science.calibration.ranking import BandStars
from bhtom_cpcs.science.calibration.transformations import (
    TransformedBand,
    transform_band,
)
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.reference import ReferenceStars


@dataclass(frozen=True, slots=True)
class LackingBand:
    """A band made from others: how, and its pairs with the comparison stars.

    One that is not `wanted` is only told of, and never chosen.
    """

    made: TransformedBand
    pairs: BandStars
    wanted: bool


def lacking_bands(
    comparison: ComparisonStars,
    reference: ReferenceStars,
    native: Mapping[str, BandStars],
    named: Iterable[str | None],
    allowed: tuple[str, ...],
) -> dict[str, LackingBand]:
    """Make the bands that too few stars have natively.

    All such that the catalogue offers, whatever a request allows, so that a band has
    the same figures in all. Wanted are those that a FILTER card or earlier frames name;
    and all that a request allows, where the catalogue itself has none of them.

    Parameters
    ----------
    native : every offered band's pairs
    named : bands that card and settlement name, None where they name none
    allowed : bands of the request
    """

    def is_native(band: str) -> bool:
        return band in native and int(native[band].usable.sum()) >= FEWEST_STARS

    wanted = [band for band in named if band is not None]
    if not any(is_native(band) for band in allowed):
        wanted += allowed
    found = {}
    for band in dict.fromkeys((*wanted, *native)):
        if is_native(band):
            continue
        made = transform_band(
            band, reference.magnitude, reference.error, reference.verified
        )
        if made is None:
            continue
        pairs = _pairs(comparison, reference, made)
        if int(pairs.usable.sum()) >= FEWEST_STARS:
            found[band] = LackingBand(made, pairs, band in wanted)
    return found


def _pairs(
    comparison: ComparisonStars, reference: ReferenceStars, made: TransformedBand
) -> BandStars:
    band = made.passband
    with_it = replace(
        reference,
        magnitude={band: made.magnitude},
        error={band: made.error},
        verified={band: made.verified},
    )
    return band_stars(comparison, with_it, band)
