"""Reads the Markdown documents, for the rules that machines check."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source_tree import ROOT

_FENCE = re.compile(r"^\s*(```|~~~)")
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_SKIPPED = {"node_modules", "build", "dist"}


def documents() -> list[Path]:
    """Every Markdown file of the checkout."""
    return sorted(
        path
        for path in ROOT.rglob("*.md")
        if not any(
            part.startswith(".") or part in _SKIPPED
            for part in path.relative_to(ROOT).parts
        )
    )


def code(text: str) -> Iterator[str]:
    """Every piece of code: lines of blocks, and what stands between backticks."""
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.strip().removeprefix("$ ")
        else:
            yield from re.findall(r"`([^`]+)`", line)


def links(text: str) -> list[str]:
    """Every address that a document's links and images lead to, outside of code."""
    found, fenced = [], False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        if fenced or line.startswith("    "):
            continue
        found += [one or other for one, other in _LINK.findall(line)]
    return found


def anchors(text: str) -> set[str]:
    """The names by which the headings of a document can be linked to."""
    headings = re.findall(r"^#+ +(.+?)\s*$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


def make_targets(makefile: str) -> set[str]:
    """The targets that a Makefile has."""
    lines = re.findall(r"^([A-Za-z0-9 _-]+):(?![=:])", makefile, re.MULTILINE)
    return {target for line in lines for target in line.split()}
