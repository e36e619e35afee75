"""Where the local stack keeps things: the state folder and the cache folder."""

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

DEPLOY_FOLDER = Path(__file__).resolve().parents[2]

# A unix socket's address holds 108 bytes, and supervisor adds its pid to it first.
SOCKET_PATH_LIMIT = 90


@dataclass(frozen=True)
class Places:
    """Every folder and file that the local stack writes to."""

    state: Path
    cache: Path

    @property
    def short_name(self) -> str:
        """Name of this stack that is unique on this machine."""
        return hashlib.sha256(str(self.state).encode()).hexdigest()[:12]

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def objects(self) -> Path:
        """The object store's folder."""
        return self.state / "objects"

    @property
    def kafka(self) -> Path:
        return self.state / "kafka"

    @property
    def supervisor_config(self) -> Path:
        return self.state / "supervisord.conf"

    @property
    def record(self) -> Path:
        """The file that says which supervisor runs this stack."""
        return self.state / "running.json"

    @property
    def lock(self) -> Path:
        return self.state / "lock"

    @property
    def socket(self) -> Path:
        """Address of the supervisor."""
        inside = self.state / "supervisor.sock"
        if len(str(inside)) <= SOCKET_PATH_LIMIT:
            return inside
        return Path(tempfile.gettempdir()) / f"bhtom-{self.short_name}.sock"

    @property
    def postgres(self) -> Path:
        """The database's folder, which another user must reach when we are root."""
        if needs_other_user() and not reachable_by_all(self.state):
            return Path("/var/lib/bhtom") / self.short_name / "postgres"
        return self.state / "postgres"

    @property
    def programs(self) -> Path:
        """Folder for programs that another user must be able to read."""
        if needs_other_user() and not reachable_by_all(self.cache):
            return Path("/var/cache/bhtom")
        return self.cache

    def create(self) -> None:
        """Make the folders; only the owner may look into most of them."""
        for folder in (self.state, self.cache):
            folder.mkdir(parents=True, exist_ok=True)
        # The database's user walks through them when we are root.
        if needs_other_user():
            self.cache.chmod(self.cache.stat().st_mode | 0o711)
            self.state.chmod(0o711)
        else:
            self.state.chmod(0o700)
        for folder in (self.logs, self.objects, self.kafka):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)

    def wipe(self) -> None:
        """Remove every trace of this stack's data; the cache stays."""
        outside = self.postgres.parent
        if outside != self.state and outside.exists():
            shutil.rmtree(outside)
        if self.state.exists():
            shutil.rmtree(self.state)
        self.socket.unlink(missing_ok=True)


def needs_other_user() -> bool:
    """Whether we are root, as whom PostgreSQL refuses to run."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def reachable_by_all(path: Path) -> bool:
    """Whether every user may walk to the folder that holds this path.

    The path itself does not count: `Places.create` opens it for walking through.
    """
    return all(
        folder.stat().st_mode & stat.S_IXOTH
        for folder in path.absolute().parents
        if folder.exists()
    )
