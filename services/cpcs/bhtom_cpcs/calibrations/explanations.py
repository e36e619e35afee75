"""What explains a calibration, as data and as drawings made when asked for."""

import asyncio
import gzip
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Literal

DetailFormat = Literal["png", "svg"]


def unpacked(packed: bytes) -> dict[str, Any]:
    """The explanation's plain JSON values."""
    plain: dict[str, Any] = json.loads(gzip.decompress(packed))
    return plain


def drawn_details(packed: bytes, image_format: DetailFormat) -> bytes:
    """All panels as PNG or SVG.

    Runs in a process of its own: the libraries are heavy.
    """
    from bhtom_cpcs.science.explain.drawing import draw_details
    from bhtom_cpcs.science.explain.explanation import explanation_from_json

    return draw_details(explanation_from_json(unpacked(packed)), image_format)


class KeptDrawings:
    """The drawings asked for last, each made once, one at a time.

    What is drawn is named by its content and never changes. One at a time, so that
    readers never take all processes from the reductions.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, DetailFormat], bytes] = OrderedDict()
        self._drawing = asyncio.Lock()

    async def drawn(
        self,
        key: str,
        image_format: DetailFormat,
        draw: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        """Return the drawing of an explanation, made only where it is not kept."""
        name = (key, image_format)
        if name not in self._kept:
            async with self._drawing:
                if name not in self._kept:  # else somebody else asked for it meanwhile
                    self._keep(name, await draw())
        self._kept.move_to_end(name)
        return self._kept[name]

    def _keep(self, name: tuple[str, DetailFormat], content: bytes) -> None:
        self._kept[name] = content
        while len(self._kept) > 1 and self._size() > self._max_bytes:
            self._kept.popitem(last=False)

    def _size(self) -> int:
        return sum(map(len, self._kept.values()))
