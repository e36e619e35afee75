"""The passband of a frame: what the stars show, tempered by what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bhtom_cpcs.science.calibration.ranking import BandStars, Ranking, rank_bands
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.results.zero_point import BandFigures

# What a band that few stars have needs to be held against the best one.
_FEWEST_FOR_DUEL = 8


class Chosen(StrEnum):
    """Why a band was chosen."""

    REQUESTED = "requested"  # the only one that the request allows
    SETTLED = "settled"
    DECLARED = "declared"  # the FILTER card's, as good as the best
    BEST = "best"
    MOST_STARS = "most_stars"  # too few common stars to rank


@dataclass(frozen=True, slots=True)
class BandHints:
    """What is known of the filter before the stars are asked.

    `declared` is the band of the FILTER card, `settled` the one that earlier frames of
    this card settled; None where there is none.
    """

    declared: str | None = None
    settled: str | None = None


@dataclass(frozen=True, slots=True)
class BandChoice:
    """The chosen band and what the stars themselves show.

    Attributes
    ----------
    chosen : band to calibrate to, None where no allowed band has enough stars
    how : why it was chosen
    best : of all ranked bands the one of least scatter
    shown : allowed bands that the stars do not tell from the best allowed one
    tied : the same of all ranked bands
    contradicted : the stars show another band than the requested or settled one
    figures : the whole ranking, one row a band
    """

    chosen: str | None
    how: Chosen
    best: str | None
    shown: tuple[str, ...]
    tied: tuple[str, ...]
    contradicted: bool
    figures: tuple[BandFigures, ...]


def choose_band(
    stars: Mapping[str, BandStars],
    allowed: tuple[str, ...],
    hints: BandHints = BandHints(),
) -> BandChoice:
    """Rank every offered band on the same stars and choose one of the allowed.

    The only allowed band is taken as it is, else the settled one, else the card's
    band where the stars do not tell it from the best, else the best. What the stars
    say against a requested or settled band is said, and changes nothing.

    Parameters
    ----------
    stars : mapping of every offered band to its pairs, of the same matched stars
    allowed : bands that may be chosen; they change no number of any band
    hints : the FILTER card's and the settled band
    """
    ranking = rank_bands(stars)
    tied = ranking.ties(ranking.ranked)
    shown = tuple(band for band in tied if band in allowed) or ranking.ties(allowed)
    chosen, how = _chosen(ranking, allowed, shown, hints)
    contradicted = False
    if chosen in ranking.fits:
        against = tied if how is Chosen.REQUESTED else shown
        contradicted = chosen not in against
    elif how is Chosen.DECLARED and chosen is not None:
        shown = (chosen,)
    figures = tuple(
        _figures(band, ranking, allowed, shown, chosen, how, tied, hints)
        for band in stars
    )
    return BandChoice(
        chosen, how, tied[0] if tied else None, shown, tied, contradicted, figures
    )


def _chosen(
    ranking: Ranking, allowed: tuple[str, ...], shown: tuple[str, ...], hints: BandHints
) -> tuple[str | None, Chosen]:
    """Choose by the order of request, settlement, card and stars."""
    enough = [b for b in allowed if ranking.counts.get(b, 0) >= FEWEST_STARS]
    if len(allowed) == 1:
        return (enough[0] if enough else None), Chosen.REQUESTED
    if hints.settled in enough:
        return hints.settled, Chosen.SETTLED
    if hints.declared in shown:
        return hints.declared, Chosen.DECLARED
    if hints.declared in enough and (
        not shown or _stands_against(ranking, str(hints.declared), shown[0])
    ):
        return hints.declared, Chosen.DECLARED
    if shown:
        return shown[0], Chosen.BEST
    most = max(enough, key=lambda b: ranking.counts[b]) if enough else None
    return most, Chosen.MOST_STARS


def _stands_against(ranking: Ranking, band: str, best: str) -> bool:
    """Hold a band that too few stars have for the ranking against its best.

    Without it a u frame, whose band the catalogue verifies for the brightest stars
    only, would never be called u.
    """
    if band in ranking.fits:
        return False
    pair = {name: ranking.stars[name] for name in (band, best)}
    both = pair[band].usable & pair[best].usable
    if int(both.sum()) < _FEWEST_FOR_DUEL:
        return False
    duel = rank_bands(
        {
            name: BandStars(np.where(both, one.difference, np.nan), one.error)
            for name, one in pair.items()
        }
    )
    return band in duel.ties((band, best))


def _figures(
    band: str,
    ranking: Ranking,
    allowed: tuple[str, ...],
    shown: tuple[str, ...],
    chosen: str | None,
    how: Chosen,
    tied: tuple[str, ...],
    hints: BandHints,
) -> BandFigures:
    """Describe one band of the ranking."""
    fit = ranking.fits.get(band)
    if fit is None:
        reason = f"not ranked: only {ranking.counts[band]} usable stars have it"
        if band == chosen:
            reason = f"{_because(how)}; too few common stars to rank it"
        return BandFigures(
            passband=band,
            ranked=False,
            chosen=band == chosen,
            reason=reason,
            n_stars=ranking.counts[band],
            zero_point=None,
            zero_point_error=None,
            scatter_mag=None,
            intrinsic_scatter_mag=None,
            outlier_fraction=None,
        )
    return BandFigures(
        passband=band,
        ranked=True,
        chosen=band == chosen,
        reason=(
            _reason_for(band, how, shown, tied)
            if band == chosen
            else _reason_against(band, allowed, shown, hints)
        ),
        n_stars=int(ranking.common.sum()),
        zero_point=fit.value,
        zero_point_error=fit.error,
        scatter_mag=fit.scatter,
        intrinsic_scatter_mag=float(np.sqrt(max(fit.intrinsic_variance, 0.0))),
        outlier_fraction=fit.outlier_fraction,
    )


def _because(how: Chosen) -> str:
    return {
        Chosen.REQUESTED: "the only band requested",
        Chosen.SETTLED: "the band settled for this FILTER card",
        Chosen.DECLARED: "the FILTER card's band, as good as the best",
        Chosen.BEST: "least scatter",
        Chosen.MOST_STARS: "most stars",
    }[how]


def _reason_for(
    band: str, how: Chosen, shown: tuple[str, ...], tied: tuple[str, ...]
) -> str:
    """Say why the band was chosen, and what the stars say about it."""
    against = tied if how is Chosen.REQUESTED else shown
    if band not in against:
        return f"{_because(how)}, although the stars fit {against[0]} better"
    others = [other for other in against if other != band]
    if how is Chosen.BEST and others:
        return f"{_because(how)}, not told apart from {', '.join(others)}"
    return _because(how)


def _reason_against(
    band: str, allowed: tuple[str, ...], shown: tuple[str, ...], hints: BandHints
) -> str:
    """Say why the band was passed over."""
    if band not in allowed:
        return "not requested"
    if band in shown:
        return "as good as the best"
    if band == hints.declared:
        return "more scatter, although the FILTER card names it"
    return "more scatter"
