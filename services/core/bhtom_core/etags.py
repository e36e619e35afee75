"""Entity tags: a client that has the newest state is told so in a few bytes."""

import hashlib

from fastapi import Request, Response

# The answer depends on who asks, so only his own cache may keep it, and must ask.
CACHE_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Cookie",
}


def entity_tag(*parts: object) -> str:
    """A tag that changes with any of its parts."""
    text = "\0".join(str(part) for part in parts)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def not_modified(request: Request, tag: str) -> Response | None:
    """A 304 when the client's copy has this tag."""
    given = request.headers.get("if-none-match", "")
    known = {one.strip().removeprefix("W/") for one in given.split(",")}
    if tag.removeprefix("W/") in known or "*" in known:
        return Response(status_code=304, headers={"ETag": tag, **CACHE_HEADERS})
    return None
