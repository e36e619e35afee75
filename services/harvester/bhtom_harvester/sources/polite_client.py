"""HTTP as archives like it: few requests, time-outs, back-off, a name and a limit."""

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx
import stamina
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from bhtom_harvester.sources.interface import (
    Document,
    SourceBroken,
    SourceUnreachable,
)
from bhtom_harvester.tables import documents
from bhtom_runtime.database import Database

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_KEPT: Final = timedelta(hours=24)
_BUSY: Final = frozenset({429, 500, 502, 503, 504})


class _Busy(Exception):
    """The archive asks to come back later."""


class PoliteClient:
    """Fetches documents of one archive below one address."""

    def __init__(
        self,
        base_url: str,
        database: Database,
        *,
        contact: str = "",
        attempts: int = 3,
        wait_s: float = 1.0,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._database = database
        self._attempts = attempts
        self._wait_s = wait_s
        about = f" ({contact})" if contact else ""
        self._headers = {"User-Agent": f"BHTOM-harvester/0.1{about}"}
        self.host = urlsplit(base_url).hostname or ""

    async def get(self, path: str, etag: str | None = None) -> Document | None:
        """A document; None on 404 (and on 304 when an etag is given)."""
        found, _ = await self._get(path, etag)
        return found

    async def get_daily(self, path: str) -> Document | None:
        """A document that is asked for at most once a day, with its etag."""
        url = f"{self._base_url}/{path}"
        kept = await self._kept(url)
        now = datetime.now(UTC)
        if kept is not None and now - kept.fetched_at < _KEPT:
            return Document(url, kept.body)
        found, etag = await self._get(path, kept.etag if kept else None)
        if found is None and kept is not None:
            found, etag = Document(url, kept.body), kept.etag
        if found is not None:
            await self._keep(found, etag, now)
        return found

    async def _get(
        self, path: str, etag: str | None
    ) -> tuple[Document | None, str | None]:
        url = f"{self._base_url}/{path}"
        try:
            async for attempt in stamina.retry_context(
                on=(httpx.TransportError, _Busy),
                attempts=self._attempts,
                wait_initial=self._wait_s,
                wait_max=30.0,
                timeout=120.0,
            ):
                with attempt:
                    return await self._once(url, etag)
        except _Busy as error:
            raise SourceUnreachable(f"{self.host} is busy: {error}.") from error
        except httpx.TransportError as error:
            kind = type(error).__name__
            raise SourceUnreachable(
                f"{self.host} cannot be reached ({kind}); is there a network?"
            ) from error
        raise AssertionError("stamina always ends with an answer or an error")

    async def _once(
        self, url: str, etag: str | None
    ) -> tuple[Document | None, str | None]:
        headers = {**self._headers, **({"If-None-Match": etag} if etag else {})}
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT, headers=headers) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code in (304, 404):
                return None, None
            if answer.status_code in _BUSY:
                raise _Busy(f"it answered {answer.status_code}")
            if answer.status_code != httpx.codes.OK:
                raise SourceBroken(
                    f"{self.host} answered {answer.status_code} for {url}."
                )
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise SourceBroken(
                        f"{self.host} sent more than {MAX_BODY_BYTES} bytes for {url}."
                    )
            return Document(url, bytes(body)), answer.headers.get("etag")

    async def _kept(self, url: str) -> "_Kept | None":
        statement = select(
            documents.c.etag, documents.c.body, documents.c.fetched_at
        ).where(documents.c.url == url)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else _Kept(row.etag, row.body, row.fetched_at)

    async def _keep(self, found: Document, etag: str | None, now: datetime) -> None:
        values = {"etag": etag, "body": found.body, "fetched_at": now}
        statement = (
            insert(documents)
            .values(url=found.url, **values)
            .on_conflict_do_update(index_elements=["url"], set_=values)
        )
        async with self._database.unit_of_work() as unit:
            await unit.execute(statement)


class _Kept:
    def __init__(self, etag: str | None, body: bytes, fetched_at: datetime) -> None:
        self.etag = etag
        self.body = body
        self.fetched_at = fetched_at
