"""Why a file is not taken: a stable code and a sentence."""

from typing import Final

from bhtom_runtime.errors import Invalid

WHAT_TO_UPLOAD: Final = (
    "Upload the frame as your camera software wrote it (.fits, .fit, .fts, plain, or "
    "packed: .fz, .gz, .bz2, .xz, .zip)."
)


class FrameRefused(Invalid):
    """The file cannot be used; nothing of it is kept."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence, code=code)
