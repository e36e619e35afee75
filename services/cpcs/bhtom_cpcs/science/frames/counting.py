"""How a card counts its moment, by which clock and where, and the way to UTC."""

from dataclasses import dataclass, replace
from typing import Final

from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import comment_of, first_text
from bhtom_cpcs.science.frames.moments import Moment
from bhtom_cpcs.science.frames.scale_words import (
    Place,
    place_in,
    place_in_name,
    scale_in,
    scale_in_name,
)
from bhtom_cpcs.science.frames.time_scales import of_clock, system_of, to_utc

_MATTERS_S: Final = 2.0
# FITS 4.0, section 9.2.3; TIMEREF is that of the X-ray missions and of Kepler.
_PLACE_CARDS: Final = ("TREFPOS", "TRPOS1", "TIMEREF")
_PLACES: Final[dict[str, Place]] = {
    "BARY": "bjd",
    "SOLA": "bjd",
    "SSB": "bjd",
    "HELI": "hjd",
}
_PLACE_WORDS: Final = {"hjd": "heliocentric", "bjd": "barycentric"}
_USUAL: Final[dict[Place | None, str]] = {None: "utc", "hjd": "utc", "bjd": "tdb"}


@dataclass(frozen=True, slots=True)
class _Said:
    scale: str
    by: str


def counted(moment: Moment, header: fits.Header) -> Moment:
    """The moment in UTC, with the scale that it was told in and what is doubtful of it.

    The scale is that of the card's name, else of its comment, else of the header's
    TIMESYS, else of a text that ends in `Z`: the FITS standard knows no Z, programs
    append it without a thought, and nobody writes TAI so. Where two of them differ by
    more than 2 s that is a doubt. Light time stays in a helio- or barycentric moment.
    """
    if moment.local:
        _, known = system_of(header)
        return replace(moment, scale_known=known)
    place, doubts = _place(moment, header)
    system, known = system_of(header)
    said = _own(moment, header, doubts)
    if system is not None and place is None:
        said.append(_Said(system, "TIMESYS"))
    if moment.text_scale is not None:
        # who writes TAI behind a time means it, unlike a Z
        at = len(said) if moment.text_scale == "utc" else 0
        said.insert(at, _Said(moment.text_scale, "its text"))
    scale = said[0].scale if said else _USUAL[place]
    if place is not None and not said:
        scale, doubt = _of_place(place, system)
        doubts += doubt
    doubts += [
        f"{one.by} says {one.scale.upper()} and {said[0].by} {scale.upper()}, which "
        f"counts: the time may be {apart:.0f} s off"
        for one in said[1:]
        if (apart := _apart_s(moment.mjd, one.scale, scale)) > _MATTERS_S
    ]
    if scale == "utc" and moment.has_clock:
        mjd = of_clock(moment.mjd, leap=moment.leap)
    else:
        mjd = to_utc(moment.mjd, scale)
    named = tuple(f"{moment.card} = {moment.text}: {doubt}." for doubt in doubts)
    return replace(
        moment,
        mjd=mjd,
        scale=scale,
        counted_at=place,
        doubts=(*moment.doubts, *named),
        scale_known=known or bool(said),
    )


def _own(moment: Moment, header: fits.Header, doubts: list[str]) -> list[_Said]:
    """What names and comments of the card, and of its clock, say of the scale."""
    said = []
    for card in dict.fromkeys((moment.clock_card or moment.card, moment.card)):
        if (named := scale_in_name(card)) is not None:
            said.append(_Said(named, f"the name of {card}"))
        comment = scale_in(comment_of(header, card))
        if comment.scale is not None:
            said.append(_Said(comment.scale, f"the comment of {card}"))
        if not comment.sure and named is None:
            doubts.append(f"the comment of {card} leaves its time scale open")
    return said


def _place(moment: Moment, header: fits.Header) -> tuple[Place | None, list[str]]:
    """Where the moment is counted: at the telescope, the Sun or the barycentre."""
    named = place_in_name(moment.card)
    told, sure = place_in(comment_of(header, moment.card))
    doubts = []
    if not sure:
        doubts.append(f"the comment of {moment.card} leaves open where it is counted")
    if named is not None and told is not None and named != told:
        doubts.append(
            f"its name says {_PLACE_WORDS[named]} and its comment {_PLACE_WORDS[told]}"
        )
    if named is None and told is None:
        text = (first_text(header, _PLACE_CARDS) or "").upper()
        by_card = next((at for word, at in _PLACES.items() if text[:4] == word), None)
        return by_card, doubts
    return named or told, doubts


def _of_place(place: Place, system: str | None) -> tuple[str, list[str]]:
    """The scale of a heliocentric or barycentric moment that nobody names.

    TIMESYS is that of the telescope's clock, and people reckon one from the other.
    """
    if place == "bjd" and system in ("tdb", "tt"):
        return system, []
    usual = _USUAL[place]
    return usual, [
        f"nothing says in which time scale this {_PLACE_WORDS[place]} time is; it was "
        f"taken as {usual.upper()}, 69 s may be between them"
    ]


def _apart_s(mjd: float, one: str, other: str) -> float:
    return abs(to_utc(mjd, one) - to_utc(mjd, other)) * 86400
