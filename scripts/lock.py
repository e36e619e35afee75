"""Writes requirements.lock: every package that ours and the tests need, by hash."""

import argparse
import subprocess
import sys
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
LOCK = CHECKOUT / "requirements.lock"


def main() -> None:
    """Collect what the packages ask for, and let uv choose the versions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take newer versions")
    parser.add_argument("packages", nargs="+", help="folders of our packages")
    arguments = parser.parse_args()
    wanted = sorted(requirements(arguments.packages))
    command = [str(Path(sys.executable).parent / "uv"), "pip", "compile", "-"]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes"]
    # Nothing about this machine or where packages come from belongs into the lock.
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"]
    command += ["--upgrade"] if arguments.upgrade else []
    subprocess.run(
        [*command, "--output-file", str(LOCK)],
        input="\n".join(wanted),
        text=True,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def requirements(packages: list[str]) -> set[str]:
    """What our packages, their extras and the developers' tools ask for."""
    tools = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    found = set(tools["dependency-groups"]["dev"])
    for package in packages:
        project = tomllib.loads((CHECKOUT / package / "pyproject.toml").read_text())
        found |= set(project["project"].get("dependencies", []))
        for extra in project["project"].get("optional-dependencies", {}).values():
            found |= set(extra)
    return {one for one in found if not one.startswith("bhtom-")}


if __name__ == "__main__":
    main()
