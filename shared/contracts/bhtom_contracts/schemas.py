"""JSON Schemas of the events, as snapshots keep them and documents show them."""

from typing import Any

from bhtom_contracts.registry import Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def topic_schema(topic: Topic) -> dict[str, Any]:
    """What a reader of this topic's events asks of them.

    Writers always write every property, so this one schema says both sides.
    """
    return {
        "$schema": DIALECT,
        "$id": f"{topic.name}.{topic.payload.schema_version}",
        **topic.payload.model_json_schema(mode="validation"),
    }


def numbers_without_unit(schema: Any, path: str = "") -> list[str]:
    """Where a schema holds a number that may have a fraction and has no unit."""
    if isinstance(schema, list):
        found = [
            numbers_without_unit(one, f"{path}/{index}")
            for index, one in enumerate(schema)
        ]
        return [place for places in found for place in places]
    if not isinstance(schema, dict):
        return []
    places = [
        place
        for name, value in schema.items()
        if name not in ("default", "examples", "enum", "const")
        for place in numbers_without_unit(value, f"{path}/{name}")
    ]
    # Pydantic writes a field's unit beside `anyOf` or inside of it.
    return [path, *places] if _lacks_unit(schema) else places


def _lacks_unit(schema: dict[str, Any]) -> bool:
    types = schema.get("type")
    is_number = types == "number" or (isinstance(types, list) and "number" in types)
    return is_number and "unit" not in schema
