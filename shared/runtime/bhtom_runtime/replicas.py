"""Small copies of another service's data, and the way to ask their owner."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
import structlog
from sqlalchemy import Table, tuple_
from sqlalchemy.dialects.postgresql import insert

from bhtom_runtime.auth import INTERNAL_HEADER
from bhtom_runtime.errors import Unavailable
from bhtom_runtime.settings import ServiceSettings
from bhtom_runtime.tracing import current_traceparent, new_traceparent, trace_id_of
from bhtom_runtime.unit_of_work import UnitOfWork

_logger = structlog.get_logger(__name__)

_TIMEOUT: Final = httpx.Timeout(3.0, connect=1.0, pool=1.0)
_RETRY_AFTER_S: Final = 5


async def apply_snapshot(
    uow: UnitOfWork,
    table: Table,
    values: Mapping[str, Any],
    keys: Sequence[str] = ("target_id",),
) -> bool:
    """Keep a snapshot when it is newer than what is here; say whether it was.

    Deleted aggregates are kept too (`deleted_at`), so that an old snapshot which
    comes late cannot bring them back.
    """
    statement = insert(table).values(**values)
    new = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=list(keys),
        set_={name: new[name] for name in values if name not in keys},
        where=tuple_(table.c.epoch, table.c.aggregate_version)
        < tuple_(new.epoch, new.aggregate_version),
    ).returning(table.c.aggregate_version)
    return (await uow.execute(upsert)).first() is not None


class OwnerClient:
    """Asks the service that owns the data; only it may say that a thing is not."""

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._secret = settings.internal_secret
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def get_json(
        self, base_url: str, path: str, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The owner's answer, None when it has no such thing (404).

        Raises Unavailable whenever it did not answer the question.
        """
        url = base_url.rstrip("/") + path
        try:
            response = await self._connected().get(
                url, params=dict(params or {}), headers=self._headers()
            )
            if response.status_code == httpx.codes.NOT_FOUND:
                return None
            response.raise_for_status()
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            # The error's text holds the path, which may hold a token's hash.
            _logger.warning("owner_unavailable", owner=base_url, reason=_reason(error))
            raise _unavailable() from error
        if not isinstance(answer, dict):
            raise _unavailable()
        return answer

    async def close(self) -> None:
        """Close the connections that are kept open."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=_TIMEOUT, transport=self._transport, trust_env=False
            )
        return self._client

    def _headers(self) -> dict[str, str]:
        headers = {}
        if self._secret is not None:
            headers[INTERNAL_HEADER] = self._secret.get_secret_value()
        here = current_traceparent()
        if here is not None:
            headers["traceparent"] = new_traceparent(trace_id_of(here))
        return headers


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"it answered {error.response.status_code}"
    return type(error).__name__


def _unavailable() -> Unavailable:
    return Unavailable(
        "The service that knows this cannot be asked now; try again in a moment.",
        code="owner_unavailable",
        retry_after_s=_RETRY_AFTER_S,
    )
