"""What a child of the process pool runs; it imports nothing but its work."""

import ctypes
import os
import pickle
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO, Final

LENGTH: Final = struct.Struct("!Q")
_PR_SET_PDEATHSIG: Final = 1


class FunctionFailed(Exception):
    """The function raised an error that cannot travel between processes."""


def write_frame(stream: BinaryIO, frame: bytes) -> None:
    """Send one message."""
    stream.write(LENGTH.pack(len(frame)))
    stream.write(frame)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes:
    """Receive one message; raises EOFError when the other side is gone."""
    return _exactly(stream, LENGTH.unpack(_exactly(stream, LENGTH.size))[0])


def _exactly(stream: BinaryIO, size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found


def outcome_of(function: Callable[..., Any], *arguments: Any) -> bytes:
    """Call, and put the result or the error into a message."""
    try:
        return pickle.dumps((True, function(*arguments)), pickle.DEFAULT_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - it is the caller's to judge
        return pickle.dumps((False, (_portable(error), traceback.format_exc())))


def _portable(error: Exception) -> bytes:
    """The error itself when it survives pickling, else one that says the same."""
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)  # noqa: S301 - made one line above
    except Exception:  # noqa: BLE001 - errors of other libraries fail in any way
        pickled = pickle.dumps(f"{type(error).__name__}: {error}")
    return pickled


def _die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it died before the kernel was asked


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves: what the work prints goes to the error stream."""
    received = os.fdopen(os.dup(0), "rb")
    sent = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return received, sent


def main() -> None:
    """Serve one call after the other until the parent closes the pipe."""
    _die_with(int(sys.argv[1]))
    # A stopping service lets its jobs end; it kills its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    received, sent = _take_streams()
    try:
        sys.path[:] = pickle.loads(read_frame(received))  # noqa: S301 - the parent
        while True:
            frame = read_frame(received)
            write_frame(sent, outcome_of(_call, frame))
    except (EOFError, BrokenPipeError):
        # Nothing of a library's atexit may keep a child that nobody waits for.
        os._exit(0)


def _call(frame: bytes) -> Any:
    function, arguments = pickle.loads(frame)  # noqa: S301 - the parent sent it
    return function(*arguments)


if __name__ == "__main__":
    main()
