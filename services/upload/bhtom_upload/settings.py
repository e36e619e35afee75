"""The settings of the upload service."""

from datetime import timedelta

from pydantic import Field

from bhtom_runtime.settings import ServiceSettings

_MIB = 1 << 20
_GIB = 1 << 30


class UploadSettings(ServiceSettings):
    """Limits on what is taken in, and how long an answer may take."""

    max_upload_bytes: int = Field(default=2 * _GIB, ge=_MIB)
    # What a compressed file may unpack to. The calibration unpacks no more: a file
    # beyond it would be taken here and fail there.
    max_unpacked_bytes: int = Field(default=4 * _GIB, ge=_MIB)
    max_files_per_form: int = Field(default=100, ge=1)
    redrive_calibrating_after: timedelta = timedelta(minutes=15)
    redrive_recording_after: timedelta = timedelta(minutes=5)
    redrive_waiting_after: timedelta = timedelta(hours=12)
    unreferenced_files_kept: timedelta = timedelta(days=1)
