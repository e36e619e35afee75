"""The Gaia Alerts source against answers made after the archive's documented form."""

from pathlib import Path

import pytest

from bhtom_harvester.harvests.jobs import ROWS_PER_CHUNK, chunks, content_hash
from bhtom_harvester.sources.gaia_alerts import (
    GaiaAlerts,
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

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def get(self, path: str) -> Document | None:
        self.asked.append(path)
        body = self.answers.get(path)
        return None if body is None else Document(f"http://archive/{path}", body)

    async def get_daily(self, path: str) -> Document | None:
        return await self.get(path)


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
    difference_s = (
        2456961.56970 - 2400000.5 - mjd_utc_from_jd_tcb(2456961.5697)
    ) * 86400
    assert difference_s == pytest.approx(35 + 32.184 + 18.5, abs=1.0)


def test_error_model_is_continuous_and_grows() -> None:
    assert magnitude_error(17.0) == pytest.approx(magnitude_error(17.0001), rel=0.05)
    assert magnitude_error(12.0) == magnitude_error(13.5)
    assert magnitude_error(20.0) > magnitude_error(18.0)


def test_a_changed_format_is_said() -> None:
    with pytest.raises(SourceBroken, match="averagemag"):
        read_light_curve("Gaia21een", b"<html>moved</html>")
    with pytest.raises(SourceBroken, match="not a date"):
        read_light_curve("Gaia21een", LIGHT_CURVE + b"2015-01-01,oops,18.0\n")


def test_nearest_alert_needs_one_arcsecond() -> None:
    assert nearest_alert(ALERTS, 113.25287, -31.98319) == "Gaia21een"
    assert nearest_alert(ALERTS, 113.25287, -31.98319 + 0.9 / 3600) == "Gaia21een"
    assert nearest_alert(ALERTS, 113.25287, -31.98319 + 1.1 / 3600) is None


@pytest.mark.parametrize("dec", [-89.9999, 0.0, 89.9999])
def test_separation_wraps_at_zero_hours(dec: float) -> None:
    assert separation_arcsec(359.99999, dec, 0.00001, dec) < 0.08


async def test_a_name_needs_no_list() -> None:
    recorded = Recorded({"alert/Gaia21een/lightcurve.csv": LIGHT_CURVE})
    harvest = await GaiaAlerts(recorded, "archive").harvest(
        Wanted(1, ("My star", "Gaia21een"), 10.0, 10.0)
    )
    assert recorded.asked == ["alert/Gaia21een/lightcurve.csv"]
    assert (harvest.record_name, len(harvest.rows)) == ("Gaia21een", 2)


async def test_a_position_is_looked_up() -> None:
    recorded = Recorded(
        {"alerts.csv": ALERTS, "alert/Gaia21edy/lightcurve.csv": LIGHT_CURVE}
    )
    source = GaiaAlerts(recorded, "archive")
    harvest = await source.harvest(Wanted(1, ("My star",), 295.16969, 14.58495))
    assert harvest.record_name == "Gaia21edy"
    nothing = await source.harvest(Wanted(2, ("Other",), 20.0, 20.0))
    assert (nothing.record_name, nothing.rows) == (None, ())
    assert nothing.message == "No Gaia alert at this position."


def test_big_harvests_are_cut() -> None:
    row = read_light_curve("Gaia21een", LIGHT_CURVE)[0]
    many = [
        row.model_copy(update={"record": str(n)}) for n in range(ROWS_PER_CHUNK + 1)
    ]
    cut = chunks(many)
    assert [len(part) for part in cut] == [ROWS_PER_CHUNK, 1]
    assert chunks([]) == []
