"""Makes the topics of the registry; nobody else makes any."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final

import click
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bhtom_contracts.registry import TOPICS, Topic
from bhtom_runtime.kafka.messages import BrokerUnavailable
from bhtom_runtime.kafka.settings import client_settings

REQUEST_TIMEOUT_S: Final = 15.0


def create_topics(
    bootstrap_servers: str, topics: Sequence[Topic] = TOPICS
) -> list[str]:
    """Make the topics that are missing and give their names; blocks.

    An existing topic with another number of partitions is an error: keys would
    move, and with them their order.
    """
    admin = AdminClient(client_settings(bootstrap_servers))
    try:
        existing = admin.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    except KafkaException as error:
        raise BrokerUnavailable(f"Kafka does not answer: {error.args[0].str()}") from (
            error
        )
    for topic in topics:
        found = existing.get(topic.name)
        if found is not None and len(found.partitions) != topic.partitions:
            raise BrokerUnavailable(
                f"The topic {topic.name} has {len(found.partitions)} partitions and "
                f"must have {topic.partitions}: make it anew, or use a new topic name."
            )
    missing = [topic for topic in topics if topic.name not in existing]
    if not missing:
        return []
    futures = admin.create_topics(
        [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions,
                # The cluster's own default: 1 on a laptop, 3 in production.
                replication_factor=-1,
                config=topic.configuration(),
            )
            for topic in missing
        ],
        request_timeout=REQUEST_TIMEOUT_S,
    )
    return [name for name, future in futures.items() if _was_created(name, future)]


def _was_created(name: str, future: "Future[None]") -> bool:
    try:
        future.result(timeout=2 * REQUEST_TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False
        raise BrokerUnavailable(
            f"The topic {name} could not be made: {error.args[0].str()}"
        ) from error
    return True


@click.group()
def main() -> None:
    """The Kafka topics of BHTOM."""


@main.command()
@click.option(
    "--bootstrap-servers",
    envvar="KAFKA_BOOTSTRAP_SERVERS",
    required=True,
    help="Where Kafka is; KAFKA_BOOTSTRAP_SERVERS by default.",
)
def create(bootstrap_servers: str) -> None:
    """Make the topics that are missing."""
    try:
        made = create_topics(bootstrap_servers)
    except BrokerUnavailable as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(made)} topics made, {len(TOPICS) - len(made)} were there.")


@main.command(name="list")
def show() -> None:
    """List the topics of the registry."""
    for topic in TOPICS:
        click.echo(
            f"{topic.name:24} {topic.kind:6} {topic.partitions:3} partitions, "
            f"by {topic.owner}, key {topic.key_description}"
        )
