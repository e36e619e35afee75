"""Consumers that are wrong on purpose: the kill test must catch both of them.

A test that finds nothing lost and nothing doubled proves nothing until it has been
seen to find what is lost and what is doubled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from confluent_kafka import Consumer, Message

from bhtom_runtime.kafka.settings import consumer_settings

Work = Callable[[Message], Awaitable[None]]

BATCH = 200


async def commit_first(
    bootstrap_servers: str, group: str, topic: str, work: Work
) -> None:
    """Commit the position, then work: a kill in between loses the rest of a batch."""
    consumer = _subscribed(bootstrap_servers, group, topic)
    while True:
        messages = await _read(consumer)
        if messages:
            await asyncio.to_thread(_commit, consumer, messages)
        for message in messages:
            await work(message)


async def work_first(
    bootstrap_servers: str, group: str, topic: str, work: Work
) -> None:
    """Work without claiming, then commit: a kill in between does a batch again."""
    consumer = _subscribed(bootstrap_servers, group, topic)
    while True:
        messages = await _read(consumer)
        for message in messages:
            await work(message)
        if messages:
            await asyncio.to_thread(_commit, consumer, messages)


def _subscribed(bootstrap_servers: str, group: str, topic: str) -> Consumer:
    consumer = Consumer(consumer_settings(bootstrap_servers, group, lambda _: None))
    consumer.subscribe([topic])
    return consumer


async def _read(consumer: Consumer) -> list[Message]:
    messages = await asyncio.to_thread(consumer.consume, BATCH, 0.2)
    return [message for message in messages if message.error() is None]


def _commit(consumer: Consumer, messages: Sequence[Message]) -> None:
    # Every partition of the batch: the last message of each counts.
    for message in {each.partition(): each for each in messages}.values():
        consumer.commit(message=message, asynchronous=False)
