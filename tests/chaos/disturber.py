"""Kills and freezes programs of a running stack at random, from a seed."""

import random
import signal
import threading
import time
from collections import Counter

import psutil

from bhtom_local.failure import StackFailure
from bhtom_local.stack import Stack

VICTIMS = (
    "core-relay",
    "core-consume",
    "upload-relay",
    "upload-consume",
    "upload-work",
    "cpcs-relay",
    "cpcs-consume",
    "cpcs-work",
    "kafka",
)
FREEZABLE = ("cpcs-work", "upload-work", "core-relay", "cpcs-relay")
# A broker needs seconds to come back; killed too often it would only be down.
BROKER_SHARE = 0.08
FREEZE_SHARE = 0.15


class Disturber:
    """Runs beside the uploads until it has killed often enough."""

    def __init__(
        self, stack: Stack, *, kills: int, lease_s: float, pause_s: float, seed: int
    ) -> None:
        self._stack = stack
        self._wanted = kills
        self._lease_s = lease_s
        self._pause_s = pause_s
        self._random = random.Random(seed)
        self._thread = threading.Thread(target=self._run, name="disturber")
        self._failure: BaseException | None = None
        self.kills: Counter[str] = Counter()
        self.freezes: Counter[str] = Counter()

    def __enter__(self) -> "Disturber":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while self.kills.total() < self._wanted:
                if self._random.random() < FREEZE_SHARE:
                    self._freeze()
                else:
                    self._kill()
                time.sleep(self._random.uniform(0.3, 1.7) * self._pause_s)
        except BaseException as failure:  # noqa: BLE001 - raised again in __exit__
            self._failure = failure

    def _kill(self) -> None:
        if self._random.random() < BROKER_SHARE:
            victim = "kafka"
        else:
            victim = self._random.choice(VICTIMS[:-1])
        try:
            self._stack.kill(victim, signal.SIGKILL)
        except (StackFailure, psutil.NoSuchProcess):
            return  # It is just coming back from the last time.
        self.kills[victim] += 1

    def _freeze(self) -> None:
        victim = self._random.choice(FREEZABLE)
        try:
            process = psutil.Process(self._stack.pid(victim))
            process.suspend()
        except (StackFailure, psutil.NoSuchProcess):
            return
        try:
            time.sleep(2.2 * self._lease_s)
        finally:
            process.resume()
        self.freezes[victim] += 1
