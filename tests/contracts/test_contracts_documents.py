"""The AsyncAPI document hangs together, and envelopes survive the journey."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bhtom_contracts.asyncapi import asyncapi_document
from bhtom_contracts.envelope import Envelope
from bhtom_contracts.registry import BY_NAME, BY_PAYLOAD, TOPICS


def references(part: Any) -> list[str]:
    """Every `$ref` inside of a part of the document."""
    if isinstance(part, list):
        return [found for one in part for found in references(one)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return own + [found for one in part.values() for found in references(one)]


def pointed(document: dict[str, Any], reference: str) -> Any:
    """What a local reference points to."""
    assert reference.startswith("#/"), reference
    found: Any = document
    for step in reference[2:].split("/"):
        assert step in found, f"{reference} leads nowhere"
        found = found[step]
    return found


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi_document()
    found = references(document)
    assert found
    for reference in found:
        assert pointed(document, reference) is not None


def test_the_document_has_the_parts_that_asyncapi_3_asks_for() -> None:
    document = asyncapi_document()
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    known = {
        "asyncapi", "id", "info", "servers", "defaultContentType", "channels",
        "operations", "components",
    }  # fmt: skip
    assert document.keys() <= known
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = operation["channel"]["$ref"]
        for message in operation["messages"]:
            # An operation's messages are those of its channel, not of components.
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_every_topic_is_a_channel_as_kafka_has_it() -> None:
    channels = asyncapi_document()["channels"]
    assert set(channels) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        channel = channels[topic.name]
        binding = channel["bindings"]["kafka"]
        assert channel["address"] == binding["topic"] == topic.name
        assert binding["partitions"] == topic.partitions
        policy = binding["topicConfiguration"]["cleanup.policy"]
        assert policy == (["compact"] if topic.kind == "state" else ["delete"])


def test_payload_schemas_are_schemas() -> None:
    for schema in asyncapi_document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_registry_names_and_classes_are_unique() -> None:
    assert len(BY_NAME) == len(BY_PAYLOAD) == len(TOPICS)


@given(
    time=st.datetimes(timezones=st.just(UTC)),
    subject=st.text(max_size=50),
    schema_version=st.integers(1, 10**6),
    epoch=st.integers(0, 10**6),
    has_trace=st.booleans(),
)
def test_an_envelope_survives_its_headers(
    time: datetime, subject: str, schema_version: int, epoch: int, has_trace: bool
) -> None:
    envelope = Envelope(
        id=uuid4(),
        type="fits.uploaded",
        source="bhtom/upload",
        subject=subject,
        time=time,
        schema_version=schema_version,
        epoch=epoch,
        traceparent=f"00-{'1' * 32}-{'2' * 16}-01" if has_trace else None,
    )
    assert Envelope.from_headers(envelope.to_headers()) == envelope


GOOD = Envelope(
    id=UUID(int=7),
    type="fits.uploaded",
    source="bhtom/upload",
    subject="7",
    time=datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    schema_version=1,
    epoch=1,
).to_headers()


@pytest.mark.parametrize(
    "missing", [name for name, _ in GOOD if name not in ("content-type",)]
)
def test_an_envelope_without_a_header_is_none(missing: str) -> None:
    with pytest.raises(ValueError):
        Envelope.from_headers([pair for pair in GOOD if pair[0] != missing])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_specversion", b"2.0"),
        ("ce_id", b"no uuid"),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-01-02T00:00:00"),
        ("ce_schemaversion", b"one"),
        ("ce_schemaversion", b"0"),
        ("ce_epoch", b"-1"),
        ("ce_subject", b"\xff\xfe"),
    ],
)
def test_a_hostile_header_is_refused_with_a_value_error(
    name: str, value: bytes
) -> None:
    others = [pair for pair in GOOD if pair[0] != name]
    with pytest.raises(ValueError):
        Envelope.from_headers([*others, (name, value)])
