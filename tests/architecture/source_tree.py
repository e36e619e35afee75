"""Reads the product's source as syntax trees, for the rules that machines check."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("core", "upload", "cpcs", "harvester", "web")
PACKAGES = {
    "bhtom_contracts": ROOT / "shared/contracts/bhtom_contracts",
    "bhtom_runtime": ROOT / "shared/runtime/bhtom_runtime",
    "bhtom_sky": ROOT / "shared/sky/bhtom_sky",
    "bhtom_local": ROOT / "deploy/local/bhtom_local",
    **{f"bhtom_{name}": ROOT / f"services/{name}/bhtom_{name}" for name in SERVICES},
}


@dataclass(frozen=True)
class Module:
    """One source file."""

    package: str
    name: str
    path: Path
    tree: ast.Module

    def imports(self) -> Iterator[str]:
        """Every module name that this file imports, at any depth."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                yield node.module

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call with the last part of the called name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Attribute):
                    yield node.func.attr, node
                elif isinstance(node.func, ast.Name):
                    yield node.func.id, node


@cache
def modules() -> tuple[Module, ...]:
    """All source files of all packages."""
    found = []
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            relative = path.relative_to(folder).with_suffix("")
            name = ".".join((package, *relative.parts)).removesuffix(".__init__")
            tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
            found.append(Module(package, name, path, tree))
    return tuple(found)
