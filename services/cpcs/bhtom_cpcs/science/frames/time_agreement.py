"""Whether the time cards of a header agree with each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import text_of
from bhtom_cpcs.science.frames.local_time import LOCAL_CLOCKS, says_local
from bhtom_cpcs.science.frames.moments import TIME_CARDS, Moment, clock_of
from bhtom_cpcs.science.frames.stack_times import END_CARDS
from bhtom_cpcs.science.frames.vantage import Vantage

_CLOCK_S = 2.0
# Many cameras write the end, or the clock alone, when the frame has been read out.
_READOUT_S = 60.0
_LIGHT_TIME_S = 580.0  # 499 s to the Sun, and 69 s between UTC and TDB
_BETWEEN_SCALES_S = 70.0
_ZONE_STEP_S, _FURTHEST_ZONE_S = 900.0, 14 * 3600.0


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A card that tells another time than the one that counts.

    `apart_s` is its moment minus that of the card that counts; `moment` is None for a
    clock without a date. `zone_like` where a time zone could lie between them.
    """

    card: str
    text: str
    apart_s: float
    moment: Moment | None
    zone_like: bool


def contradictions(
    chosen: Moment,
    moments: Sequence[Moment],
    header: fits.Header,
    length_s: float,
) -> list[Contradiction]:
    """The cards further from the chosen one than exposure and rounding explain.

    Parameters
    ----------
    length_s : from the first start to the last end, as far as it is known [s]
    """
    slack_s = length_s + _CLOCK_S + chosen.rounding_s
    # a clock without a date may be of another scale than the date card
    by_clock_s = slack_s + (0.0 if chosen.scale == "utc" else _BETWEEN_SCALES_S)
    found = [
        *_by_date(chosen, moments, slack_s),
        *_by_clock(chosen, header, by_clock_s),
    ]
    return list({one.card: one for one in reversed(found)}.values())[::-1]


@dataclass(frozen=True, slots=True)
class Belief:
    """Which of the cards counts: how far the middle moves for it, and why [s]."""

    move_s: float
    remark: str


def belief(
    chosen: Moment,
    others: Sequence[Contradiction],
    mid_mjd_utc: float,
    vantage: Vantage | None,
) -> Belief:
    """Which of cards that disagree counts, in a sentence that says why.

    The one chosen by its name, unless nobody says that its clock was UTC's and the site
    tells better: it was day then, or the target down, and by exactly one card a time
    zone away it was night. That one moves the middle by whole quarters of an hour.
    """
    named = " and ".join(
        f"{one.card} = {one.text} ({_told(one.apart_s)})" for one in others[:3]
    )
    said = f"{chosen.card} = {chosen.text} and {named} disagree"
    zones = [one for one in others if one.zone_like]
    if zones:
        said += "; whole hours or quarters lie between them: one may be local time"
    possible = None
    if vantage is not None and zones:
        possible = vantage.is_possible(mid_mjd_utc)
    doubtful = possible is False and not (chosen.in_utc or chosen.local)
    if vantage is not None and doubtful:
        steps = {_ZONE_STEP_S * round(one.apart_s / _ZONE_STEP_S) for one in zones}
        night = [
            step
            for step in sorted(steps)
            if vantage.is_possible(mid_mjd_utc + step / 86400)
        ]
        if len(night) == 1:
            card = next(one.card for one in zones if _is_step(one, night[0]))
            return Belief(
                night[0],
                f"{said}. {card} counts: by {chosen.card} the Sun was up or the target "
                "below the horizon.",
            )
    why = "its clock is said to be UTC" if chosen.in_utc else "it is the surest by name"
    if possible:
        why += ", and it was night then"
    return Belief(0.0, f"{said}. {chosen.card} counts: {why}.")


def _is_step(one: Contradiction, step_s: float) -> bool:
    return _ZONE_STEP_S * round(one.apart_s / _ZONE_STEP_S) == step_s


def _told(apart_s: float) -> str:
    """A difference in words."""
    side = "later" if apart_s > 0 else "earlier"
    size = abs(apart_s)
    if size < 120:
        return f"{size:.0f} s {side}"
    if size < 7200:
        return f"{size / 60:.1f} min {side}"
    return (
        f"{size / 3600:.2f} h {side}" if size < 2e5 else f"{size / 86400:.1f} d {side}"
    )


def _by_date(
    chosen: Moment, moments: Sequence[Moment], slack_s: float
) -> Iterator[Contradiction]:
    for other in moments:
        if other.card == chosen.card or other.ambiguous or chosen.ambiguous:
            continue
        allowed_s = slack_s + other.rounding_s
        if other.counted_at is not None or chosen.counted_at is not None:
            allowed_s += _LIGHT_TIME_S
        if other.card in END_CARDS or chosen.card in END_CARDS:
            allowed_s += _READOUT_S
        apart_s = (other.mjd - chosen.mjd) * 86400
        if not _agree(apart_s, allowed_s, zones=other.local != chosen.local):
            yield Contradiction(
                other.card, other.text, apart_s, other, _zone_like(apart_s, allowed_s)
            )


def _by_clock(
    chosen: Moment, header: fits.Header, slack_s: float
) -> Iterator[Contradiction]:
    """Cards of the time of day alone, on whatever day."""
    for card in (*TIME_CARDS, *LOCAL_CLOCKS):
        clock = clock_of(header, card)
        if clock is None or card == chosen.card:
            continue
        local = says_local(header, card) and not clock.in_utc
        apart_s = clock.seconds - chosen.mjd % 1 * 86400
        apart_s = (apart_s + 43200) % 86400 - 43200
        allowed_s = slack_s + clock.rounding_s
        if not _agree(apart_s, allowed_s, zones=local != chosen.local):
            text = text_of(header, card) or ""
            zone_like = _zone_like(apart_s, allowed_s)
            yield Contradiction(card, text, apart_s, None, zone_like)


def _agree(apart_s: float, allowed_s: float, *, zones: bool) -> bool:
    if abs(apart_s) <= allowed_s:
        return True
    # one of them is local, and may be any zone away
    if not zones or abs(apart_s) > _FURTHEST_ZONE_S + allowed_s:
        return False
    return _zone_like(apart_s, allowed_s) or allowed_s >= _ZONE_STEP_S / 2


def _zone_like(apart_s: float, allowed_s: float) -> bool:
    """Whether two moments lie a whole number of quarters of an hour apart."""
    left_s = abs((apart_s + _ZONE_STEP_S / 2) % _ZONE_STEP_S - _ZONE_STEP_S / 2)
    return left_s <= allowed_s < abs(apart_s) <= _FURTHEST_ZONE_S + allowed_s
