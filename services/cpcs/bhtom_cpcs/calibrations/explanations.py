"""What explains a calibration, as data and as drawings made when asked for."""

import gzip
import json
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
