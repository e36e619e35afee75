"""Apache Kafka's jars: resolved once into a lock, fetched and verified by it."""

import hashlib
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bhtom_local.failure import StackFailure
from bhtom_local.places import DEPLOY_FOLDER

if TYPE_CHECKING:
    from jgo.maven import MavenContext

JAR_LIST = DEPLOY_FOLDER / "kafka" / "jars.toml"
JAR_LOCK = DEPLOY_FOLDER / "kafka" / "jars.lock.toml"


def class_path(cache: Path, progress: Callable[[str], None]) -> str:
    """Java class path of Kafka, whose jars are fetched if they are not there yet."""
    folder = cache / "kafka" / sha256(JAR_LOCK)[:16]
    complete = folder / ".complete"
    if not complete.exists():
        progress("kafka: fetching its jars (43 MB, once)")
        folder.mkdir(parents=True, exist_ok=True)
        context = _maven(folder / "download")
        for locked in tomllib.loads(JAR_LOCK.read_text())["dependencies"]:
            jar = folder / f"{locked['artifactId']}-{locked['version']}.jar"
            # An interrupted download goes on where it stopped.
            if not (jar.exists() and sha256(jar) == locked["sha256"]):
                _fetch(context, locked).replace(jar)
        shutil.rmtree(folder / "download", ignore_errors=True)
        complete.touch()
    return str(folder / "*")


def write_lock(cache: Path) -> int:
    """Resolve jars.toml anew into jars.lock.toml; gives the number of jars."""
    from jgo.parse import Coordinate

    context = _maven(cache / "download")
    listed = tomllib.loads(JAR_LIST.read_text())["coordinates"]
    wanted = [
        context.create_dependency(replace(Coordinate.parse(one), scope="compile"))
        for one in listed
    ]
    inputs, transitive = context.resolver.resolve(wanted)
    artifacts = [one.artifact for one in inputs]
    artifacts += [
        one.artifact for one in transitive if one.scope in ("compile", "runtime")
    ]
    artifacts.sort(key=str)
    JAR_LOCK.write_text("".join(_lock_lines(artifacts)))
    return len(artifacts)


def _maven(repository: Path) -> "MavenContext":
    from jgo.maven import MavenContext

    return MavenContext(repo_cache=repository, timeout=30)


def _fetch(context: "MavenContext", locked: dict[str, str]) -> Path:
    import requests

    name = f"{locked['groupId']}:{locked['artifactId']}:{locked['version']}"
    artifact = context.create_dependency(name).artifact
    try:
        jar = Path(artifact.resolve())
    except (requests.RequestException, RuntimeError, OSError) as failure:
        raise StackFailure(
            f"Kafka's {name} could not be fetched from Maven Central: the first start "
            "needs the network. Connect and start again, or name a broker of your own "
            "with KAFKA_BOOTSTRAP_SERVERS in .env."
        ) from failure
    if sha256(jar) != locked["sha256"]:
        jar.unlink()
        raise StackFailure(
            f"Kafka's {name} is not the file that deploy/kafka/jars.lock.toml names: "
            "its SHA-256 differs. It was removed; start again, and if this comes back, "
            "do not trust the network you are on."
        )
    return jar


def _lock_lines(artifacts: list[Any]) -> Iterator[str]:
    yield "# Written by `bhtom-local lock-kafka` from jars.toml; do not edit.\n"
    for artifact in artifacts:
        yield "\n[[dependencies]]\n"
        yield f'groupId = "{artifact.groupId}"\n'
        yield f'artifactId = "{artifact.artifactId}"\n'
        yield f'version = "{artifact.version}"\n'
        yield f'sha256 = "{sha256(Path(artifact.resolve()))}"\n'


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
