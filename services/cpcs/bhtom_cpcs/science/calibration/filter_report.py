"""What a frame's filter is said to be, held against what the stars say."""

from dataclasses import dataclass

from bhtom_cpcs.science.calibration.band_choice import BandChoice, BandHints, Chosen
from bhtom_cpcs.science.calibration.bands import band_of_card, letters_of_card
from bhtom_cpcs.science.calibration.filter_cards import (
    DeclaredFilter,
    FilterKind,
    declared_filter,
)
from bhtom_cpcs.science.learned_camera import (
    NOTHING_LEARNT,
    LearnedCamera,
    LearnedFlat,
)
from bhtom_cpcs.science.results.frame import FilterReport

# Bands nearest to the colours of a mosaic detector, as BHTOM takes them.
_MOSAIC_BANDS = {"R": "R", "G": "V", "B": "B"}


@dataclass(frozen=True, slots=True)
class BandQuestion:
    """What is known and asked of a frame's passband.

    `requested` is the request's text, `card` the FILTER card's, `settled` the passband
    that earlier frames of the card settled, `plane_colour` R, G or B for a plane of a
    mosaic detector. `learned` is what the camera's version brings along, `flats` are
    its flat-field maps of this image.
    """

    requested: str
    card: str | None = None
    settled: str | None = None
    plane_colour: str | None = None
    learned: LearnedCamera = NOTHING_LEARNT
    flats: tuple[LearnedFlat, ...] = ()

    @property
    def declared(self) -> DeclaredFilter:
        """The card's meaning."""
        return declared_filter(self.card)


def band_hints(
    question: BandQuestion, survey: str, offered: tuple[str, ...]
) -> BandHints:
    """Say which band card or mosaic declare, and which is settled."""
    kind = question.declared.kind
    band = lacking = None
    if kind is FilterKind.NAMED:
        band = band_of_card(question.card, survey, offered)
        if band is None:
            lacking = next(iter(letters_of_card(question.card)), None)
    elif kind is FilterKind.CLEAR:
        band = next((name for name in offered if name.endswith("/G")), None)
    elif kind is FilterKind.GENERIC and question.plane_colour:
        letter = _MOSAIC_BANDS.get(question.plane_colour, "")
        band = band_of_card(letter, survey, offered)
    return BandHints(
        declared=band,
        settled=question.settled,
        lacking=lacking,
    )


def bands_for_filter(
    declared: DeclaredFilter, allowed: tuple[str, ...], offered: tuple[str, ...]
) -> tuple[str, ...]:
    """Narrow the allowed bands to the parent of a narrow filter, a native one first."""
    native = [band for band in allowed if band in offered]
    for bands in (native, allowed):
        for parent in declared.parents:
            found = [band for band in bands if band.rpartition("/")[2] == parent]
            if found:
                return (found[0],)
    return allowed


def filter_report(
    question: BandQuestion, hints: BandHints, choice: BandChoice, survey: str
) -> FilterReport:
    """Compare the card, and what was settled or requested, with the stars.

    `survey` is the catalogue's name, for a band that it lacks.
    """
    kind = question.declared.kind
    card_band = hints.declared if kind is FilterKind.NAMED else None
    disagrees = _disagrees(card_band, choice)
    sentence = _sentence(card_band, disagrees, choice)
    if hints.lacking is not None:
        sentence = f"Header said {hints.lacking}; {survey} has none."
    elif card_band is not None and disagrees is None and card_band != choice.chosen:
        sentence = (
            f"Header said {card_band.rpartition('/')[2]}; too few stars have it in "
            f"{survey}."
        )
    return FilterReport(
        card=question.card,
        card_band=card_band,
        disagrees=disagrees,
        sentence=sentence,
        kind=kind.value,
        shown=choice.shown,
        settled=question.settled,
        contradicted=choice.contradicted,
        plane_colour=question.plane_colour,
    )


def _disagrees(card_band: str | None, choice: BandChoice) -> bool | None:
    ranked = {row.passband for row in choice.figures if row.ranked}
    if card_band is None or card_band not in ranked:
        return None
    return card_band not in choice.tied


def _sentence(
    card_band: str | None, disagrees: bool | None, choice: BandChoice
) -> str | None:
    """Say what the stars say otherwise, if anything."""
    best = choice.chosen if choice.chosen in choice.tied else choice.best
    if best is None or choice.chosen is None:
        return None
    shown = _letter(best, choice)
    if disagrees and card_band is not None:
        return f"Header said {_letter(card_band, choice)}; the stars say {shown}."
    return contradiction(choice)


def contradiction(choice: BandChoice) -> str | None:
    """Say that the stars show another band than the requested or settled one."""
    if not choice.contradicted or choice.chosen is None or choice.best is None:
        return None
    because = "requested" if choice.how is Chosen.REQUESTED else "settled"
    chosen, best = _letter(choice.chosen, choice), _letter(choice.best, choice)
    return f"The {because} band is {chosen}; the stars say {best}."


def _letter(passband: str, choice: BandChoice) -> str:
    """The band without its catalogue, where only one is concerned."""
    catalogues = {
        str(name).partition("/")[0] for name in (passband, choice.chosen, choice.best)
    }
    return passband.rpartition("/")[2] if len(catalogues) == 1 else passband
