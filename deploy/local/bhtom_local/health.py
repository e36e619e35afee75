"""Whether a program does its work, asked the way its users would."""

import http.client
import json
from urllib.parse import urlsplit

from bhtom_local import kafka, provision
from bhtom_local.failure import StackFailure
from bhtom_local.plan import Plan
from bhtom_local.programs import Program


def is_ready(program: Program, plan: Plan) -> bool:
    """Whether the program answers as one that is ready."""
    return complaint(program, plan) is None


def complaint(program: Program, plan: Plan) -> str | None:
    """Why the program is not ready, in a few words; None when it is."""
    if program.name == "postgres":
        return _of_database(plan.admin_url)
    if program.name == "kafka":
        return None if kafka.is_ready(program.ports[0]) else "does not answer"
    if program.health_url is None:
        return None
    return _of_server(program.health_url)


def _of_database(admin_url: str) -> str | None:
    try:
        provision.check(admin_url)
    except provision.WrongPassword:
        raise
    except StackFailure:
        return "does not answer"
    return None


def _of_server(url: str) -> str | None:
    parts = urlsplit(url)
    # Asked many times while everything starts: no client library's own set-up.
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return "does not answer"
    finally:
        connection.close()
    return None if status == 200 else _reason(status, body)


def _reason(status: int, body: bytes) -> str:
    try:
        parts = json.loads(body)["parts"]
        broken = [name for name, part in parts.items() if not part["ok"]]
    except (ValueError, KeyError, TypeError):
        return f"answers {status}"
    return "not ready: " + ", ".join(broken)
