"""Why a file is not taken: a stable code and a sentence."""

from bhtom_runtime.errors import Invalid


class FrameRefused(Invalid):
    """The file cannot be used; nothing of it is kept."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence, code=code)
