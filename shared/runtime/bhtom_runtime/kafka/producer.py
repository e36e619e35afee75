"""The producer behind the relay: a batch in, and which of it Kafka has."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bhtom_runtime.kafka.messages import BrokerUnavailable, Outgoing
from bhtom_runtime.kafka.settings import producer_settings

_TICK_S: Final = 0.1
_UNKNOWN_TOPIC: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)


class EventProducer:
    """One idempotent producer, good until `problem` says otherwise.

    It is bound to the connection it began with: when all brokers were gone, what
    comes back may be another, empty cluster, and nothing may be written to it before
    the relay has looked at its name. So that ends this object; the loss of one
    connection of several only makes it `suspect`: ask for the name again.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self.problem: str | None = None
        self.suspect = True
        self._verified = False
        self._unknown_topics: set[str] = set()
        self._producer = Producer(producer_settings(bootstrap_servers, self._on_error))

    @property
    def unknown_topics(self) -> frozenset[str]:
        """Topics that Kafka said it does not have."""
        return frozenset(self._unknown_topics)

    def cluster_id(self, timeout_s: float) -> str:
        """The name of the cluster that answers now; blocks."""
        try:
            # `Producer.cluster_id()` may answer with the name it learnt before.
            name = str(self._producer.list_topics(timeout=timeout_s).cluster_id)
        except KafkaException as error:
            raise BrokerUnavailable(_reason(error.args[0])) from error
        self._producer.poll(0)
        if self._verified and self.problem is not None:
            raise BrokerUnavailable(self.problem)
        # What failed before the first answer (one of several addresses) is over.
        self.problem, self.suspect, self._verified = None, False, True
        return name

    def send(self, batch: Sequence[Outgoing], abandon: threading.Event) -> list[bool]:
        """Write a batch in its order and tell what was delivered; blocks.

        Ends early, with the rest undelivered, when `abandon` is set or the broker
        is lost: then this producer writes nothing any more.
        """
        delivered = [False] * len(batch)
        for index, message in enumerate(batch):
            if self._ends(abandon) or not self._put(
                message, self._reporter(delivered, index, message.topic), abandon
            ):
                break
        while self._producer.flush(_TICK_S):
            if self._ends(abandon):
                self._purge()
        return delivered

    def check(self) -> None:
        """Serve callbacks, so that a lost connection is noticed when idle too."""
        self._producer.poll(0)

    def close(self) -> None:
        """Drop what is not delivered, and the connection; blocks."""
        self._purge()
        self._producer.flush(_TICK_S)
        # Else the connections would be closed wherever the last reference goes.
        self._producer.close()

    def _put(
        self,
        message: Outgoing,
        report: Callable[[KafkaError | None, Message], None],
        abandon: threading.Event,
    ) -> bool:
        while not self._ends(abandon):
            try:
                self._producer.produce(
                    message.topic,
                    value=message.body,
                    key=message.key.encode(),
                    headers=list(message.headers),
                    on_delivery=report,
                )
            except BufferError:
                self._producer.poll(_TICK_S)
            except KafkaException as error:
                self.problem = _reason(error.args[0])
            else:
                self._producer.poll(0)
                return True
        return False

    def _reporter(
        self, delivered: list[bool], index: int, topic: str
    ) -> Callable[[KafkaError | None, Message], None]:
        def report(error: KafkaError | None, _message: Message) -> None:
            if error is None:
                delivered[index] = True
            elif error.code() in _UNKNOWN_TOPIC:
                self._unknown_topics.add(topic)
                self.problem = f"Kafka has no topic {topic}."
            elif self.problem is None:
                self.problem = f"An event for {topic} was refused: {_reason(error)}"

        return report

    def _ends(self, abandon: threading.Event) -> bool:
        return abandon.is_set() or self.problem is not None

    def _purge(self) -> None:
        self._producer.purge(in_queue=True, in_flight=True, blocking=True)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.problem = _reason(error)
        self.suspect = True


def _reason(error: KafkaError) -> str:
    return error.str() or error.name()
