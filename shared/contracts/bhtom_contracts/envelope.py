"""CloudEvents 1.0 in Kafka's binary mode: metadata in headers, data in the body."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = b"application/json"


class Envelope(BaseModel):
    """The metadata of an event."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    type: str
    source: str
    subject: str
    time: AwareDatetime
    schema_version: int = Field(ge=1)
    epoch: int = Field(ge=0)
    traceparent: str | None = None

    def to_headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers, in a fixed order."""
        headers = [
            ("ce_specversion", SPEC_VERSION),
            ("ce_id", str(self.id)),
            ("ce_type", self.type),
            ("ce_source", self.source),
            ("ce_subject", self.subject),
            ("ce_time", self.time.isoformat()),
            ("ce_schemaversion", str(self.schema_version)),
            ("ce_epoch", str(self.epoch)),
        ]
        encoded = [(name, value.encode()) for name, value in headers]
        encoded.append(("content-type", CONTENT_TYPE))
        if self.traceparent is not None:
            encoded.append(("traceparent", self.traceparent.encode()))
        return encoded

    @classmethod
    def from_headers(cls, headers: list[tuple[str, bytes]]) -> "Envelope":
        """The envelope of a received message; raises ValueError when it is none."""
        found = {name: value.decode() for name, value in headers if value is not None}
        if found.get("ce_specversion") != SPEC_VERSION:
            raise ValueError("The message has no CloudEvents 1.0 headers.")
        missing = [name for name in _REQUIRED if name not in found]
        if missing:
            raise ValueError(f"The message lacks the headers {', '.join(missing)}.")
        return cls(
            id=UUID(found["ce_id"]),
            type=found["ce_type"],
            source=found["ce_source"],
            subject=found["ce_subject"],
            time=datetime.fromisoformat(found["ce_time"]),
            schema_version=int(found["ce_schemaversion"]),
            epoch=int(found["ce_epoch"]),
            traceparent=found.get("traceparent"),
        )


_REQUIRED: Final = (
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_subject",
    "ce_time",
    "ce_schemaversion",
    "ce_epoch",
)
