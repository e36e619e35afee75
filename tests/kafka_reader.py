"""Reads what a topic holds, for tests that look over the services' shoulders."""

from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

_FETCH_S = 10.0


@dataclass(frozen=True)
class Message:
    """A message as it lies in Kafka."""

    key: str
    value: bytes
    headers: dict[str, str]


def read_all(bootstrap: str, topic: str) -> Iterator[Message]:
    """Every message of a topic, from the beginning to its present end."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bhtom-test-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": False,
        }
    )
    try:
        partitions = (
            consumer.list_topics(topic, timeout=_FETCH_S).topics[topic].partitions
        )
        for number in partitions:
            yield from _read_partition(consumer, topic, number)
    finally:
        consumer.close()


def _read_partition(consumer: Consumer, topic: str, number: int) -> Iterator[Message]:
    low, high = consumer.get_watermark_offsets(
        TopicPartition(topic, number), timeout=_FETCH_S
    )
    if high <= low:
        return
    consumer.assign([TopicPartition(topic, number, low)])
    while True:
        message = consumer.poll(_FETCH_S)
        if message is None:
            raise AssertionError(f"{topic}/{number} did not reach its end {high}.")
        if message.error():
            raise AssertionError(str(message.error()))
        headers = {name: value.decode() for name, value in message.headers() or ()}
        yield Message((message.key() or b"").decode(), message.value(), headers)
        if message.offset() + 1 >= high:
            return
