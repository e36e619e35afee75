"""A frame's calibration from its comparison stars: band, source, flags, sentences."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bhtom_cpcs.science.calibration.band_choice import Chosen
from bhtom_cpcs.science.calibration.comparison import ComparisonStars
from bhtom_cpcs.science.calibration.filter_report import BandQuestion
from bhtom_cpcs.science.calibration.frame_calibration import (
    FrameCalibration,
    StarPlaces,
    calibrate_frame,
)
from bhtom_cpcs.science.calibration.frame_zero_point import (
    MatchFigures,
    borrowed_zero_point,
    frame_zero_point,
    refuse_not_linear,
    refuse_poor,
)
from bhtom_cpcs.science.calibration.zero_point_at import zero_point_at
from bhtom_cpcs.science.decisions import BorrowedZeroPoint, TargetColour
from bhtom_cpcs.science.learned_camera import LearnedCamera, LearnedColourTerm
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.zero_point_terms import ColourTerm
from bhtom_sky import BANDS, make_sky

TEN = tuple(f"GaiaSP/{band}" for band in BANDS)
REQUESTS = ("GaiaSP/any", "GaiaSP/ugriz", "GaiaSP/UBVRI", "GaiaSP/r", "GaiaSP/R", "no")


@dataclass(frozen=True)
class Offered:
    """A catalogue of which only the names are asked."""

    bands: tuple[str, ...] = TEN
    name: str = "GaiaSP"
    title: str = "Gaia DR3 synthetic photometry"


@dataclass(frozen=True)
class Exposed:
    """Stars of a sky seen through a filter."""

    comparison: ComparisonStars
    reference: ReferenceStars
    places: StarPlaces

    def calibrate(
        self, question: BandQuestion, bands: tuple[str, ...] = TEN
    ) -> FrameCalibration:
        return calibrate_frame(
            self.comparison, self.reference, Offered(bands), question, self.places
        )

    def zero_point(
        self, question: BandQuestion, bands: tuple[str, ...] = TEN
    ) -> ZeroPoint:
        found = self.calibrate(question, bands)
        return frame_zero_point(
            found, self.places, MatchFigures(80, 2.0), 1.2, {"GaiaSP/r": -0.02}
        )


def exposed(
    shown: str = "r",
    seed: int = 1,
    n: int = 60,
    *,
    bands: tuple[str, ...] = BANDS,
    colour_slope: float = 0.0,
    gamma: float = 1.0,
    extra: float = 0.0,
) -> Exposed:
    sky = make_sky(seed, (10.0, 10.0), 0.2, n, faintest=17.0)
    rng = np.random.default_rng(seed + 100)
    error = np.full(n, 0.02)
    seen = gamma * (sky.magnitude[shown] - 15) + 15 - 22 + rng.normal(0, 0.02, n)
    seen += colour_slope * (sky.magnitude["g"] - sky.magnitude["r"])
    seen += rng.normal(0, extra, n)
    reference = ReferenceStars(
        ra_deg=sky.ra_deg,
        dec_deg=sky.dec_deg,
        epoch_jyear=2016.0,
        pm_ra_masyr=np.zeros(n),
        pm_dec_masyr=np.zeros(n),
        magnitude={f"GaiaSP/{b}": sky.magnitude[b] for b in bands},
        error={f"GaiaSP/{b}": np.full(n, 0.005) for b in bands},
        verified={f"GaiaSP/{b}": np.ones(n, dtype=bool) for b in bands},
        tile_hashes=(),
    )
    index = np.arange(n)
    places = StarPlaces(
        rng.uniform(0, 1000, n),
        rng.uniform(0, 1000, n),
        np.full(n, 1.2),
        1000,
        1000,
        0.2,
    )
    return Exposed(ComparisonStars(seen, error, index, index), reference, places)


def sparse_in(band: str, seed: int, share: float, shown: str | None = None) -> Exposed:
    """A frame in a band (in another, if `shown`) that only the brightest stars have."""
    frame = exposed(shown or band, seed, 80)
    order = np.argsort(frame.reference.magnitude["GaiaSP/r"])
    magnitude = dict(frame.reference.magnitude)
    faint = order[int(share * len(order)) :]
    magnitude[f"GaiaSP/{band}"] = magnitude[f"GaiaSP/{band}"].copy()
    magnitude[f"GaiaSP/{band}"][faint] = np.nan
    return replace(frame, reference=replace(frame.reference, magnitude=magnitude))


@pytest.mark.parametrize(("band", "share"), [("u", 0.2), ("z", 0.5), ("i", 0.55)])
def test_a_settled_band_that_few_stars_have_stays(band: str, share: float) -> None:
    """Its frames show it by a duel, and do not count against it."""
    settled = BandQuestion("GaiaSP/any", band, settled=f"GaiaSP/{band}")
    for seed in range(12):
        choice = sparse_in(band, seed, share).calibrate(settled).choice
        assert choice.shown == (f"GaiaSP/{band}",)
        assert not choice.contradicted
    # the control: of frames of another band the stars say so
    others = [
        sparse_in(band, seed, share, "g").calibrate(settled).choice for seed in range(4)
    ]
    assert all(choice.contradicted and choice.shown for choice in others)


def test_a_forced_band_that_few_stars_have_is_contradicted_by_them() -> None:
    for band in "Ugi":
        question = BandQuestion(f"GaiaSP/{band}")
        assert sparse_in(band, 5, 0.3, "r").calibrate(question).choice.contradicted
        assert not sparse_in(band, 5, 0.3).calibrate(question).choice.contradicted


def test_a_settled_band_that_cannot_be_compared_is_said() -> None:
    """It is made from others, and too few stars have it and the ranked bands."""
    frame, bands = sparse_at_random("u", 1512)
    question = BandQuestion("GaiaSP/UBVRI", None, settled="GaiaSP/V")
    choice = frame.calibrate(question, bands).choice
    assert (choice.chosen, choice.shown) == ("GaiaSP/V", ())
    (row,) = [row for row in choice.figures if row.chosen]
    assert "too few stars have it and others to compare" in row.reason


def told_of(found: FrameCalibration) -> dict[str, object]:
    """Every number that a calibration tells of a band: its row, and of the chosen."""
    rows = {
        row.passband: replace(row, reason="", chosen=False)
        for row in found.choice.figures
    }
    model = found.model
    if model is None:
        return rows
    fitted = {
        f"chosen {found.choice.chosen}": (
            *(model.value, model.error, model.scatter, model.outlier_fraction),
            *(model.colour, model.mean_colour, model.place, found.slope),
        )
    }
    return rows | fitted


def sparse_at_random(shown: str, seed: int) -> tuple[Exposed, tuple[str, ...]]:
    """A field whose bands some stars lack or doubt, and some no star has."""
    rng = np.random.default_rng([7, seed])
    n = int(rng.integers(8, 60))
    frame = exposed(shown, seed, n)
    lacking = set(rng.choice(list(BANDS), int(rng.integers(0, 5)), replace=False))
    bands = tuple(band for band in TEN if band[-1] not in lacking)
    magnitude, verified = {}, {}
    for band in bands:
        has_it = rng.random(n) < rng.choice([1.0, 0.8, 0.5, 0.3, 0.1])
        magnitude[band] = np.where(has_it, frame.reference.magnitude[band], np.nan)
        verified[band] = rng.random(n) < rng.choice([1.0, 0.5])
    error = {band: frame.reference.error[band] for band in bands}
    reference = replace(
        frame.reference, magnitude=magnitude, verified=verified, error=error
    )
    return replace(frame, reference=reference), bands


@given(
    st.sampled_from("ugrizUBVRI"),
    st.integers(0, 10_000),
    st.sampled_from([None, "r", "V", "g_band", "Clear", "R", "Ha", "L-pro"]),
    st.sampled_from([None, "r", "V", "i"]),
    st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_a_request_changes_no_number_of_a_band(
    shown: str, seed: int, card: str | None, settled: str | None, sparse: bool
) -> None:
    """Whatever two requests both tell, rows and zero points, is equal to the bit."""
    frame, bands = exposed(shown, seed), TEN
    if sparse:
        frame, bands = sparse_at_random(shown, seed)
    held = settled and f"GaiaSP/{settled}"
    known: dict[str, object] = {}
    for requested in (*REQUESTS, "GaiaSP/V", "GaiaSP/u"):
        try:
            found = frame.calibrate(BandQuestion(requested, card, settled=held), bands)
        except Stop:
            continue
        told = told_of(found)
        for name in told.keys() & known.keys():
            assert told[name] == known[name], (requested, name)
        known |= told
    assert known


@given(
    st.sampled_from("ugrizUBVRI"),
    st.integers(0, 50),
    st.sampled_from(REQUESTS),
    st.sampled_from([None, "r", "g_band", "Clear", "R"]),
)
@settings(max_examples=25, deadline=None)
def test_a_request_that_allows_the_best_band_chooses_it(
    shown: str, seed: int, requested: str, card: str | None
) -> None:
    frame = exposed(shown, seed)
    whole = frame.calibrate(BandQuestion("GaiaSP/any", card)).choice
    part = frame.calibrate(BandQuestion(requested, card)).choice
    assert {row.passband for row in part.figures} == set(TEN)
    if whole.chosen in part.shown and part.how is Chosen.BEST:
        assert part.chosen == whole.chosen


def test_an_r_frame_never_becomes_u_with_ten_bands_offered() -> None:
    chosen = [
        exposed("r", seed, n).calibrate(BandQuestion("GaiaSP/any")).choice.chosen
        for seed in range(30)
        for n in (8, 15, 60)
    ]
    assert not {"GaiaSP/U", "GaiaSP/u"} & set(chosen)
    assert sum(band == "GaiaSP/r" for band in chosen) >= 0.95 * len(chosen)


def test_a_settled_band_is_kept_against_the_stars_and_flagged() -> None:
    frame = exposed("r")
    kept = frame.zero_point(BandQuestion("GaiaSP/any", "r", settled="GaiaSP/R"))
    assert kept.passband == "GaiaSP/R"
    assert "filter_disagrees" in kept.flags
    assert "passband_provisional" not in kept.flags
    found = frame.calibrate(BandQuestion("GaiaSP/any", "", settled="GaiaSP/R"))
    assert found.report.contradicted
    assert found.report.sentence == "The settled band is R; the stars say r."
    assert found.report.shown == ("GaiaSP/r",)
    agrees = frame.zero_point(BandQuestion("GaiaSP/any", "r", settled="GaiaSP/r"))
    assert agrees.flags == ()


def test_a_band_that_is_not_settled_is_provisional() -> None:
    assert exposed("r").zero_point(BandQuestion("GaiaSP/any", "r")).flags == (
        "passband_provisional",
    )
    assert exposed("r").zero_point(BandQuestion("GaiaSP/r", "r")).flags == ()


def test_a_forced_band_is_honoured_and_flagged() -> None:
    found = exposed("r").zero_point(BandQuestion("GaiaSP/g", "r"))
    assert found.passband == "GaiaSP/g"
    assert {"filter_disagrees", "non_standard_passband"} <= set(found.flags)
    assert found.colour_term is not None
    assert found.colour_term.applied > 0.5


def test_header_and_stars_disagree_in_one_sentence() -> None:
    found = exposed("r").calibrate(BandQuestion("GaiaSP/any", "g_band"))
    assert found.report.disagrees
    assert found.report.sentence == "Header said g; the stars say r."


@pytest.mark.parametrize(
    ("card", "passband"),
    [
        ("Clear", "clear-r(GaiaSP)"),
        ("CLS-CCD", "CLSCCD-r(GaiaSP)"),
        ("H-alpha", "Halpha-r(GaiaSP)"),
        ("OIII", "OIII-g(GaiaSP)"),
    ],
)
def test_other_filters_have_their_own_passband(card: str, passband: str) -> None:
    found = exposed("r").zero_point(BandQuestion("GaiaSP/any", card))
    assert found.passband_text == passband
    assert "non_standard_passband" in found.flags
    assert found.reference_passband == f"GaiaSP/{passband[-9]}"


def test_a_clear_filter_takes_the_colour_term_of_its_own_passband() -> None:
    """And of the air of its own: what r's filter taught tells nothing of it."""
    frame = exposed("r", n=40, colour_slope=0.1)

    def term(passband: str, card: str) -> ColourTerm:
        learned = LearnedColourTerm(passband, "g - r", -0.1, 0.001)
        question = BandQuestion(
            "GaiaSP/r", card, learned=LearnedCamera(colour_terms=(learned,))
        )
        found = frame.zero_point(question).colour_term
        assert found is not None
        return found

    joined = [
        [term(of, card).applied_error is not None for card in ("r", "Clear")]
        for of in ("GaiaSP/r", "GaiaSP/clear-r")
    ]
    assert joined == [[True, False], [False, True]]
    declared = [term("GaiaSP/g", card).second_order for card in ("r", "Clear")]
    assert declared == [-0.02, None]


def test_gaia_g_takes_part_and_is_a_clear_filters_hint() -> None:
    frame = exposed("V")
    offered = ("GaiaDR3/G", *TEN)
    magnitude = {
        **frame.reference.magnitude,
        "GaiaDR3/G": frame.reference.magnitude["GaiaSP/V"] - 0.1,
    }
    reference = replace(
        frame.reference,
        magnitude=magnitude,
        error={**frame.reference.error, "GaiaDR3/G": np.full(60, 0.005)},
        verified={**frame.reference.verified, "GaiaDR3/G": np.ones(60, dtype=bool)},
    )
    joined = replace(frame, reference=reference)
    clear = joined.zero_point(BandQuestion("GaiaSP/any", "Clear"), offered)
    assert clear.passband_text == "clear-G(GaiaDR3)"
    forced = joined.zero_point(BandQuestion("GaiaDR3/G", "V"), offered)
    assert (forced.passband, forced.flags) == ("GaiaDR3/G", ())
    sloan = joined.zero_point(BandQuestion("GaiaSP/UBVRI", "Clear"), offered)
    assert sloan.passband_text == "clear-V(GaiaSP)"


def test_mosaic_colour_stands_in_for_the_card() -> None:
    frame = exposed("V")
    twin = frame.reference.magnitude["GaiaSP/V"] + 0.2
    magnitude = {**frame.reference.magnitude, "GaiaSP/g": twin}
    tied = replace(frame, reference=replace(frame.reference, magnitude=magnitude))
    question = BandQuestion("GaiaSP/any", "RGGB", plane_colour="G")
    assert tied.calibrate(question).choice.chosen == "GaiaSP/V"


def test_a_colour_slope_makes_the_passband_non_standard() -> None:
    found = exposed("r", n=200, colour_slope=-0.2).zero_point(BandQuestion("GaiaSP/r"))
    assert found.colour_term is not None
    assert found.colour_term.applied == pytest.approx(0.2, abs=0.03)
    assert found.colour_term.outside_atmosphere == pytest.approx(
        found.colour_term.value + 0.02 * 1.2
    )
    assert "non_standard_passband" in found.flags


@pytest.mark.parametrize("n", [9, 12, 15])
def test_a_slope_that_few_stars_cannot_show_is_in_the_budget(n: int) -> None:
    for seed in range(12):
        frame = exposed("r", seed, n=n, colour_slope=0.3, extra=0.03)
        found = frame.zero_point(BandQuestion("GaiaSP/r", "r"))
        assert zero_point_at(found, 500, 500).colour_error > 0.035


def with_colours(frame: Exposed, count: int) -> Exposed:
    """The same stars, of which only the first ones have another band than r."""
    magnitude = dict(frame.reference.magnitude)
    for band in magnitude.keys() - {"GaiaSP/r"}:
        magnitude[band] = np.where(
            np.arange(len(magnitude[band])) < count, magnitude[band], np.nan
        )
    return replace(frame, reference=replace(frame.reference, magnitude=magnitude))


@pytest.mark.parametrize(
    ("n", "coloured", "slope"),
    [
        *((6, 6, 0.1), (9, 9, 0.1), (11, 11, 0.1), (30, 4, 0.1), (30, 9, 0.1)),
        *((16, 16, 0.1), (24, 24, 0.05), (40, 40, 0.05)),
    ],
)
def test_the_budget_holds_away_from_the_stars_mean_colour(
    n: int, coloured: int, slope: float
) -> None:
    pulls, distances = [], []
    for seed in range(40):
        frame = exposed("r", seed, n=n, colour_slope=slope)
        frame = with_colours(frame, coloured)
        found = frame.zero_point(BandQuestion("GaiaSP/r", "r"))
        term = found.colour_term
        assert term is not None
        assert term.mean_colour is not None
        distances.append(term.mean_colour - term.pivot)
        known = TargetColour(1, term.blue, term.red, term.pivot, 0.0, "catalogue")
        at = zero_point_at(found, 500, 500, [known])
        off = at.value - (22.0 - slope * term.pivot)
        pulls.append(off / np.hypot(at.error, at.colour_error))
        assert (term.value is None) == (coloured < 12)
    assert np.sqrt(np.mean(np.square(distances))) > 0.15
    assert 0.6 < np.sqrt(np.mean(np.square(pulls))) < 1.35


def test_a_missing_band_comes_from_a_published_transformation() -> None:
    sloan = tuple(f"GaiaSP/{band}" for band in "ugriz")
    frame = exposed("V", n=100, bands=("u", "g", "r", "i", "z"))
    found = frame.zero_point(BandQuestion("GaiaSP/V"), sloan)
    assert (found.passband, found.source) == ("GaiaSP/V", "transformation")
    assert "Jordi" in found.source_note
    assert found.source_bands == ("g", "r")
    assert "transformed_reference" in found.flags
    assert found.error > 0.02
    assert found.value == pytest.approx(22.0, abs=0.1)


GRIZ = tuple(f"GaiaSP/{band}" for band in "griz")


@pytest.mark.parametrize("letter", ["V", "R", "B", "I"])
@pytest.mark.parametrize("requested", ["GaiaSP/any", "GaiaSP/UBVRI"])
def test_a_card_of_a_lacking_band_takes_part_by_transformation(
    letter: str, requested: str
) -> None:
    for seed in range(6):
        frame = exposed(letter, seed, n=80, bands=("g", "r", "i", "z"))
        found = frame.zero_point(BandQuestion(requested, letter), GRIZ)
        assert (found.passband, found.source) == (f"GaiaSP/{letter}", "transformation")
        assert "transformed_reference" in found.flags
        row = next(row for row in found.ranking if row.chosen)
        assert row.ranked
        assert "transformed from other bands" in row.reason


def test_a_lacking_band_changes_no_number_and_is_the_same_for_every_request() -> None:
    frame = exposed("V", n=80, bands=("g", "r", "i", "z"))
    plain = frame.calibrate(BandQuestion("GaiaSP/any"), GRIZ).choice
    chosen, told = set(), []
    for requested in ("GaiaSP/any", "GaiaSP/V", "GaiaSP/UBVRI"):
        found = frame.calibrate(BandQuestion(requested, "V"), GRIZ)
        assert found.model is not None
        chosen.add((found.choice.chosen, found.model.value, found.model.error))
        told.append({row.passband: row for row in found.choice.figures})
        for row in plain.figures:
            again = told[-1][row.passband]
            assert replace(again, reason="", chosen=False) == replace(
                row, reason="", chosen=False
            )
    assert len(chosen) == 1
    assert len({row["GaiaSP/V"].zero_point for row in told}) == 1


def test_a_native_band_wins_against_the_card_of_a_lacking_one() -> None:
    frame = exposed("r", n=80, bands=("g", "r", "i", "z"))
    found = frame.calibrate(BandQuestion("GaiaSP/any", "V"), GRIZ)
    assert found.choice.chosen == "GaiaSP/r"
    assert found.report.sentence == "Header said V; the stars say r."
    assert found.report.disagrees
    assert found.transformed is None


def test_a_settled_band_that_the_catalogue_lacks_stays_settled() -> None:
    frame = exposed("V", n=80, bands=("g", "r", "i", "z"))
    question = BandQuestion("GaiaSP/any", "V", settled="GaiaSP/V")
    found = frame.calibrate(question, GRIZ)
    assert (found.choice.chosen, found.choice.how) == ("GaiaSP/V", Chosen.SETTLED)
    assert not found.report.contradicted
    assert found.report.shown == ("GaiaSP/V",)


def test_a_band_that_the_catalogue_can_give_in_no_way_is_said() -> None:
    frame = exposed("B", n=80, bands=("r", "i", "z"))
    offered = tuple(f"GaiaSP/{band}" for band in "riz")
    found = frame.calibrate(BandQuestion("GaiaSP/any", "B"), offered)
    assert found.report.sentence == "Header said B; GaiaSP has none."


@pytest.mark.parametrize("card", ["y", "J", "Y", "H", "Ks"])
def test_a_band_of_the_infrared_that_the_catalogue_lacks_is_said(card: str) -> None:
    found = exposed("z", n=80).calibrate(BandQuestion("GaiaSP/any", card))
    assert found.choice.chosen == "GaiaSP/z"
    assert found.report.sentence == f"Header said {card[0]}; GaiaSP has none."


def test_the_card_of_a_lacking_band_does_not_turn_a_frame_into_another() -> None:
    said = []
    for seed in range(12):
        frame = exposed("z", seed, n=80, bands=("g", "r", "i", "z"))
        found = frame.calibrate(BandQuestion("GaiaSP/any", "I"), GRIZ)
        said.append(found.report.sentence)
        assert (found.choice.chosen == "GaiaSP/z") == (said[-1] is not None)
    assert said.count("Header said I; the stars say z.") >= 10


def test_two_bands_lead_to_a_third() -> None:
    frame = exposed("R", n=80, bands=("g", "r"))
    offered = ("GaiaSP/g", "GaiaSP/r")
    found = frame.zero_point(BandQuestion("GaiaSP/any", "R"), offered)
    assert (found.passband, found.source) == ("GaiaSP/R", "transformation")
    assert "Lupton" in found.source_note


def test_a_band_of_the_card_that_too_few_stars_have_is_said() -> None:
    frame = exposed("r", n=80)
    reference = frame.reference
    few = reference.magnitude["GaiaSP/u"].copy()
    few[4:] = np.nan
    magnitude = {**reference.magnitude, "GaiaSP/u": few}
    bare = replace(frame, reference=replace(reference, magnitude=magnitude))
    found = bare.calibrate(BandQuestion("GaiaSP/any", "u"))
    assert found.choice.chosen == "GaiaSP/r"
    assert found.report.sentence == "Header said u; too few stars have it in GaiaSP."
    assert found.report.disagrees is None


def test_nobody_asked_for_the_band_of_a_narrow_filter() -> None:
    frame = exposed("g")
    found = frame.calibrate(BandQuestion("GaiaSP/any", "H-alpha"))
    assert (found.choice.chosen, found.choice.how) == ("GaiaSP/r", Chosen.PARENT)
    row = next(row for row in found.choice.figures if row.chosen)
    assert row.reason == "the band that holds the line of this narrow filter"
    assert found.report.sentence is None
    asked = frame.calibrate(BandQuestion("GaiaSP/g", "H-alpha"))
    assert asked.choice.how is Chosen.REQUESTED


def test_too_few_stars_in_every_allowed_band() -> None:
    frame = exposed("r", bands=("r",))
    empty = {"GaiaSP/r": np.full(60, np.nan)}
    bare = replace(frame, reference=replace(frame.reference, magnitude=empty))
    found = bare.calibrate(BandQuestion("GaiaSP/any"), ("GaiaSP/r",))
    assert found.choice.chosen is None
    assert found.model is None


def test_unknown_filter() -> None:
    with pytest.raises(Stop) as stop:
        exposed().calibrate(BandQuestion("GaiaSP/q"))
    assert stop.value.outcome is Outcome.UNKNOWN_FILTER


def test_borrowed_zero_point_says_so() -> None:
    lent = BorrowedZeroPoint("V", 60000.1, "GaiaSP/V", 23.0, 0.01, 60.0, 1.2, 7)
    found = borrowed_zero_point(lent, 60.0, 1.2, None, MatchFigures(3, 2.0))
    assert (found.source, found.n_stars) == ("borrowed", 0)
    assert found.error >= 0.05
    assert found.source_note == "another frame of the same night"
    assert "borrowed_zero_point" in found.flags


def test_stretched_frame_is_refused() -> None:
    found = exposed("r", n=200, gamma=0.6).zero_point(BandQuestion("GaiaSP/r"))
    with pytest.raises(Stop) as stop:
        refuse_not_linear(found)
    assert stop.value.outcome is Outcome.NOT_LINEAR
    assert "0.60" in stop.value.message
    refuse_not_linear(exposed("r", n=200).zero_point(BandQuestion("GaiaSP/r")))


def test_poor_is_flagged_and_only_the_outer_limits_refuse() -> None:
    poor = exposed("r", extra=0.3).zero_point(BandQuestion("GaiaSP/r"))
    assert "poor_zero_point" in poor.flags
    refuse_poor(poor)
    hopeless = exposed("r", extra=3.0).zero_point(BandQuestion("GaiaSP/r"))
    with pytest.raises(Stop) as stop:
        refuse_poor(hopeless)
    assert stop.value.outcome is Outcome.POOR_ZERO_POINT
    with pytest.raises(Stop):
        refuse_poor(replace(poor, outlier_fraction=0.6))
