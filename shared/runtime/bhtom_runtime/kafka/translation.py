"""Between the objects of confluent_kafka and our own."""

from confluent_kafka import KafkaError, Message, TopicPartition

from bhtom_runtime.kafka.messages import Incoming, Partition


def incoming_of(message: Message) -> Incoming:
    """A message as the rest of the runtime sees it."""
    return Incoming(
        partition=Partition(message.topic() or "", message.partition() or 0),
        offset=message.offset() or 0,
        timestamp_ms=message.timestamp()[1],
        key=message.key() or b"",
        headers=_headers(message),
        body=message.value() or b"",
    )


def _headers(message: Message) -> list[tuple[str, bytes]]:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [
        (name, value if isinstance(value, bytes) else (value or "").encode())
        for name, value in pairs
    ]


def topic_partition(partition: Partition, offset: int = -1001) -> TopicPartition:
    """A partition for the client, with no offset (-1001) unless one is given."""
    return TopicPartition(partition.topic, partition.number, offset)


def reason_of(error: KafkaError) -> str:
    """What went wrong, in the client's words."""
    return error.str() or error.name()
