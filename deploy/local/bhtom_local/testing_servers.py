"""A PostgreSQL and a Kafka that stay, so that integration tests start at once."""

import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

from bhtom_local.stack import Stack

POSTGRES_VARIABLE = "BHTOM_TEST_POSTGRES_URL"
KAFKA_VARIABLE = "BHTOM_TEST_KAFKA"


def run(say: Callable[[str], None]) -> None:
    """Start both, say how tests find them, and wait until somebody interrupts."""
    folder = Path(tempfile.mkdtemp(prefix="bhtom-test-"))
    stack = Stack.in_folder(folder, parts={"postgres", "kafka"})
    try:
        stack.start()
        say(f"export {POSTGRES_VARIABLE}='{stack.plan.admin_url}'")
        say(f"export {KAFKA_VARIABLE}='{stack.plan.kafka_bootstrap}'")
        signal.pause()
    finally:
        stack.wipe()
