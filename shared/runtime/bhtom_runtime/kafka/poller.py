"""The one thread that reads: polls, hands over by partition, commits what is done."""

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Protocol

import structlog
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from bhtom_runtime.kafka.flow import Done, Flow
from bhtom_runtime.kafka.messages import BrokerUnavailable, Incoming, Partition
from bhtom_runtime.kafka.settings import consumer_settings
from bhtom_runtime.kafka.translation import incoming_of, reason_of, topic_partition

_logger = structlog.get_logger(__name__)

IDLE_POLL_S: Final = 0.2
BUSY_POLL_S: Final = 0.01
COMMIT_EVERY_S: Final = 0.1
WATCH_S: Final = 3.0
BROKER_TIMEOUT_S: Final = 3.0
READ_AT_ONCE: Final = 1000


class Sink(Protocol):
    """Who gets the messages; both are called in the reading thread."""

    def receive(
        self, partition: Partition, generation: int, messages: Sequence[Incoming]
    ) -> None:
        """Take the next messages of a partition, in order."""

    def release(self, partitions: Sequence[Partition], *, finish: bool) -> None:
        """Forget these partitions; first finish what is in work, if there is time."""


class Poller:
    """A group member, for as long as it stays with one Kafka cluster."""

    def __init__(
        self, bootstrap_servers: str, group: str, topics: Sequence[str], sink: Sink
    ) -> None:
        self.problem: str | None = "Kafka was not reached yet."
        self.lag = 0
        self._topics = list(topics)
        self._sink = sink
        self._flows: dict[Partition, Flow] = {}
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._generation = 0
        self._committed_at = 0.0
        self._watched_at = 0.0
        self._cluster_id: str | None = None
        self._trusted = True
        self._consumer = Consumer(
            consumer_settings(bootstrap_servers, group, self._on_error)
        )

    def done(self, done: Done) -> None:
        """Tell, from any thread, that messages may be committed."""
        self._done.put(done)

    def run(self, stop: threading.Event) -> None:
        """Read until told to stop; raises when the cluster is not to be trusted."""
        try:
            if self._await_topics(stop):
                self._consumer.subscribe(
                    self._topics,
                    on_assign=self._on_assign,
                    on_revoke=self._on_revoke,
                    on_lost=self._on_lost,
                )
                while not stop.is_set():
                    self._turn()
        except KafkaException as error:
            raise BrokerUnavailable(reason_of(error.args[0])) from error
        finally:
            self._close()

    def _close(self) -> None:
        """Leave the group; `_on_revoke` finishes and commits what is in work."""
        self._consumer.close()
        left = list(self._flows)
        self._flows.clear()
        if left:
            self._sink.release(left, finish=False)

    def _await_topics(self, stop: threading.Event) -> bool:
        """Wait until every topic exists: a group joins badly before that."""
        while not stop.is_set():
            try:
                metadata = self._consumer.list_topics(timeout=BROKER_TIMEOUT_S)
            except KafkaException as error:
                self.problem = f"Kafka does not answer: {reason_of(error.args[0])}"
            else:
                missing = [name for name in self._topics if name not in metadata.topics]
                if not missing:
                    self._cluster_id = metadata.cluster_id
                    self.problem = None
                    self._watched_at = time.monotonic()
                    return True
                self.problem = (
                    f"Kafka has no topic {', '.join(missing)}: run bhtom-topics create."
                )
            stop.wait(0.5)
        return False

    def _turn(self) -> None:
        self._take_done()
        waits = any(flow.events for flow in self._flows.values())
        first = self._consumer.poll(BUSY_POLL_S if waits else IDLE_POLL_S)
        if first is not None:
            # `consume(n, t)` alone would always wait out its time.
            self._hand_over([first, *self._consumer.consume(READ_AT_ONCE, 0)])
        if time.monotonic() - self._watched_at >= WATCH_S:
            self._watch()

    def _hand_over(self, messages: Sequence[Message]) -> None:
        found: defaultdict[Partition, list[Incoming]] = defaultdict(list)
        for message in messages:
            error = message.error()
            if error is not None:
                self._on_error(error)
                continue
            incoming = incoming_of(message)
            found[incoming.partition].append(incoming)
        for partition, incoming_messages in found.items():
            flow = self._flows.get(partition)
            if flow is None:
                # Fetched before the partition was taken away: its new owner has it.
                continue
            size = sum(len(one.body) for one in incoming_messages)
            flow.take(len(incoming_messages), size)
            self._sink.receive(partition, flow.generation, incoming_messages)
            if flow.is_full and not flow.paused:
                flow.paused = True
                self._consumer.pause([topic_partition(partition)])

    def _take_done(self, *, now: bool = False) -> None:
        """Account for what is done, resume, and commit it."""
        while True:
            try:
                done = self._done.get_nowait()
            except queue.Empty:
                break
            flow = self._flows.get(done.partition)
            # Of an earlier assignment: its offsets say nothing about this one.
            if flow is None or flow.generation != done.generation:
                continue
            flow.finish(done)
            if flow.paused and flow.is_low:
                flow.paused = False
                self._consumer.resume([topic_partition(done.partition)])
        if now or time.monotonic() - self._committed_at >= COMMIT_EVERY_S:
            self._commit(wait=now)

    def _commit(self, *, wait: bool) -> None:
        offsets = []
        for partition, flow in self._flows.items():
            if flow.done is not None and flow.done != flow.committed:
                offsets.append(topic_partition(partition, flow.done))
                flow.committed = flow.done
        if not offsets or not self._trusted:
            return
        if wait and self.problem is not None:
            # It would wait for a coordinator that is away; the inbox knows the events.
            return
        self._committed_at = time.monotonic()
        try:
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            # Nothing is lost: these events come once more, and are known.
            _logger.info("offsets not committed", error=reason_of(error.args[0]))

    def _watch(self) -> None:
        """See that it is still the same cluster, and how far behind we are."""
        self._watched_at = time.monotonic()
        try:
            metadata = self._consumer.list_topics(
                self._topics[0], timeout=BROKER_TIMEOUT_S
            )
            if metadata.cluster_id != self._cluster_id:
                # Positions of the old cluster mean nothing in this one.
                self._trusted = False
                raise BrokerUnavailable("It is another Kafka cluster than before.")
            self._measure_lag()
        except KafkaException as error:
            self.problem = f"Kafka does not answer: {reason_of(error.args[0])}"
        else:
            self.problem = None
        finally:
            self._watched_at = time.monotonic()

    def _measure_lag(self) -> None:
        unknown = [name for name, flow in self._flows.items() if flow.start is None]
        if unknown:
            for found in self._consumer.committed(
                [topic_partition(one) for one in unknown], timeout=BROKER_TIMEOUT_S
            ):
                flow = self._flows[Partition(found.topic, found.partition)]
                flow.start = max(found.offset, 0)
        lag = 0
        for partition, flow in self._flows.items():
            low, high = self._consumer.get_watermark_offsets(
                topic_partition(partition), cached=True
            )
            reached = flow.done if flow.done is not None else flow.start or 0
            lag += max(0, high - max(reached, low, 0))
        self.lag = lag

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._generation += 1
        for each in partitions:
            self._flows[Partition(each.topic, each.partition)] = Flow(self._generation)
        _logger.info("partitions assigned", count=len(partitions))

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        leaving = self._assigned(partitions)
        self._sink.release(leaving, finish=self._trusted)
        self._take_done(now=True)
        for partition in leaving:
            del self._flows[partition]

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        leaving = self._assigned(partitions)
        for partition in leaving:
            del self._flows[partition]
        self._sink.release(leaving, finish=False)
        _logger.warning("partitions lost", count=len(leaving))

    def _assigned(self, partitions: Sequence[TopicPartition]) -> list[Partition]:
        named = [Partition(each.topic, each.partition) for each in partitions]
        return [partition for partition in named if partition in self._flows]

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            raise KafkaException(error)
        if error.code() in (KafkaError._TRANSPORT, KafkaError._PARTITION_EOF):
            # One connection of several, or nothing to read: others are in use.
            return
        if self.problem is None:
            self.problem = f"Kafka cannot be read: {reason_of(error)}"
            _logger.warning("consumer waits for Kafka", error=reason_of(error))
