"""Whether two schemas of a topic understand each other's events, in both directions.

Old events must stay readable by new readers, and new events by old ones, because
processes of both ages run side by side. Readers ignore what they do not know and
writers write every property, so a schema may gain optional properties and nothing
else.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

# Words for people; they bind nobody.
_PROSE = frozenset({"title", "description", "examples", "$schema", "$id", "$defs"})


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Sentences for what makes the two schemas refuse each other's events."""
    return list(_compare(old, new, _Definitions(old, new), ""))


class _Definitions:
    """The definitions of both schemas, and the pairs that were compared already."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old: Schema = old.get("$defs", {})
        self._new: Schema = new.get("$defs", {})
        self.seen: set[tuple[str, str]] = set()

    def resolve(self, old: Any, new: Any) -> tuple[Any, Any]:
        """The schemas that two references stand for."""
        return _followed(old, self._old), _followed(new, self._new)


def _followed(schema: Any, definitions: Schema) -> Any:
    if not isinstance(schema, dict) or "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**definitions[name], **beside}


def _compare(old: Any, new: Any, definitions: _Definitions, path: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        if "$ref" in old and "$ref" in new:
            pair = (old["$ref"], new["$ref"])
            if pair in definitions.seen:
                return
            definitions.seen.add(pair)
        old, new = definitions.resolve(old, new)
        yield from _compare_schemas(old, new, definitions, path)
    elif old != new:
        yield f"{path or 'the event'}: {old!r} became {new!r}."


def _compare_schemas(
    old: Schema, new: Schema, definitions: _Definitions, path: str
) -> Iterator[str]:
    yield from _compare_properties(old, new, definitions, path)
    for word in sorted((old.keys() | new.keys()) - _PROSE - {"properties", "required"}):
        before, after = old.get(word), new.get(word)
        if word in ("items", "additionalProperties"):
            yield from _compare(before, after, definitions, f"{path}/{word}")
        elif word in ("anyOf", "oneOf", "allOf", "prefixItems"):
            yield from _compare_lists(before, after, definitions, f"{path}/{word}")
        elif word == "enum" and before is not None and after is not None:
            yield from _compare_choices(before, after, path)
        elif before != after:
            yield f"{path or 'the event'}: {word} was {before!r} and is {after!r}."


def _compare_properties(
    old: Schema, new: Schema, definitions: _Definitions, path: str
) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before.keys() - after.keys():
        yield f"{path}/{name}: it is gone, and old readers look for it."
    for name in set(new.get("required", ())) - before.keys():
        yield f"{path}/{name}: it is required, and old events do not have it."
    for name in before.keys() & after.keys():
        yield from _compare(before[name], after[name], definitions, f"{path}/{name}")


def _compare_lists(
    before: Any, after: Any, definitions: _Definitions, path: str
) -> Iterator[str]:
    if not isinstance(before, list) or not isinstance(after, list):
        yield f"{path}: it was {before!r} and is {after!r}."
        return
    if len(before) != len(after):
        yield f"{path}: {len(before)} alternatives became {len(after)}."
        return
    for index, (one, other) in enumerate(zip(before, after, strict=True)):
        yield from _compare(one, other, definitions, f"{path}/{index}")


def _compare_choices(before: list[Any], after: list[Any], path: str) -> Iterator[str]:
    for choice in before:
        if choice not in after:
            yield f"{path}: {choice!r} is no choice any more, and old events have it."
    for choice in after:
        if choice not in before:
            yield f"{path}: {choice!r} is a new choice, and old readers refuse it."
