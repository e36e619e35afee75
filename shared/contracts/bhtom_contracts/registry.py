"""The one list of topics: schemas, documents and Kafka itself are made from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from bhtom_contracts.base import Payload, Snapshot
from bhtom_contracts.events.calibrations import (
    CalibrationAnswer,
    CalibrationFailed,
    CalibrationWaiting,
    PhotometryCalibrated,
)
from bhtom_contracts.events.cameras import CameraChanged, CameraProposed
from bhtom_contracts.events.frames import DataProductChanged, FitsUploaded
from bhtom_contracts.events.identities import IdentityChanged, TokenChanged
from bhtom_contracts.events.photometry import (
    LightCurveUpdated,
    PhotometryHarvested,
    PhotometryPublished,
    PhotometryRecorded,
    PhotometryWithdrawn,
)
from bhtom_contracts.events.targets import TargetChanged

MAX_EVENT_BYTES: Final = 256 * 1024
FACT_RETENTION_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, the class of its payloads, and how its key is found."""

    name: str
    kind: Literal["state", "fact"]
    owner: str
    payload: type[Payload]
    key: Callable[[Payload], str]
    key_description: str
    public: bool = False

    @property
    def partitions(self) -> int:
        """12 for facts and 3 for state; never changed once a topic exists."""
        return 12 if self.kind == "fact" else 3

    def configuration(self) -> dict[str, str]:
        """The broker's settings of the topic."""
        common = {"max.message.bytes": str(2 * MAX_EVENT_BYTES)}
        if self.kind == "state":
            return {**common, "cleanup.policy": "compact"}
        retention_ms = FACT_RETENTION_DAYS * 86_400_000
        return {**common, "cleanup.policy": "delete", "retention.ms": str(retention_ms)}


def _field(name: str) -> Callable[[Payload], str]:
    def key(payload: Payload) -> str:
        return str(getattr(payload, name))

    return key


def _camera(payload: Payload) -> str:
    assert isinstance(payload, CameraChanged)  # noqa: S101 - narrows the type
    return str(payload.camera.camera_id)


def _state(
    name: str, owner: str, payload: type[Snapshot], key: str | None = None
) -> Topic:
    if key is None:
        return Topic(name, "state", owner, payload, _camera, "camera.camera_id")
    return Topic(name, "state", owner, payload, _field(key), key)


def _fact(
    name: str, owner: str, payload: type[Payload], key: str, public: bool = False
) -> Topic:
    return Topic(name, "fact", owner, payload, _field(key), key, public)


TOPICS: Final[tuple[Topic, ...]] = (
    _state("target.changed", "core", TargetChanged, "target_id"),
    _state("camera.changed", "core", CameraChanged),
    _state("identity.changed", "core", IdentityChanged, "user_id"),
    _state("token.changed", "core", TokenChanged, "token_id"),
    _state("data_product.changed", "upload", DataProductChanged, "data_product_id"),
    _fact("camera.proposed", "cpcs", CameraProposed, "camera_id"),
    _fact("fits.uploaded", "upload", FitsUploaded, "data_product_id"),
    _fact("photometry.calibrated", "cpcs", PhotometryCalibrated, "data_product_id"),
    _fact("calibration.failed", "cpcs", CalibrationFailed, "data_product_id"),
    _fact("calibration.waiting", "cpcs", CalibrationWaiting, "data_product_id"),
    _fact("photometry.recorded", "core", PhotometryRecorded, "data_product_id"),
    _fact("photometry.harvested", "harvester", PhotometryHarvested, "target_id"),
    _fact("lightcurve.updated", "core", LightCurveUpdated, "target_id"),
    _fact("photometry.published", "core", PhotometryPublished, "target_id", True),
    _fact("photometry.withdrawn", "core", PhotometryWithdrawn, "target_id", True),
)

BY_NAME: Final = {topic.name: topic for topic in TOPICS}
BY_PAYLOAD: Final = {topic.payload: topic for topic in TOPICS}

__all__ = [
    "BY_NAME",
    "BY_PAYLOAD",
    "MAX_EVENT_BYTES",
    "TOPICS",
    "CalibrationAnswer",
    "Topic",
]
