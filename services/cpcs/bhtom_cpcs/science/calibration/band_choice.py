"""The passband of a frame: what the stars show, tempered by what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from bhtom_cpcs.science.calibration.ranking import BandStars, Ranking, rank_bands
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.results.zero_point import BandFigures

# What a band that few stars have needs to be held against the best one.
_FEWEST_FOR_DUEL = 8


class Chosen(StrEnum):
    """Why a band was chosen."""

    REQUESTED = "requested"  # the only one that the request allows
    PARENT = "parent"  # the broad band that holds a narrow filter's line
    SETTLED = "settled"
    DECLARED = "declared"  # the FILTER card's, as good as the best
    BEST = "best"
    MOST_STARS = "most_stars"  # too few common stars to rank


_BY_DECISION = (Chosen.REQUESTED, Chosen.SETTLED, Chosen.DECLARED)


@dataclass(frozen=True, slots=True)
class BandHints:
    """What is known of the filter before the stars are asked.

    `declared` is the band of the FILTER card, `settled` the one that earlier frames of
    this card settled; None where there is none. `lacking` is the letter of a band that
    the card names and that the catalogue can give in no way. `narrowed` says that the
    filter, a narrow one, left no choice of the band, and not the request.
    """

    declared: str | None = None
    settled: str | None = None
    lacking: str | None = None
    narrowed: bool = False


@dataclass(frozen=True, slots=True)
class BandChoice:
    """The chosen band and what the stars themselves show.

    Attributes
    ----------
    chosen : band to calibrate to, None where no allowed band has enough stars
    how : why it was chosen
    best : of all ranked bands the one of least scatter
    shown : allowed bands that the stars do not tell from the best allowed one; empty
        where they say nothing of the band that was requested or settled
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
    made: Mapping[str, BandStars] = MappingProxyType({}),
    spare: Mapping[str, BandStars] = MappingProxyType({}),
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
    made : the same of bands that come by transformation; they change no number of an
        offered band, and are held against them on those of the common stars that
        they have
    spare : more such bands, which nobody asked for: they have figures, the same as
        where somebody does, and take no part
    """
    by_stars = {
        name: one
        for name, one in stars.items()
        if name not in made and name not in spare
    }
    native = rank_bands(by_stars)
    ranking = _joined(native, made)
    tied = ranking.ties(ranking.ranked)
    shown = tuple(band for band in tied if band in allowed) or ranking.ties(allowed)
    chosen, how = _chosen(ranking, allowed, shown, hints)
    against = tied if how is Chosen.REQUESTED else shown
    contradicted = False
    if chosen in ranking.fits and how is not Chosen.PARENT:
        contradicted = chosen not in against
    elif chosen is not None and how in _BY_DECISION:
        # too few stars have it for the ranking, which then says nothing of it
        stands = _duel(ranking, chosen, against[0]) if against else None
        contradicted = stands is False and how is not Chosen.DECLARED
        if not contradicted:
            shown = (chosen,) if stands or how is Chosen.DECLARED else ()
    told = _Told(allowed, shown, tied, tuple(spare), chosen, how, hints, contradicted)
    figures = [_figures(band, native, told) for band in native.stars]
    figures += [
        _figures(band, rank_bands({band: _common_part(native, one)}), told, made=True)
        for band, one in {**made, **spare}.items()
    ]
    best = tied[0] if tied else None
    return BandChoice(chosen, how, best, shown, tied, contradicted, tuple(figures))


def _common_part(native: Ranking, one: BandStars) -> BandStars:
    """The pairs of a made band that are of the stars which ranked the native ones."""
    if not native.fits:
        return one
    return BandStars(
        np.where(native.common, one.difference, np.nan), one.error, one.unverified_used
    )


def _joined(native: Ranking, made: Mapping[str, BandStars]) -> Ranking:
    """Rank made bands beside the native ones, on common stars of both."""
    if not made:
        return native
    held = {band: native.stars[band] for band in native.fits} | dict(made)
    joined = rank_bands({band: _common_part(native, held[band]) for band in held})
    counts = {band: int(one.usable.sum()) for band, one in made.items()}
    return replace(
        joined, stars={**native.stars, **made}, counts={**native.counts, **counts}
    )


def _chosen(
    ranking: Ranking, allowed: tuple[str, ...], shown: tuple[str, ...], hints: BandHints
) -> tuple[str | None, Chosen]:
    """Choose by the order of request, settlement, card and stars."""
    enough = [b for b in allowed if ranking.counts.get(b, 0) >= FEWEST_STARS]
    if len(allowed) == 1:
        how = Chosen.PARENT if hints.narrowed else Chosen.REQUESTED
        return (enough[0] if enough else None), how
    if hints.settled in enough:
        return hints.settled, Chosen.SETTLED
    if hints.declared in shown:
        return hints.declared, Chosen.DECLARED
    if hints.declared in enough and (
        not shown or _duel(ranking, str(hints.declared), shown[0])
    ):
        return hints.declared, Chosen.DECLARED
    if shown:
        return shown[0], Chosen.BEST
    most = max(enough, key=lambda b: ranking.counts[b]) if enough else None
    return most, Chosen.MOST_STARS


def _duel(ranking: Ranking, band: str, best: str) -> bool | None:
    """Hold a band that too few stars have for the ranking against its best.

    Without it a u frame, whose band the catalogue verifies for the brightest stars
    only, would never be called u, nor stay what earlier frames settled. None where too
    few stars have both.
    """
    if band in ranking.fits:
        return False
    pair = {name: ranking.stars[name] for name in (band, best)}
    both = pair[band].usable & pair[best].usable
    if int(both.sum()) < _FEWEST_FOR_DUEL:
        return None
    duel = rank_bands(
        {
            name: BandStars(np.where(both, one.difference, np.nan), one.error)
            for name, one in pair.items()
        }
    )
    return band in duel.ties((band, best))


@dataclass(frozen=True, slots=True)
class _Told:
    """What the reasons of all bands are told from."""

    allowed: tuple[str, ...]
    shown: tuple[str, ...]
    tied: tuple[str, ...]
    spare: tuple[str, ...]
    chosen: str | None
    how: Chosen
    hints: BandHints
    contradicted: bool


def _figures(
    band: str, ranking: Ranking, told: _Told, *, made: bool = False
) -> BandFigures:
    """Describe one band of the ranking."""
    fit = ranking.fits.get(band)
    is_chosen = band == told.chosen
    if fit is None:
        reason = f"not ranked: only {ranking.counts[band]} usable stars have it"
        if is_chosen:
            reason = f"{_because(told.how)}; too few common stars to rank it"
            if told.contradicted:
                reason += ", but on those it has the stars fit another better"
    else:
        reason = _reason_for(band, told) if is_chosen else _reason_against(band, told)
    if made:
        reason += "; transformed from other bands"
    if fit is None:
        return BandFigures(
            passband=band,
            ranked=False,
            chosen=is_chosen,
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
        chosen=is_chosen,
        reason=reason,
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
        Chosen.PARENT: "the band that holds the line of this narrow filter",
        Chosen.SETTLED: "the band settled for this FILTER card",
        Chosen.DECLARED: "the FILTER card's band, as good as the best",
        Chosen.BEST: "least scatter",
        Chosen.MOST_STARS: "most stars",
    }[how]


def _reason_for(band: str, told: _Told) -> str:
    """Say why the band was chosen, and what the stars say about it."""
    if told.how is Chosen.PARENT:
        return _because(told.how)
    against = told.tied if told.how is Chosen.REQUESTED else told.shown
    if not against:
        return f"{_because(told.how)}; too few stars have it and others to compare"
    if band not in against:
        return f"{_because(told.how)}, although the stars fit {against[0]} better"
    others = [other for other in against if other != band]
    if told.how is Chosen.BEST and others:
        return f"{_because(told.how)}, not told apart from {', '.join(others)}"
    return _because(told.how)


def _reason_against(band: str, told: _Told) -> str:
    """Say why the band was passed over."""
    if band not in told.allowed:
        return "not requested"
    if band in told.spare:
        return "too few stars have it in the catalogue"
    if band in told.shown:
        return "as good as the best"
    if band == told.hints.declared:
        return "more scatter, although the FILTER card names it"
    return "more scatter"
