"""HTTP as archives like it: few requests, time-outs, back-off, a name and a limit."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import httpx
import stamina

from bhtom_harvester.sources.interface import (
    Document,
    SourceBroken,
    SourceUnreachable,
)
from bhtom_harvester.sources.kept_documents import (
    keep_document,
    keep_on,
    kept_document,
)
from bhtom_runtime.database import Database

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
# Waiting for another job's list, the list and a light curve: three of these end
# before a job's time-out.
DEADLINE_S: Final = 90.0
_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_KEPT: Final = timedelta(hours=24)
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
# A longer pause than this is for the harvest to wait, not for its job.
_LONGEST_PAUSE_S: Final = 10.0


class _Busy(Exception):
    """The archive asks to come back later."""

    def __init__(self, status: int, after_s: float) -> None:
        super().__init__(f"it answered {status}")
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class _Answer:
    document: Document | None
    etag: str | None = None
    is_unchanged: bool = False


class PoliteClient:
    """Fetches documents of one archive below one address."""

    def __init__(
        self,
        base_url: str,
        database: Database,
        *,
        contact: str = "",
        attempts: int = 3,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._database = database
        self._attempts = attempts
        self._deadline_s = deadline_s
        self._fetching_list = asyncio.Lock()
        about = f" ({contact})" if contact else ""
        self._headers = {
            "User-Agent": f"BHTOM-harvester/0.1{about}",
            # Packed bodies could unpack to any size.
            "Accept-Encoding": "identity",
        }
        self.host = urlsplit(base_url).hostname or ""

    async def get(self, path: str) -> Document | None:
        """A document; None on 404."""
        return (await self._ask(f"{self._base_url}/{path}")).document

    async def get_daily(
        self, path: str, is_sound: Callable[[bytes], bool]
    ) -> Document | None:
        """A document that is asked for at most once a day, with its etag.

        What is not sound is given, but not kept: the next harvest asks again.
        """
        url = f"{self._base_url}/{path}"
        async with self._fetching_list:
            kept = await kept_document(self._database, url)
            now = datetime.now(UTC)
            if kept is not None and now - kept.fetched_at < _KEPT:
                return kept.document
            answer = await self._ask(url, kept.etag if kept else None)
            if answer.is_unchanged and kept is not None:
                await keep_on(self._database, url, now)
                return kept.document
            if answer.document is not None and is_sound(answer.document.body):
                await keep_document(self._database, answer.document, answer.etag, now)
            return answer.document

    async def _ask(self, url: str, etag: str | None = None) -> _Answer:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._patiently(url, etag)
        except TimeoutError as error:
            raise SourceUnreachable(
                f"{self.host} did not give its answer within {self._deadline_s:g} s."
            ) from error
        except _Busy as error:
            raise SourceUnreachable(
                f"{self.host} is busy: {error}.", after_s=error.after_s
            ) from error
        except httpx.TransportError as error:
            kind = type(error).__name__
            raise SourceUnreachable(
                f"{self.host} cannot be reached ({kind}); is there a network?"
            ) from error

    async def _patiently(self, url: str, etag: str | None) -> _Answer:
        async for attempt in stamina.retry_context(
            on=_is_worth_another,
            attempts=self._attempts,
            wait_initial=1.0,
            wait_max=30.0,
            timeout=None,
        ):
            with attempt:
                return await self._once(url, etag)
        raise AssertionError("stamina always ends with an answer or an error")

    async def _once(self, url: str, etag: str | None) -> _Answer:
        headers = {**self._headers, **({"If-None-Match": etag} if etag else {})}
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT, headers=headers) as client,
            client.stream("GET", url) as answer,
        ):
            status = answer.status_code
            if status == httpx.codes.NOT_MODIFIED and etag is not None:
                return _Answer(None, etag, is_unchanged=True)
            if status == httpx.codes.NOT_FOUND:
                return _Answer(None)
            if status in _BUSY:
                raise _Busy(status, _asked_pause_s(answer))
            if status != httpx.codes.OK:
                raise SourceBroken(f"{self.host} answered {status} for {url}.")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise SourceBroken(f"{self.host} sent a packed body for {url}.")
            body = await self._body(answer, url)
            return _Answer(Document(url, body), answer.headers.get("etag"))

    async def _body(self, answer: httpx.Response, url: str) -> bytes:
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise SourceBroken(
                    f"{self.host} sent more than {MAX_BODY_BYTES} bytes for {url}."
                )
        return bytes(body)


def _is_worth_another(error: Exception) -> bool | float:
    """Whether to ask again within this job, or after how many seconds."""
    if isinstance(error, _Busy):
        if error.after_s > _LONGEST_PAUSE_S:
            return False
        return error.after_s or True
    return isinstance(error, httpx.TransportError)


def _asked_pause_s(answer: httpx.Response) -> float:
    """Retry-After in seconds: it is a number of them, or a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    if until.tzinfo is None:
        return 0.0
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
