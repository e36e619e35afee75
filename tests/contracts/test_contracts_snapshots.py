"""The kept schemas are those of the code, and old and new understand each other."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from bhtom_contracts import schema_export
from bhtom_contracts.asyncapi import asyncapi_document
from bhtom_contracts.compatibility import breaking_changes
from bhtom_contracts.registry import TOPICS, Topic
from bhtom_contracts.schemas import numbers_without_unit, topic_schema
from bhtom_contracts.units import Degrees

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / schema_export.SCHEMAS
WRITE_THEM = "run `bhtom-contracts` and keep what it writes"

every_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


@every_topic
def test_the_newest_snapshot_is_the_schema_of_the_code(topic: Topic) -> None:
    path = schema_export.snapshot_file(SCHEMAS, topic)
    assert path.exists(), f"{topic.name} has no snapshot: {WRITE_THEM}"
    expected = schema_export.rendered(topic_schema(topic))
    assert path.read_text() == expected, f"{path.name} is out of date: {WRITE_THEM}"


@every_topic
def test_events_of_every_kept_version_are_understood_both_ways(topic: Topic) -> None:
    kept = schema_export.snapshots(SCHEMAS, topic)
    assert set(kept) == set(range(1, topic.payload.schema_version + 1))
    for number, schema in kept.items():
        assert breaking_changes(schema, topic_schema(topic)) == [], (
            f"version {number} of {topic.name} and the present one refuse each "
            "other's events: make a new topic with `.v2`"
        )


def test_no_snapshot_is_left_over() -> None:
    names = {topic.name for topic in TOPICS}
    for path in SCHEMAS.glob("*.json"):
        assert path.name.rsplit(".", 2)[0] in names, f"{path.name} has no topic"


def test_the_asyncapi_document_is_the_one_of_the_code() -> None:
    path = ROOT / schema_export.ASYNCAPI
    expected = schema_export.rendered(asyncapi_document())
    assert path.read_text() == expected, f"{path.name} is out of date: {WRITE_THEM}"


@every_topic
def test_every_number_carries_its_unit(topic: Topic) -> None:
    assert numbers_without_unit(topic_schema(topic)) == []


class _Inner(BaseModel):
    bare: float | None = None


class _Measured(BaseModel):
    angle: Degrees | None = None
    angles: tuple[Degrees, ...] = ()
    inner: _Inner = _Inner()
    bare: list[float] = Field(default_factory=list)


def test_a_number_without_unit_is_found_wherever_it_hides() -> None:
    found = numbers_without_unit(_Measured.model_json_schema())
    assert [place.split("/")[-2:] for place in found] == [
        ["anyOf", "0"],
        ["bare", "items"],
    ]


class _Old(BaseModel):
    name: Annotated[str, Field(max_length=10)]
    ra: Degrees
    kind: str = "star"
    inner: _Inner = _Inner()


def _changed(**changes: Any) -> list[str]:
    old = _Old.model_json_schema()
    new = _Old.model_json_schema()
    new["properties"] = {**new["properties"], **changes.pop("properties", {})}
    for name in changes.pop("without", ()):
        del new["properties"][name]
    return breaking_changes(old, {**new, **changes})


def test_an_optional_field_more_is_fine() -> None:
    more = {"note": {"type": "string", "default": ""}}
    assert _changed(properties=more, description="another text") == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"without": ["kind"]}, "/kind: it is gone"),
        ({"without": ["ra"], "required": ["name"]}, "/ra: it is gone"),
        (
            {
                "properties": {"note": {"type": "string"}},
                "required": ["name", "ra", "note"],
            },
            "/note: it is required",
        ),
        (
            {"properties": {"ra": {"type": "number", "unit": "hourangle"}}},
            "unit was 'deg'",
        ),
        ({"properties": {"name": {"type": "integer"}}}, "type was 'string'"),
        (
            {"properties": {"name": {"type": "string", "maxLength": 5}}},
            "maxLength was 10",
        ),
        ({"$defs": {"_Inner": {"type": "object", "properties": {}}}}, "/inner/bare"),
    ],
)
def test_what_breaks_a_reader_is_named(changes: dict[str, Any], why: str) -> None:
    assert any(why in change for change in _changed(**changes)), _changed(**changes)


def test_another_choice_breaks_old_readers_and_one_less_old_events() -> None:
    def schema(*choices: str) -> dict[str, Any]:
        return {"properties": {"state": {"enum": list(choices)}}}

    assert "new choice" in breaking_changes(schema("a"), schema("a", "b"))[0]
    assert "no choice any more" in breaking_changes(schema("a", "b"), schema("a"))[0]


def test_the_export_refuses_to_overwrite_a_version(tmp_path: Path) -> None:
    arguments = ["--schemas", str(tmp_path), "--asyncapi", str(tmp_path / "doc")]
    assert schema_export.main(arguments) == 0
    first = schema_export.snapshot_file(tmp_path, TOPICS[0])
    other = first.read_text().replace('"type": "string"', '"type": "text"', 1)
    assert other != first.read_text()
    first.write_text(other)
    assert schema_export.main(arguments) == 1
    assert first.read_text() == other
    assert schema_export.main([*arguments, "--replace"]) == 0
    assert first.read_text() != other
