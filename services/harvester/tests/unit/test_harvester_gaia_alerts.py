"""The Gaia Alerts source against answers made after the archive's documented form."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bhtom_contracts.registry import MAX_EVENT_BYTES
from bhtom_harvester.harvests.domain import ROWS_PER_CHUNK, chunks, content_hash
from bhtom_harvester.sources.gaia_alerts import (
    GaiaAlerts,
    is_alert_list,
    magnitude_error,
    mjd_utc_from_jd_tcb,
    nearest_alert,
    read_light_curve,
    separation_arcsec,
)
from bhtom_harvester.sources.interface import Document, SourceBroken, Wanted

RECORDED = Path(__file__).parents[1] / "recorded"
LIGHT_CURVE = (RECORDED / "lightcurve.csv").read_bytes()
ALERTS = (RECORDED / "alerts.csv").read_bytes()


class Recorded:
    """Answers from memory; None where the archive would answer 404."""

    host = "archive"

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def get(self, path: str) -> Document | None:
        self.asked.append(path)
        body = self.answers.get(path)
        return None if body is None else Document(f"http://archive/{path}", body)

    async def get_daily(
        self, path: str, is_sound: Callable[[bytes], bool]
    ) -> Document | None:
        found = await self.get(path)
        assert found is None or is_sound(found.body)
        return found


def test_untrusted_rows_are_left_out() -> None:
    rows = read_light_curve("Gaia21een", LIGHT_CURVE)
    assert [row.photometry.value for row in rows] == [18.91, 16.40]
    assert {row.photometry.passband for row in rows} == {"GSA(G)"}


def test_identity_is_the_row_and_not_its_value() -> None:
    reprocessed = LIGHT_CURVE.replace(b"18.91", b"18.87")
    before = read_light_curve("Gaia21een", LIGHT_CURVE)
    after = read_light_curve("Gaia21een", reprocessed)
    assert [row.record for row in before] == [row.record for row in after]
    assert content_hash(before) != content_hash(after)
    assert content_hash(before) == content_hash(tuple(reversed(before)))


def test_tcb_is_taken_to_utc() -> None:
    # 2014: TAI-UTC = 35 s, TT-TAI = 32.184 s, TCB-TDB about 17.6 s.
    (mjd,) = mjd_utc_from_jd_tcb([2456961.5697])
    difference_s = (2456961.56970 - 2400000.5 - mjd) * 86400
    assert difference_s == pytest.approx(35 + 32.184 + 18.5, abs=1.0)


def test_error_model_is_the_relation_of_these_alerts() -> None:
    # The relation is fitted in two parts, which meet with a step of a tenth.
    assert magnitude_error(15.0) == pytest.approx(10**-2.2)
    assert magnitude_error(17.0) == pytest.approx(10**-1.8)
    assert magnitude_error(17.0001) == pytest.approx(magnitude_error(17.0), rel=0.1)
    assert magnitude_error(20.0) == pytest.approx(10**-1.06)
    assert magnitude_error(12.0) == magnitude_error(13.5)


def test_a_changed_format_is_said() -> None:
    with pytest.raises(SourceBroken, match="averagemag"):
        read_light_curve("Gaia21een", b"<html>moved</html>")
    with pytest.raises(SourceBroken, match="not a date"):
        read_light_curve("Gaia21een", LIGHT_CURVE + b"2015-01-01,oops,18.0\n")
    with pytest.raises(SourceBroken, match="RaDeg"):
        nearest_alert(b"<html>moved</html>", 10.0, 10.0)
    assert not is_alert_list(b"<html>moved</html>")
    assert is_alert_list(ALERTS)


@pytest.mark.parametrize(
    "row",
    [
        b"2015-01-01 00:00:00,2457023.5",
        b"2015\x00-01-01,2457023.5,18.0",
        b"2015-01-01 00:00:00,2_457_023.5,18.0",
        b"2015-01-01 00:00:00,2457023." + b"5" * 300 + b",18.0",
        b"<script>,2457023.5,18.0",
        b'2015-01-01,"' + b"x" * 200_000 + b'",18.0',
    ],
)
def test_a_hostile_row_is_named_and_goes_no_further(row: bytes) -> None:
    with pytest.raises(SourceBroken):
        read_light_curve("Gaia21een", LIGHT_CURVE + row + b"\n")


def test_blank_lines_and_new_columns_do_no_harm() -> None:
    wider = b"Gaia21een\n#Date,averagemag,error,JD(TCB)\n\n"
    rows = read_light_curve(
        "Gaia21een", wider + b"2014-10-31 01:40:22,18.91,0.02,2456961.56970\n\n"
    )
    assert rows == read_light_curve("Gaia21een", LIGHT_CURVE)[:1]
    assert read_light_curve("Gaia21een", wider) == ()


def test_nearest_alert_needs_one_arcsecond() -> None:
    assert nearest_alert(ALERTS, 113.25287, -31.98319) == "Gaia21een"
    assert nearest_alert(ALERTS, 113.25287, -31.98319 + 0.9 / 3600) == "Gaia21een"
    assert nearest_alert(ALERTS, 113.25287, -31.98319 + 1.1 / 3600) is None


def test_alerts_without_a_usable_position_are_passed_over() -> None:
    bad = b"Gaia26aaa,2026-03-01,inf,20.0\nGaia26aab,2026-03-01,nan,20.0\n"
    good = b"Gaia26aac,2026-03-01,20.0,20.0\n"
    assert nearest_alert(ALERTS + b"\n" + bad, 20.0, 20.0) is None
    assert nearest_alert(ALERTS + b"\n" + bad + good, 20.0, 20.0) == "Gaia26aac"


@pytest.mark.parametrize("dec", [-89.9999, 0.0, 89.9999])
def test_separation_wraps_at_zero_hours(dec: float) -> None:
    assert separation_arcsec(359.99999, dec, 0.00001, dec) < 0.08


async def test_a_name_needs_no_list() -> None:
    recorded = Recorded({"alert/Gaia21een/lightcurve.csv": LIGHT_CURVE})
    harvest = await GaiaAlerts(recorded).harvest(
        Wanted(1, ("My star", "Gaia21een"), 10.0, 10.0)
    )
    assert recorded.asked == ["alert/Gaia21een/lightcurve.csv"]
    assert (harvest.record_name, len(harvest.rows)) == ("Gaia21een", 2)


async def test_a_position_is_looked_up() -> None:
    recorded = Recorded(
        {"alerts.csv": ALERTS, "alert/Gaia21edy/lightcurve.csv": LIGHT_CURVE}
    )
    source = GaiaAlerts(recorded)
    harvest = await source.harvest(Wanted(1, ("My star",), 295.16969, 14.58495))
    assert harvest.record_name == "Gaia21edy"
    nothing = await source.harvest(Wanted(2, ("Other",), 20.0, 20.0))
    assert (nothing.record_name, nothing.rows) == (None, ())
    assert nothing.message == "No Gaia alert at this position."
    moving = await source.harvest(Wanted(3, ("Ceres",), None, None))
    assert moving.message == "No Gaia alert of this name."


def test_big_harvests_are_cut() -> None:
    row = read_light_curve("Gaia21een", LIGHT_CURVE)[0]
    many = [
        row.model_copy(update={"record": str(n)}) for n in range(ROWS_PER_CHUNK + 1)
    ]
    cut = chunks(many)
    assert [len(part) for part in cut] == [ROWS_PER_CHUNK, 1]
    assert chunks([]) == []


def test_long_rows_are_cut_by_their_size() -> None:
    row = read_light_curve("Gaia21een", LIGHT_CURVE)[0]
    long = row.model_copy(update={"time_as_reported": "x" * 50_000})
    cut = chunks([long] * 7)
    assert sum(len(part) for part in cut) == 7
    for part in cut:
        assert sum(len(each.model_dump_json()) for each in part) < MAX_EVENT_BYTES
