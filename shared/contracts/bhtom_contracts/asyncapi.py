"""The AsyncAPI 3 document of all events, made from the registry."""

from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from bhtom_contracts.base import Payload
from bhtom_contracts.registry import MAX_EVENT_BYTES, TOPICS, Topic

Document = dict[str, Any]

_KAFKA_BINDING = "0.5.0"
_HEADER_WORDS: dict[str, Document] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {
        "type": "string",
        "format": "uuid",
        "description": "UUIDv7; the same when an event is sent again.",
    },
    "ce_type": {"type": "string", "description": "The name of the topic."},
    "ce_source": {"type": "string", "description": "The service that sends it."},
    "ce_subject": {"type": "string", "description": "The key."},
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_schemaversion": {"type": "string", "pattern": "^[0-9]+$"},
    "ce_epoch": {
        "type": "string",
        "pattern": "^[0-9]+$",
        "description": "Which life of the sender's database it was written in.",
    },
    "content-type": {"type": "string", "const": "application/json"},
    "traceparent": {
        "type": "string",
        "description": "W3C trace context; one trace follows a frame to its point.",
    },
}


def asyncapi_document() -> Document:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "BHTOM events",
            "version": version("bhtom-contracts"),
            "description": (
                "What the services of BHTOM tell each other through Kafka. Events are "
                "CloudEvents 1.0 in Kafka's binary mode: metadata in headers, JSON in "
                f"the body, at most {MAX_EVENT_BYTES} bytes. Readers ignore fields "
                "that they do not know; changes only add. Topics marked public are "
                "for outside subscribers, the others for the services alone."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {_operation_name(topic): _operation(topic) for topic in TOPICS},
        "components": {
            "messages": {_message_name(topic): _message(topic) for topic in TOPICS},
            "schemas": {**_payload_schemas(), "Headers": _headers()},
        },
    }


def _message_name(topic: Topic) -> str:
    return topic.payload.__name__


def _operation_name(topic: Topic) -> str:
    return f"send{_message_name(topic)}"


def _channel(topic: Topic) -> Document:
    name = _message_name(topic)
    kept = (
        "Compacted: the newest snapshot of every key stays."
        if topic.kind == "state"
        else "Facts, kept for a time."
    )
    return {
        "address": topic.name,
        "title": topic.name,
        "description": f"{_described(topic.payload)} {kept}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "tags": [{"name": topic.kind}, *([{"name": "public"}] if topic.public else [])],
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": _topic_configuration(topic),
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _topic_configuration(topic: Topic) -> Document:
    return {
        name: [value] if name == "cleanup.policy" else int(value)
        for name, value in topic.configuration().items()
    }


def _operation(topic: Topic) -> Document:
    name = _message_name(topic)
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"Sent by {topic.owner}.",
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"}],
        "tags": [{"name": topic.owner}],
    }


def _message(topic: Topic) -> Document:
    name = _message_name(topic)
    return {
        "name": topic.name,
        "title": name,
        "summary": _described(topic.payload),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key_description},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _headers() -> Document:
    return {
        "type": "object",
        "required": [name for name in _HEADER_WORDS if name != "traceparent"],
        "properties": _HEADER_WORDS,
    }


def _payload_schemas() -> Document:
    _, schema = models_json_schema(
        [(topic.payload, "validation") for topic in TOPICS],
        ref_template="#/components/schemas/{model}",
    )
    found: Document = schema["$defs"]
    return found


def _described(payload: type[Payload]) -> str:
    return " ".join((payload.__doc__ or payload.__name__).split())
