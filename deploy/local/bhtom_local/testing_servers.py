"""A PostgreSQL and a Kafka that stay, so that integration tests start at once."""

import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bhtom_local import record
from bhtom_local.places import Places
from bhtom_local.stack import Stack

POSTGRES_VARIABLE = "BHTOM_TEST_POSTGRES_URL"
KAFKA_VARIABLE = "BHTOM_TEST_KAFKA"
PREFIX = "bhtom-test-"
FORGOTTEN_AFTER_S = 3600.0


def temporary_folder() -> Path:
    """A new folder for a stack that will not last."""
    _remove_forgotten()
    # Not pytest's own: the database's user could not walk into it when we are root.
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def _remove_forgotten() -> None:
    """Folders of test runs that were killed and could not clean up."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            old = time.time() - folder.stat().st_mtime > FORGOTTEN_AFTER_S
        except FileNotFoundError:
            continue
        places = Places(state=folder, cache=folder)
        if old and not record.marked_processes(places):
            shutil.rmtree(folder, ignore_errors=True)


def run(say: Callable[[str], None]) -> None:
    """Start both, say how tests find them, and wait until somebody interrupts."""
    stack = Stack.in_folder(temporary_folder(), parts={"postgres", "kafka"})
    try:
        stack.start()
        say(f"export {POSTGRES_VARIABLE}='{stack.plan.admin_url}'")
        say(f"export {KAFKA_VARIABLE}='{stack.plan.kafka_bootstrap}'")
        signal.pause()
    finally:
        stack.wipe()
