"""Entity tags: a client that has the newest state is told so in a few bytes."""

import hashlib
import re
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response

from bhtom_runtime.errors import Invalid

# The answer depends on who asks, so only his own cache may keep it, and must ask.
CACHE_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Cookie",
}


_NAMED_VERSION: Final = re.compile(r'(?:W/)?"(\d{1,18})(?:\.[0-9a-f]{32})?"')


def entity_tag(*parts: object) -> str:
    """A tag that changes with any of its parts."""
    text = "\0".join(str(part) for part in parts)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def versioned_tag(version: int, *parts: object) -> str:
    """A tag that changes with any of its parts, and tells the version by itself.

    A target's answer holds figures of its light curve, which grow all night: who
    changes the target needs to have seen its newest version, not its newest point.
    """
    return entity_tag(version, *parts).replace('"', f'"{version}.', 1)


def _versions_seen(
    if_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> frozenset[int] | None:
    if if_match is None or if_match.strip() == "*":
        return None
    named = [_NAMED_VERSION.fullmatch(one.strip()) for one in if_match.split(",")]
    if not all(named):
        raise Invalid(
            "If-Match must be the ETag that came with the answer, or its version in "
            'quotes, for example "7".',
            code="invalid_if_match",
        )
    return frozenset(int(one[1]) for one in named if one is not None)


# The versions that If-Match names; None where the caller does not mind.
VersionsSeen = Annotated[frozenset[int] | None, Depends(_versions_seen)]


def not_modified(request: Request, tag: str) -> Response | None:
    """A 304 when the client's copy has this tag."""
    given = request.headers.get("if-none-match", "")
    known = {one.strip().removeprefix("W/") for one in given.split(",")}
    if tag.removeprefix("W/") in known or "*" in known:
        return Response(status_code=304, headers={"ETag": tag, **CACHE_HEADERS})
    return None
