"""Where the built front-end files are, and under which address."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STATIC_FOLDER: Final = Path(__file__).parent / "static"
VENDOR_FOLDER: Final = STATIC_FOLDER / "vendor"
MANIFEST: Final = VENDOR_FOLDER / "manifest.json"


class StaticFilesMissing(Exception):
    """The front end was not built."""

    def __init__(self) -> None:
        super().__init__(
            "The front-end files are missing: run 'bhtom-web build-static' first."
        )


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """One build: a folder named by the hash of its content, so it may be kept."""

    version: str

    def address(self, name: str) -> str:
        """The address of a file such as `site.css`."""
        return f"/static/vendor/{self.version}/{name}"


def load_static_files() -> StaticFiles:
    """The newest build."""
    try:
        manifest = json.loads(MANIFEST.read_text())
    except FileNotFoundError as error:
        raise StaticFilesMissing from error
    return StaticFiles(version=str(manifest["version"]))
