"""The use cases of taking files in, whichever door they come through."""

import asyncio
from collections.abc import Sequence
from typing import Final

from bhtom_contracts.events.frames import CalibratedKind
from bhtom_runtime.auth import Principal
from bhtom_runtime.database import Database
from bhtom_runtime.errors import NoSpace, TooLarge
from bhtom_runtime.object_store import ObjectStore
from bhtom_upload.intake.catalogue_checks import MAX_CATALOGUE_BYTES, TableContents
from bhtom_upload.intake.checks import check_date
from bhtom_upload.intake.fields import BadField, Submission, Wishes
from bhtom_upload.intake.file_names import check_extension, display_name
from bhtom_upload.intake.incoming import Incoming
from bhtom_upload.intake.registration import Kept, Registered, register
from bhtom_upload.intake.unpacking import Packing
from bhtom_upload.metrics import UPLOADED_BYTES, UPLOADS
from bhtom_upload.replicas.directory import Directory
from bhtom_upload.replicas.targets import Target
from bhtom_upload.settings import UploadSettings

PREFIX: Final = "frames"


class Intake:
    """Refuses early, stores, checks and registers."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        directory: Directory,
        settings: UploadSettings,
    ) -> None:
        self._database = database
        self._objects = objects
        self._directory = directory
        self.settings = settings

    async def refuse_early(self, content_length: str | None) -> None:
        """What can be said before a byte of the body is read."""
        length = _length(content_length)
        limit = self.settings.max_upload_bytes
        floor = self.settings.free_space_floor_bytes
        free = await asyncio.to_thread(self._objects.free_bytes)
        if free - min(length, limit) < floor:
            UPLOADS.labels("no_space").inc()
            raise NoSpace(
                "The store has no room for this file now; try again later.",
                retry_after_s=300,
            )
        if length > limit:
            UPLOADS.labels("too_large").inc()
            raise TooLarge(
                f"The upload has {length} bytes; at most {limit} are taken.",
                max_bytes=limit,
            )

    async def resolve(
        self, caller: Principal, target: Target, camera: str, wishes: Wishes
    ) -> Submission:
        """Find the camera and the observers, or refuse."""
        found = await self._directory.cameras.usable_or_numbered(camera)
        await self._directory.people.must_exist(wishes.observers)
        return Submission(caller, target, found, wishes)

    async def target(self, reference: str, caller: Principal) -> Target:
        """The target by name or number, or a refusal."""
        return await self._directory.targets.named_or_numbered(reference, caller)

    def open(
        self, given_name: str | None, kind: CalibratedKind | None = None
    ) -> Incoming:
        """Begin to receive a file; a form may tell its kind only behind it."""
        name = display_name(given_name)
        if kind == "fits_file":
            check_extension(name)
        limit = self.settings.max_upload_bytes
        if kind == "photometry":
            limit = min(limit, MAX_CATALOGUE_BYTES)
        return Incoming(self._objects.open_writer(PREFIX, limit), name, kind)

    async def _look(self, submission: Submission, file: Incoming) -> Packing:
        """Check what was received for what it is said to be."""
        keywords = submission.camera.pin.keywords
        if submission.wishes.kind == "photometry":
            table = await file.look_for_table(keywords)
            _told_time(submission.wishes, table)
            return table.packing
        check_extension(file.name)
        contents = await file.look(self.settings.max_unpacked_bytes)
        check_date(contents, keywords)
        return contents.packing

    async def finish(
        self, submission: Submission, files: Sequence[Incoming]
    ) -> list[Registered]:
        """Check what was received, keep it and register it: all files or none."""
        packings = [await self._look(submission, file) for file in files]
        kept = [
            Kept(file.name, await file.keep(), packing)
            for file, packing in zip(files, packings, strict=True)
        ]
        registered: dict[str, Registered] = {}
        async with self._database.unit_of_work() as unit:
            # In one order for everybody, so that two forms cannot wait in a circle.
            for one in sorted(kept, key=lambda one: one.stored.sha256):
                found = await register(unit, submission, one)
                registered.setdefault(one.stored.sha256, found)
        for one in kept:
            is_new = registered[one.stored.sha256].is_new
            UPLOADS.labels("new" if is_new else "again").inc()
            UPLOADED_BYTES.inc(one.stored.size_bytes)
        return [registered[one.stored.sha256] for one in kept]


def _told_time(wishes: Wishes, contents: TableContents) -> None:
    """See that a catalogue's time is known: from its field, else from the file."""
    if wishes.parameters.mid_exposure_mjd is None and not contents.tells_time:
        raise BadField(
            "mjd",
            "This field is required: the file does not tell when it was taken. Give "
            "the middle of the exposure as an MJD in UTC, for example 61366.51234.",
        )


def _length(content_length: str | None) -> int:
    """The announced size; 0 when there is none, and then the stream is measured."""
    if content_length is None or not content_length.isascii():
        return 0
    return int(content_length) if content_length.isdigit() else 0
