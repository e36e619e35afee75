"""Archives that are away, busy, changed or hostile."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bhtom_harvester.testing import Archive, Harvester, Reply, headers, target_snapshot

CURVE = "alert/Gaia21een/lightcurve.csv"


async def asked_with(harvester: Harvester, *replies: Reply) -> Any:
    """Ask about an alert while the archive answers this first; the harvest's row."""
    harvester.archive.first = list(replies)
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    assert await harvester.work() == ["done"]
    return await harvester.harvest(1)


async def ready(harvester: Harvester) -> tuple[int, Any]:
    answer = await harvester.client.get("/health/ready")
    return answer.status_code, answer.json()["parts"]["sources"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_short_trouble_is_sat_out(harvester: Harvester, status: int) -> None:
    busy = Reply(status=status)
    row = await asked_with(harvester, busy, busy)
    assert (row.state, harvester.archive.paths) == ("done", [CURVE] * 3)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_archive_is_reported_and_spared(
    harvester: Harvester, status: int
) -> None:
    row = await asked_with(harvester, *[Reply(status=status)] * 3)
    assert row.state == "waiting"
    assert f"it answered {status}" in row.message
    assert "Asked again at" in row.message
    assert len(harvester.archive.asked) == 3
    assert (await harvester.source())["state"] == "unreachable"
    # No other target asks it meanwhile.
    await harvester.deliver(target_snapshot(2, name="Gaia21edy"))
    assert await harvester.work() == ["done"]
    other = await harvester.harvest(2)
    assert (other.state, other.next_at) == ("waiting", row.next_at)
    assert len(harvester.archive.asked) == 3
    # Somebody who wants to know now may ask; it is well again.
    assert (await harvester.ask_now(2)).status_code == 202
    assert await harvester.work() == ["done"]
    assert (await harvester.harvest(2)).state == "done"
    assert (await harvester.source())["state"] == "ok"


async def test_the_pause_an_archive_asks_for_is_kept(harvester: Harvester) -> None:
    row = await asked_with(
        harvester, Reply(status=429, headers={"Retry-After": "7200"})
    )
    assert row.state == "waiting"
    assert harvester.archive.paths == [CURVE]
    assert row.next_at > datetime.now(UTC) + timedelta(hours=1)


async def test_no_pause_is_for_ever(harvester: Harvester) -> None:
    far = "Fri, 31 Dec 9999 23:59:59 GMT"
    row = await asked_with(harvester, Reply(status=503, headers={"Retry-After": far}))
    assert row.next_at <= datetime.now(UTC) + timedelta(hours=24)


async def test_a_closed_port_makes_the_harvest_wait_and_nothing_else(
    harvester: Harvester, archive: Archive
) -> None:
    archive.close()
    row = await asked_with(harvester)
    assert row.state == "waiting"
    assert "cannot be reached (ConnectError)" in row.message
    assert row.next_at > datetime.now(UTC)
    source = await harvester.source()
    assert source["state"] == "unreachable"
    assert source["last_failure_at"] is not None
    status, part = await ready(harvester)
    assert status == 200
    assert (part["ok"], part["required"]) == (False, False)
    assert "cannot be reached" in part["message"]
    answer = await harvester.client.get(
        "/api/v1/harvests", params={"target_id": 1}, headers=headers("other")
    )
    assert answer.json()["items"][0]["state"] == "waiting"
    assert await harvester.events(1) == []
    # When it is back, all is well.
    archive.open()
    await harvester.ask_now(1)
    assert await harvester.work() == ["done"]
    assert len(await harvester.events(1)) == 1
    assert await ready(harvester) == (
        200,
        {"ok": True, "message": None, "required": False},
    )


BROKEN = {
    "another page": (Reply(b"<html>We moved!</html>"), "averagemag"),
    "another row": (
        Reply(b"x\n#Date,JD(TCB),averagemag\n2015-01-01,oops,18\n"),
        "not a date",
    ),
    "a redirect": (
        Reply(status=302, headers={"Location": "http://127.0.0.1:1/secret"}),
        "answered 302",
    ),
    "a refusal": (Reply(status=403), "answered 403"),
    "nothing new": (Reply(status=304), "answered 304"),
    "a packed body": (
        Reply(b"\x1f\x8b", headers={"Content-Encoding": "gzip, gzip"}),
        "packed",
    ),
    "not UTF-8": (Reply(b"\xff\xfe\x00\x00"), "averagemag"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_an_unexpected_answer_is_named_and_not_asked_for_again_soon(
    harvester: Harvester, what: str
) -> None:
    reply, sentence = BROKEN[what]
    row = await asked_with(harvester, reply)
    assert row.state == "failed"
    assert sentence in row.message
    assert row.next_at > datetime.now(UTC) + timedelta(hours=1)
    assert harvester.archive.paths == [CURVE]
    source = await harvester.source()
    assert source["state"] == "failing"
    assert sentence in source["message"]
    assert (await ready(harvester))[0] == 200
    assert await harvester.events(1) == []


async def test_a_redirect_is_not_followed(harvester: Harvester) -> None:
    here = f"{harvester.archive.url}/alert/Gaia21edy/lightcurve.csv"
    row = await asked_with(harvester, Reply(status=301, headers={"Location": here}))
    assert row.state == "failed"
    assert harvester.archive.paths == [CURVE]


async def test_a_body_without_end_is_cut_off(
    harvester: Harvester, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 100_000
    monkeypatch.setattr("bhtom_harvester.sources.polite_client.MAX_BODY_BYTES", limit)
    row = await asked_with(harvester, Reply(b"x" * (20 * limit)))
    assert row.state == "failed"
    assert "more than 100000 bytes" in row.message


async def test_a_list_of_another_form_is_not_kept(harvester: Harvester) -> None:
    harvester.archive.first = [Reply(b"<html>We moved!</html>")]
    await harvester.deliver(target_snapshot(1))
    await harvester.work()
    row = await harvester.harvest(1)
    assert row.state == "failed"
    assert "RaDeg" in row.message
    await harvester.ask_now(1)
    await harvester.work()
    assert (await harvester.harvest(1)).state == "nothing"
    assert harvester.archive.paths == ["alerts.csv"] * 2


async def test_a_list_that_is_gone_is_said(harvester: Harvester) -> None:
    del harvester.archive.replies["alerts.csv"]
    await harvester.deliver(target_snapshot(1))
    await harvester.work()
    assert "gone from its address" in (await harvester.harvest(1)).message
    assert (await harvester.source())["state"] == "failing"


async def test_an_answer_that_never_ends_is_given_up(harvester: Harvester) -> None:
    harvester.archive.answers.clear()
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    kinds = harvester.kinds_with(harvester.gaia(deadline_s=0.3))
    assert await harvester.work(kinds) == ["done"]
    row = await harvester.harvest(1)
    assert row.state == "waiting"
    assert "did not give its answer" in row.message
