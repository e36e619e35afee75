"""Data products, and what upload asks cpcs to calibrate."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from bhtom_contracts.base import Payload, Snapshot, Visibility
from bhtom_contracts.events.cameras import CameraPin
from bhtom_contracts.events.targets import TargetPosition
from bhtom_contracts.outcomes import Outcome
from bhtom_contracts.passbands import ANY_BAND, requested_band
from bhtom_contracts.units import Arcseconds, Mjd

Purpose = Literal["record", "dry_run", "preview"]
# What can be calibrated: a frame, or the list of sources that was measured in one.
CalibratedKind = Literal["fits_file", "photometry"]
# A band that is asked for, one text however it was written.
RequestedFilter = Annotated[str, AfterValidator(requested_band)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
DataProductState = Literal[
    "received", "calibrating", "waiting", "recording", "done", "failed", "deleted"
]


class DataProductChanged(Snapshot):
    """A data product, as upload has it."""

    data_product_id: int
    kind: Literal["fits_file", "photometry", "photometry_csv", "spectroscopy"]
    state: DataProductState
    outcome: Outcome | None = None
    message: str
    owner_id: int
    observers: tuple[str, ...] = ()
    target_id: int
    camera_id: int | None = None
    dry_run: bool
    file_name: str
    sha256: Sha256
    size_bytes: int
    visibility: Visibility = "public"
    embargo_until: AwareDatetime | None = None
    created_at: AwareDatetime


class CalibrationParameters(BaseModel):
    """What the uploader chose; other choices on one product are another request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    requested_filter: RequestedFilter = ANY_BAND
    match_radius: Arcseconds | None = Field(default=None, gt=0, le=60)
    # The middle of the exposure, UTC, of an instrumental catalogue; frames tell theirs.
    mid_exposure_mjd: Mjd | None = Field(default=None, gt=10_000, lt=100_000)
    # The newest release of the catalogue, in the place of the one that is pinned.
    newest_catalogue: bool = False


class TargetPin(BaseModel):
    """The target of a request with the position model it had then."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    target_id: int
    name: str
    position: TargetPosition


class FitsUploaded(Payload):
    """A frame is stored and asks to be calibrated; everything that counts is pinned.

    Of kind `photometry` it is an instrumental catalogue in the place of a frame.
    `request_order` grows with every request of the product: the newest request
    decides the current revision, whatever arrives first.
    """

    data_product_id: int
    calibration_request_id: int
    request_order: int = Field(ge=1)
    purpose: Purpose
    owner_id: int
    observers: tuple[str, ...] = ()
    visibility: Visibility = "public"
    embargo_until: AwareDatetime | None = None
    target: TargetPin
    camera: CameraPin
    parameters: CalibrationParameters
    sha256: Sha256
    size_bytes: int = Field(ge=0)
    file_name: str
    fingerprint: Sha256 | None = None
    uploaded_at: AwareDatetime
    kind: CalibratedKind = "fits_file"
    # An earlier request of the product (a preview) whose decisions are used again.
    repeats_request_id: int | None = None
    # One of many at once: it gives way to new frames.
    background: bool = False
