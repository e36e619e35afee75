"""What all event payloads share."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Visibility = Literal["private", "groups", "public"]


class Payload(BaseModel):
    """The body of an event: frozen, and deaf to fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: ClassVar[int] = 1


class Snapshot(Payload):
    """The whole state of an aggregate, as its owner has it now."""

    aggregate_version: int = Field(ge=1)
    deleted_at: AwareDatetime | None = None
