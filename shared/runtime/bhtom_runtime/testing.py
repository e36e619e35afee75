"""Tests' way to drive a service without core and a broker: callers and events."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from bhtom_contracts.base import Payload
from bhtom_contracts.envelope import Envelope
from bhtom_contracts.events.identities import IdentityChanged, TokenChanged
from bhtom_contracts.registry import BY_PAYLOAD
from bhtom_runtime.auth import hash_token
from bhtom_runtime.database import Database
from bhtom_runtime.identity_replicas import keep_identity, keep_token
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.tracing import new_traceparent, traced
from bhtom_runtime.unit_of_work import new_event_id

TOKENS: Final = {"owner": "1" * 40, "other": "2" * 40, "admin": "3" * 40}
USERS: Final = {"owner": 3, "other": 4, "admin": 5}


async def add_users(database: Database) -> None:
    """Make a service know the three callers, as if core had told of them."""
    tables = database.infrastructure
    async with database.unit_of_work() as unit:
        for name, user_id in USERS.items():
            is_admin = name == "admin"
            person = IdentityChanged(
                user_id=user_id,
                username=name,
                is_active=True,
                is_admin=is_admin,
                aggregate_version=1,
            )
            token = TokenChanged(
                token_id=user_id,
                token_hash=hash_token(TOKENS[name]),
                user_id=user_id,
                scopes=("read", "write", "admin") if is_admin else ("read", "write"),
                expires_at=datetime(2100, 1, 1, tzinfo=UTC),
                aggregate_version=1,
            )
            await keep_identity(unit, tables, 1, person)
            await keep_token(unit, tables, 1, token)


async def deliver(
    database: Database,
    subscriptions: Sequence[Subscription],
    *payloads: Payload,
    epoch: int = 1,
    traceparent: str | None = None,
) -> None:
    """Apply events in one transaction, as one micro-batch of the consumer would."""
    async with database.unit_of_work() as unit:
        for payload in payloads:
            topic = BY_PAYLOAD[type(payload)]
            envelope = Envelope(
                id=new_event_id(),
                type=topic.name,
                source="test",
                subject=topic.key(payload),
                time=datetime.now(UTC),
                schema_version=payload.schema_version,
                epoch=epoch,
                traceparent=traceparent or new_traceparent(),
            )
            heard = [one for one in subscriptions if one.payload is type(payload)]
            assert heard, f"nobody listens to {topic.name}"  # noqa: S101 - for tests
            with traced(envelope.traceparent):
                for subscription in heard:
                    await subscription.handle(unit, Received(envelope, payload))
