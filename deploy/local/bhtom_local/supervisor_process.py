"""Becomes the supervisor: run as `python -m bhtom_local.supervisor_process`."""

import ctypes
import os
import signal
import sys

from supervisor import supervisord

PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Ask the kernel for SIGTERM when the process that started us is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("The process that started the supervisor is gone already.")


def main() -> None:
    """Run in the foreground with the configuration named first."""
    configuration, *parent = sys.argv[1:]
    if parent:
        end_with(int(parent[0]))
    supervisord.main(["--nodaemon", "--configuration", configuration])


if __name__ == "__main__":
    main()
