"""Takes the broker's data away, as a lost disk would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bhtom_local import kafka
from bhtom_local.jars import class_path
from bhtom_local.stack import Stack
from bhtom_local.waiting import until


def wipe_broker(stack: Stack) -> None:
    """Stop Kafka, remove its data, and start an empty one with the topics."""
    stack.stop_program("kafka")
    shutil.rmtree(stack.places.kafka)
    ports = stack.plan.ports
    jars = class_path(stack.places.cache, lambda _: None)
    kafka.prepare(stack.places.kafka, ports["kafka"], ports["kafka-controller"], jars)
    stack.start_program("kafka")
    until(lambda: kafka.is_ready(ports["kafka"]), 60, "Kafka did not come back.")
    topics = Path(sys.executable).with_name("bhtom-topics")
    environment = {**os.environ, **stack.environment("core")}
    subprocess.run([str(topics), "create"], env=environment, check=True)
