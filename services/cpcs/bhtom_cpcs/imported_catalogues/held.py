"""Manifests kept in memory: a version never changes, so only a newer one is read."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bhtom_cpcs.reference_catalogues.manifest import Manifest, load_version

CATALOGUE_NAME: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,29}\Z")


class HeldCatalogues:
    """What the catalogue folder holds; cheap to ask every few seconds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Manifest] = {}

    async def of(self, name: str) -> Manifest | None:
        """The newest manifest of a catalogue, None when nothing was imported."""
        return await asyncio.to_thread(self._of, name)

    async def every(self) -> list[tuple[Manifest, datetime]]:
        """All catalogues by name, and when each got its newest stars."""
        return await asyncio.to_thread(self._every)

    def _every(self) -> list[tuple[Manifest, datetime]]:
        names = sorted(path.parent.name for path in self._folder.glob("*/manifests"))
        found = []
        for name in names:
            newest = self._newest(name)
            manifest = self._of(name)
            if newest is not None and manifest is not None:
                written = datetime.fromtimestamp(newest.stat().st_mtime, UTC)
                found.append((manifest, written))
        return found

    def _newest(self, name: str) -> Path | None:
        manifests = (self._folder / name / "manifests").glob("*.json")
        numbered = [path for path in manifests if path.stem.isdigit()]
        return max(numbered, key=lambda path: int(path.stem), default=None)

    def _of(self, name: str) -> Manifest | None:
        newest = self._newest(name)
        if newest is None:
            return None
        version = int(newest.stem)
        known = self._known.get(name)
        if known is None or known.version != version:
            known = load_version(self._folder, name, version)
            self._known[name] = known
        return known
