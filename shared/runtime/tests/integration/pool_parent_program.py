"""A program with a process pool, to be killed in the middle of its work."""

import asyncio
import importlib
import sys

from bhtom_runtime.process_pool import ProcessPool


async def main() -> None:
    """Work without end."""
    functions = importlib.import_module("pooled_functions")
    await ProcessPool().run(functions.say_pid_and_wait, sys.argv[1])


asyncio.run(main())
