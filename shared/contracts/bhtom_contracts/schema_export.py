"""Writes what is made from the registry: schema snapshots and the AsyncAPI document.

A snapshot is one version of a topic's schema and stays for ever. A payload that
changes gets the next `schema_version`, and with it a new snapshot beside the old
ones; `--replace` is for versions that no release has carried yet.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bhtom_contracts.asyncapi import asyncapi_document
from bhtom_contracts.compatibility import breaking_changes
from bhtom_contracts.registry import TOPICS, Topic
from bhtom_contracts.schemas import topic_schema

SCHEMAS = Path("shared/contracts/schemas")
ASYNCAPI = Path("docs/events/asyncapi.json")


def snapshot_file(folder: Path, topic: Topic) -> Path:
    """Where the snapshot of a topic's present version is kept."""
    return folder / f"{topic.name}.{topic.payload.schema_version}.json"


def snapshots(folder: Path, topic: Topic) -> dict[int, dict[str, Any]]:
    """Every kept snapshot of a topic, by version."""
    found = {}
    for path in folder.glob(f"{topic.name}.*.json"):
        number = path.name.removeprefix(f"{topic.name}.").removesuffix(".json")
        if number.isdigit():
            found[int(number)] = json.loads(path.read_text())
    return dict(sorted(found.items()))


def problems(folder: Path, *, replace: bool = False) -> list[str]:
    """Why the present schemas may not be written beside the kept ones."""
    found = []
    for topic in TOPICS:
        current = topic_schema(topic)
        for number, kept in snapshots(folder, topic).items():
            present = number == topic.payload.schema_version
            if present and (replace or kept == current):
                continue
            if present:
                found.append(
                    f"{topic.name} changed: raise the schema_version of "
                    f"{topic.payload.__name__}, or use --replace if no release has "
                    f"carried version {number}."
                )
            found += [
                f"{topic.name}, against version {number}: {change}"
                for change in breaking_changes(kept, current)
            ]
    return found


def write(schemas: Path, asyncapi: Path) -> list[Path]:
    """Write the snapshots and the document; gives the files that changed."""
    files: dict[Path, Mapping[str, Any]] = {
        snapshot_file(schemas, topic): topic_schema(topic) for topic in TOPICS
    }
    files[asyncapi] = asyncapi_document()
    changed = []
    for path, content in files.items():
        text = rendered(content)
        if path.exists() and path.read_text() == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        changed.append(path)
    return changed


def rendered(content: Mapping[str, Any]) -> str:
    """The text of a file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bhtom-contracts", description=__doc__)
    parser.add_argument("--schemas", type=Path, default=SCHEMAS)
    parser.add_argument("--asyncapi", type=Path, default=ASYNCAPI)
    parser.add_argument("--replace", action="store_true")
    chosen = parser.parse_args(arguments)
    if found := problems(chosen.schemas, replace=chosen.replace):
        sys.stderr.write("\n".join([*found, ""]))
        return 1
    for path in write(chosen.schemas, chosen.asyncapi):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
