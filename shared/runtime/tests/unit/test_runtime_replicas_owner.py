"""Only the owner says no; whatever else goes wrong is `Unavailable`."""

from collections.abc import Callable

import httpx
import pytest
import structlog

from bhtom_runtime.errors import Unavailable
from bhtom_runtime.replicas import OwnerClient
from bhtom_runtime.settings import ServiceSettings
from bhtom_runtime.tracing import new_traceparent, trace_id_of, traced

SECRET = "s" * 32
Answer = Callable[[httpx.Request], httpx.Response]


def _owner(answer: Answer) -> OwnerClient:
    settings = ServiceSettings.load(internal_secret=SECRET)
    return OwnerClient(settings, transport=httpx.MockTransport(answer))


async def _ask(answer: Answer) -> dict[str, object] | None:
    owner = _owner(answer)
    try:
        return await owner.get_json("http://core/", "/internal/tokens/ab", {"a": 1})
    finally:
        await owner.close()


async def test_the_answer_and_what_was_asked() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"known": True})

    parent = new_traceparent()
    with traced(parent):
        assert await _ask(answer) == {"known": True}

    (request,) = asked
    assert str(request.url) == "http://core/internal/tokens/ab?a=1"
    assert request.headers["X-BHTOM-Internal"] == SECRET
    assert trace_id_of(request.headers["traceparent"]) == trace_id_of(parent)


async def test_the_owner_says_no() -> None:
    assert await _ask(lambda _: httpx.Response(404)) is None


def _refused(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def _late(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("late")


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(503),
        lambda _: httpx.Response(401),
        lambda _: httpx.Response(403),
        lambda _: httpx.Response(302, headers={"location": "http://elsewhere/"}),
        lambda _: httpx.Response(200, text="<html>"),
        lambda _: httpx.Response(200, json=["no", "object"]),
        _refused,
        _late,
    ],
)
async def test_anything_else_is_no_answer(answer: Answer) -> None:
    with (
        structlog.testing.capture_logs() as logs,
        pytest.raises(Unavailable) as raised,
    ):
        await _ask(answer)

    assert raised.value.retry_after_s
    assert "tokens/ab" not in repr(logs)
