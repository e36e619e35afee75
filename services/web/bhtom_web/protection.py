"""What keeps pages from being used against their readers."""

from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Sets the headers on every answer; pages of a person are kept by no cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_protected)


def comes_from_our_pages(request: Request, public_url: str) -> bool:
    """Whether a form was sent by a page of this site; a browser states its origin.

    A request without an origin is no browser's form: it brings no cookie against
    its sender's will.
    """
    given = request.headers.get("origin")
    if given is None:
        return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    origin, ours = urlsplit(given), urlsplit(public_url)
    if (origin.scheme, origin.netloc) == (ours.scheme, ours.netloc):
        return True
    return bool(origin.netloc) and origin.netloc == request.headers.get("host")


def local_path(text: str | None, default: str = "/") -> str:
    """A path of this site to go on to; anything that may lead elsewhere is dropped."""
    if text is None or not text.startswith("/") or text.startswith(("//", "/\\")):
        return default
    if any(ord(character) < 0x20 for character in text) or "\\" in text:
        return default
    return text
