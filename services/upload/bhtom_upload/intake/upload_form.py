"""The fields and files of BHTOM2's upload form, in whatever order they come."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from bhtom_contracts.events.frames import CalibratedKind, CalibrationParameters
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import TooLarge
from bhtom_upload.intake import fields
from bhtom_upload.intake.fields import BadField, Submission, Wishes
from bhtom_upload.intake.form import Form, PartBegins, PartData
from bhtom_upload.intake.incoming import Incoming, looks_like_frame
from bhtom_upload.intake.refusals import FrameRefused
from bhtom_upload.intake.registration import Registered
from bhtom_upload.intake.service import Intake

_MAX_FIELD_BYTES: Final = 64 * 1024
_NEEDED: Final = ("target", "data_product_type", "observatory")
# Fields that clients send and that nothing here needs; unknown ones are ignored
# likewise: observer, priority, group, no_plot, matching_radius, radius.
_TYPES: Final = ("fits_file", "photometry", "photometry_csv", "spectroscopy")


class UploadForm:
    """Receives one form; leaving its block without `finish` removes its files."""

    def __init__(self, intake: Intake, caller: Principal, content_type: str) -> None:
        self.files: list[Incoming] = []
        self._intake = intake
        self._caller = caller
        self._form = Form(content_type)
        self._opened = AsyncExitStack()
        self._values: dict[str, list[str]] = {}
        self._name = ""
        self._text: bytearray | None = None
        self._received = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        self._received += len(chunk)
        limit = self._intake.settings.max_upload_bytes
        if self._received > limit:
            raise TooLarge(f"The form is larger than {limit} bytes.", max_bytes=limit)
        for piece in self._form.feed(chunk):
            if isinstance(piece, PartBegins):
                await self._begin(piece)
            elif isinstance(piece, PartData):
                await self._take(piece.data)
            else:
                self._end()

    async def finish(self) -> list[Registered]:
        """Register the files under what the whole form says."""
        self._form.finish()
        submission = await self._submission()
        if not self.files:
            raise BadField("files", "No file was submitted.")
        return await self._intake.finish(submission, self.files)

    async def _begin(self, part: PartBegins) -> None:
        self._name = part.name
        if part.file_name is None:
            self._text = bytearray()
        else:
            await self._open(part.file_name)

    async def _open(self, file_name: str) -> None:
        """Begin a file; what is known to be wrong by now is said before it comes."""
        if all(self._values.get(name) for name in _NEEDED) and not self.files:
            await self._submission()
        limit = self._intake.settings.max_files_per_form
        if len(self.files) == limit:
            raise FrameRefused(
                "too_many_files", f"A form may hold at most {limit} files."
            )
        self._text = None
        incoming = self._intake.open(file_name, self._kind_so_far())
        self.files.append(await self._opened.enter_async_context(incoming))

    async def _take(self, data: bytes) -> None:
        if self._text is None:
            await self.files[-1].feed(data)
            return
        if not self._text and _is_file(data):
            # A file part without a file name.
            await self._open(self._name)
            await self.files[-1].feed(data)
            return
        self._text += data
        if len(self._text) > _MAX_FIELD_BYTES:
            raise BadField(
                self._name, "The text is too long; a file needs a file name."
            )

    def _end(self) -> None:
        if self._text is not None:
            text = self._text.decode("utf-8", "replace")
            self._values.setdefault(self._name, []).append(text)

    async def _submission(self) -> Submission:
        """Check the fields as they are by now."""
        kind = self._kind()
        observatory = fields.reference("observatory", self._last("observatory"))
        target = await self._intake.target(
            fields.reference("target", self._last("target")), self._caller
        )
        return await self._intake.resolve(
            self._caller, target, observatory, self._wishes(kind)
        )

    def _kind(self) -> CalibratedKind:
        kind = fields.reference("data_product_type", self._last("data_product_type"))
        if kind not in _TYPES:
            raise BadField("data_product_type", f'"{kind}" is not a valid choice.')
        if kind == "fits_file":
            return "fits_file"
        if kind == "photometry":
            return "photometry"
        raise BadField(
            "data_product_type",
            f"'{kind}' cannot be uploaded here yet: fits_file and photometry are "
            "taken.",
        )

    def _kind_so_far(self) -> CalibratedKind | None:
        """The kind, when the form has told it before the file."""
        return self._kind() if self._values.get("data_product_type") else None

    def _wishes(self, kind: CalibratedKind) -> Wishes:
        # Frames tell their time themselves, whatever a form says.
        mjd = self._last("mjd").strip() if kind == "photometry" else None
        return Wishes(
            kind=kind,
            parameters=CalibrationParameters(
                mid_exposure_mjd=fields.mid_exposure_mjd("mjd", mjd),
                requested_filter=fields.requested_filter(
                    "filter", self._last("filter")
                ),
                match_radius=fields.match_radius(
                    "match_dist", self._last("match_dist").strip()
                ),
            ),
            observers=fields.observer_names(
                "observers", self._values.get("observers", [])
            ),
            dry_run=fields.boolean("dry_run", self._last("dry_run")),
            batch=fields.batch("batch", self._last("batch")),
            comment=fields.comment("comment", self._last("comment")),
        )

    def _last(self, name: str) -> str:
        return self._values.get(name, [""])[-1]


def _is_file(data: bytes) -> bool:
    """Whether a part without a file name holds a file; a text may begin with `BZh`."""
    return len(data) >= 9 and looks_like_frame(data) and not data.startswith(b"BZh")
