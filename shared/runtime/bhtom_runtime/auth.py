"""Who is calling: tokens are checked here, against a local replica of their hashes."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

import structlog
from fastapi import Request

from bhtom_runtime.errors import Forbidden, Unauthenticated
from bhtom_runtime.settings import ServiceSettings

SESSION_COOKIE: Final = "bhtom_session"
INTERNAL_HEADER: Final = "X-BHTOM-Internal"
_TOKEN: Final = re.compile(r"^[0-9a-f]{40}$")
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# What a browser session may do without being an administrator.
_SESSION_IMPLIES: Final = frozenset({"read", "write", "upload"})


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller."""

    user_id: int
    username: str
    scopes: frozenset[str]
    is_admin: bool
    token_id: int | None = None

    @classmethod
    def of(cls, row: Any) -> Self:
        """The caller that a row of a token and its user stands for."""
        return cls(
            user_id=row.user_id,
            username=row.username,
            scopes=frozenset(row.scopes),
            is_admin=row.is_admin,
            token_id=row.token_id,
        )

    def allows(self, scope: str) -> bool:
        """Whether the token's scopes (and the user's rank) cover this one."""
        if scope == "admin":
            return self.is_admin and bool(self.scopes & {"admin", "session"})
        if "session" in self.scopes and scope in _SESSION_IMPLIES:
            return True
        return scope in self.scopes


class TokenSource(Protocol):
    """Finds the caller of a token hash: core's own tables or a replica of them."""

    async def find(self, token_hash: str) -> Principal | None:
        """The principal of a valid token, None when its owner says no."""
        ...


Dependency = Callable[[Request], Awaitable[Principal]]


def hash_token(token: str) -> str:
    """SHA-256 of a token; tokens have 160 random bits, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


async def public() -> None:
    """Marks a route that needs no token."""


class Authenticator:
    """Makes the dependencies that routes declare."""

    def __init__(self, settings: ServiceSettings, source: TokenSource) -> None:
        self._settings = settings
        self._source = source

    def require(self, scope: str) -> Dependency:
        """A dependency that gives the caller, who must hold this scope."""

        async def authenticated(request: Request) -> Principal:
            principal = await self._principal(request)
            if principal is None:
                raise Unauthenticated("Authentication credentials were not provided.")
            if not principal.allows(scope):
                raise Forbidden(
                    f"This needs the scope '{scope}', which your token does not have."
                )
            return principal

        return authenticated

    async def optional(self, request: Request) -> Principal | None:
        """The caller if there is one; a bad token is refused all the same."""
        return await self._principal(request)

    async def internal(self, request: Request) -> None:
        """Only other services of the suite may call this."""
        expected = self._settings.internal_secret
        given = request.headers.get(INTERNAL_HEADER, "")
        if expected is None or not hmac.compare_digest(
            given.encode(), expected.get_secret_value().encode()
        ):
            raise Forbidden("Only services of this suite may ask here.")

    async def _principal(self, request: Request) -> Principal | None:
        token, from_cookie = _token_of(request)
        if token is None:
            return None
        if from_cookie:
            self._check_origin(request)
        if not _TOKEN.match(token):
            raise Unauthenticated("Invalid token.")
        principal = await self._source.find(hash_token(token))
        if principal is None:
            raise Unauthenticated("Invalid token.")
        structlog.contextvars.bind_contextvars(user_id=principal.user_id)
        return principal

    def _check_origin(self, request: Request) -> None:
        """A browser sends cookies for anybody, so a write must come from our pages."""
        if request.method in _SAFE_METHODS:
            return
        origin = urlsplit(request.headers.get("origin", ""))
        ours = urlsplit(self._settings.public_url)
        same_as_public = (origin.scheme, origin.netloc) == (ours.scheme, ours.netloc)
        same_as_host = bool(origin.netloc) and origin.netloc == request.headers.get(
            "host"
        )
        if not (same_as_public or same_as_host):
            raise Forbidden(
                "A browser session can only write from the pages of this site.",
                code="foreign_origin",
            )


def _token_of(request: Request) -> tuple[str | None, bool]:
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, value = header.partition(" ")
        if scheme.lower() not in ("token", "bearer"):
            raise Unauthenticated("Use 'Authorization: Token <your token>'.")
        if not value.strip():
            raise Unauthenticated("Invalid token header. No credentials provided.")
        return value.strip().lower(), False
    cookie = request.cookies.get(SESSION_COOKIE)
    return (cookie, True) if cookie else (None, False)
