"""Asks an archive through its Table Access Protocol, with an end to everything."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

from bhtom_cpcs.reference_catalogues.manifest import CatalogueError

# Gives an archive (its address) a query and writes the VOTable that it answers.
Ask = Callable[[str, str, int, Path], None]

_JOB_TIMEOUT_S: Final = 600.0
_ANSWER_TIMEOUT_S: Final = 60.0  # for each answer to begin, and for its next bytes
_POLL_S: Final = 2.0
_MOST_BYTES: Final = 1 << 30
_CHUNK: Final = 1 << 16
_AGENT: Final = "bhtom-cpcs"
_OVER: Final = frozenset({"COMPLETED", "ERROR", "ABORTED"})


def ask_archive(address: str, adql: str, most_rows: int, answer: Path) -> None:
    """Run a query as the archive's job and write its answer to a file.

    Raises
    ------
    CatalogueError
        pyvo is not installed, or the archive cannot be reached, refuses, fails, takes
        too long or answers too much; in a sentence.
    """
    try:
        from pyvo.dal import DALServiceError, TAPService
        from pyvo.dal.exceptions import DALAccessError
        from requests import RequestException
    except ImportError as error:
        message = (
            "Fetching needs pyvo: install bhtom-cpcs[fetch], or import a file instead."
        )
        raise CatalogueError(message) from error
    deadline = time.monotonic() + _JOB_TIMEOUT_S
    try:
        with closing(_session()) as session:
            job = TAPService(address, session=session).submit_job(
                adql, maxrec=most_rows + 1
            )
            try:
                job.run()
                while job.phase not in _OVER:
                    if time.monotonic() > deadline:
                        raise DALServiceError(f"no answer in {_JOB_TIMEOUT_S:g} s")
                    time.sleep(_POLL_S)
                job.raise_if_error()
                _download(session, job.result_uri, answer, deadline)
            finally:
                job.delete()
    except (DALAccessError, RequestException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        message = f"The archive {address} did not answer: {reason}"
        raise CatalogueError(message) from error


def _session() -> Any:
    """A session whose every request ends, and which says who asks."""
    import requests

    session: Any = requests.Session()
    session.request = partial(session.request, timeout=_ANSWER_TIMEOUT_S)
    session.headers["User-Agent"] = _AGENT
    return session


def _download(session: Any, address: str, answer: Path, deadline: float) -> None:
    if not address:
        raise ValueError("its job has no result")
    received = 0
    with (
        session.get(address, stream=True) as response,
        answer.open("wb") as file,
    ):
        response.raise_for_status()
        for chunk in response.iter_content(_CHUNK):
            received += len(chunk)
            if received > _MOST_BYTES or time.monotonic() > deadline:
                raise ValueError(f"its answer is too long ({received} bytes so far)")
            file.write(chunk)
