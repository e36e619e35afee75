"""From a message to an event: its envelope, its payload, or why it is neither."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import ValidationError

from bhtom_contracts.base import Payload, Snapshot
from bhtom_contracts.envelope import Envelope
from bhtom_contracts.registry import BY_PAYLOAD, Topic
from bhtom_runtime.failures import Permanent, sentence_of
from bhtom_runtime.kafka.messages import Incoming
from bhtom_runtime.letters import key_text, stand_in_id
from bhtom_runtime.service import EventHandler, Received, Subscription


@dataclass(frozen=True, slots=True)
class Event:
    """A message that was looked at: `received`, or the `failure` to read it."""

    message: Incoming
    id: UUID
    key: str
    received: Received | None
    failure: Exception | None


@dataclass(frozen=True, slots=True)
class Route:
    """A topic and who is to be told of its events."""

    topic: Topic
    handlers: list[EventHandler] = field(default_factory=list)

    @property
    def is_state(self) -> bool:
        """Whether a later event of a key holds all that an earlier one said."""
        return self.topic.kind == "state"

    def read(self, message: Incoming) -> Event:
        """Look at a message; it never raises for what the message holds."""
        key = key_text(message.key)
        try:
            envelope = self._envelope(message)
        except ValueError as error:
            sentence = f"The message has no usable envelope: {_told(error)}"
            failure = Permanent(sentence)
            return Event(message, stand_in_id(message), key, None, failure)
        try:
            payload: Payload = self.topic.payload.model_validate_json(message.body)
        except ValidationError as error:
            return Event(message, envelope.id, key, None, error)
        return Event(message, envelope.id, key, Received(envelope, payload), None)

    def _envelope(self, message: Incoming) -> Envelope:
        envelope = Envelope.from_headers(message.headers)
        if envelope.type != self.topic.name:
            raise ValueError(
                f"it says that it is {envelope.type[:100]!r} "
                f"on the topic {self.topic.name}."
            )
        return envelope


def _told(error: ValueError) -> str:
    return sentence_of(error) if isinstance(error, ValidationError) else str(error)


def routes_of(subscriptions: Sequence[Subscription]) -> Mapping[str, Route]:
    """The topics that a service listens to, by name."""
    handlers: defaultdict[type[Payload], list[EventHandler]] = defaultdict(list)
    for subscription in subscriptions:
        handlers[subscription.payload].append(subscription.handle)
    return {
        BY_PAYLOAD[payload].name: Route(BY_PAYLOAD[payload], told)
        for payload, told in handlers.items()
    }


def version_of(received: Received | None) -> tuple[int, int] | None:
    """Which state of its aggregate a snapshot is; versions compare as (epoch, n)."""
    if received is None or not isinstance(received.payload, Snapshot):
        return None
    return received.envelope.epoch, received.payload.aggregate_version
