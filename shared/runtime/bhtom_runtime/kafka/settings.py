"""How our clients are set, and why where a default would not do."""

import logging
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaError

from bhtom_contracts.registry import MAX_EVENT_BYTES

ErrorCallback = Callable[[KafkaError], None]

_LOGGER: Final = logging.getLogger("bhtom_runtime.kafka")
# Below 10 s, so that others soon take the partitions of a killed member.
SESSION_TIMEOUT_MS: Final = 6_000
# A message is given up (and sent again by the relay) after this long.
DELIVERY_TIMEOUT_MS: Final = 30_000


def client_settings(bootstrap_servers: str) -> dict[str, Any]:
    """What every client shares."""
    return {
        "bootstrap.servers": bootstrap_servers,
        "logger": _LOGGER,
        # librdkafka says twice a second that a broker is down; we say it once.
        "log_level": 2,
        "socket.keepalive.enable": True,
        # A broker that comes back is found within a second, not within ten.
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1_000,
        "allow.auto.create.topics": False,
    }


def producer_settings(
    bootstrap_servers: str, on_error: ErrorCallback
) -> dict[str, Any]:
    """A producer that keeps the order of a key and writes nothing twice."""
    return client_settings(bootstrap_servers) | {
        "error_cb": on_error,
        "enable.idempotence": True,
        "acks": "all",
        # As the Java clients do it, so that everybody finds a key in one partition.
        "partitioner": "murmur2_random",
        "delivery.timeout.ms": DELIVERY_TIMEOUT_MS,
        "message.max.bytes": 2 * MAX_EVENT_BYTES,
        "compression.type": "lz4",
    }


def consumer_settings(
    bootstrap_servers: str, group: str, on_error: ErrorCallback
) -> dict[str, Any]:
    """A group member that commits only what it is told to."""
    return client_settings(bootstrap_servers) | {
        "error_cb": on_error,
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # A group without a position has seen nothing yet.
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": 1_500,
        # A topic that is made later is found soon.
        "topic.metadata.refresh.interval.ms": 10_000,
        "fetch.error.backoff.ms": 100,
        "queued.max.messages.kbytes": 16_384,
    }
