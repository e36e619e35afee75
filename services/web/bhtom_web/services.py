"""The services' HTTP APIs as the pages use them: answers, or errors with a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, Literal

import httpx

from bhtom_runtime.tracing import current_traceparent
from bhtom_web.settings import WebSettings

ServiceName = Literal["core", "upload", "cpcs", "harvester"]
Json = dict[str, Any]

# What each service does, in the words of somebody who waits for it.
DUTIES: Final[dict[ServiceName, str]] = {
    "core": "the service that keeps targets, cameras and light curves",
    "upload": "the service that receives and tracks uploads",
    "cpcs": "the service that calibrates frames",
    "harvester": "the service that asks archives and alert streams",
}


class ServiceUnreachable(Exception):
    """A service gave no answer in time; the same request can succeed later."""

    def __init__(self, service: ServiceName) -> None:
        super().__init__(
            f"Just now {DUTIES[service]} does not answer. "
            "Nothing is lost; try again in a moment."
        )
        self.service = service


@dataclass
class ApiProblem(Exception):
    """A service said no: RFC 9457 problem details."""

    service: ServiceName
    status: int
    code: str
    sentence: str
    details: Json = field(default_factory=dict)

    def __str__(self) -> str:
        """The sentence, for a person."""
        return self.sentence


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's answer: JSON and the headers that a page may need."""

    json: Any
    headers: httpx.Headers
    set_cookies: tuple[str, ...] = ()


class Services:
    """One HTTP client for all visitors; it keeps nothing of any of them."""

    def __init__(
        self, settings: WebSettings, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.addresses: dict[ServiceName, str] = {
            "core": settings.core_url,
            "upload": settings.upload_url,
            "cpcs": settings.cpcs_url,
            "harvester": settings.harvester_url,
        }
        self.health_timeout_s = settings.health_timeout_s
        self.client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(settings.api_timeout_s, connect=2.0),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
            # A jar would give one visitor's session to the next.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
        )

    def acting_for(self, token: str | None, address: str | None = None) -> "Api":
        """The APIs as one visitor may use them."""
        return Api(self, token, address)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()


@dataclass(frozen=True, slots=True)
class Api:
    """Asks the services on behalf of one visitor."""

    services: Services
    token: str | None
    address: str | None = None

    async def get(self, service: ServiceName, path: str, **query: Any) -> Any:
        """The JSON at a path; query values that are None or empty are left out."""
        params = {
            name: value for name, value in query.items() if value not in (None, "")
        }
        return (await self._request("GET", service, path, params=params)).json

    async def send(
        self,
        method: Literal["POST", "PATCH", "DELETE"],
        service: ServiceName,
        path: str,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Write something; the answer holds its new state."""
        return await self._request(method, service, path, json=body, headers=headers)

    async def _request(
        self,
        method: str,
        service: ServiceName,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        url = self.services.addresses[service].rstrip("/") + path
        try:
            response = await self.services.client.request(
                method,
                url,
                params=params,
                json=json,
                headers={**self._headers(), **(headers or {})},
            )
        except httpx.HTTPError as error:
            raise ServiceUnreachable(service) from error
        if response.is_error:
            raise problem_of(service, response)
        return Answer(
            json=_json_of(service, response),
            headers=response.headers,
            set_cookies=tuple(response.headers.get_list("set-cookie")),
        )

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.address is not None:
            headers["X-Forwarded-For"] = self.address
        traceparent = current_traceparent()
        if traceparent is not None:
            headers["traceparent"] = traceparent
        return headers


def problem_of(service: ServiceName, response: httpx.Response) -> ApiProblem:
    """The problem that an answer states, or one made from its status."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    sentence = body.get("detail")
    if not isinstance(sentence, str) or not sentence:
        sentence = f"The answer was: {_phrase(response.status_code)}."
    return ApiProblem(
        service=service,
        status=response.status_code,
        code=str(body.get("code") or "error"),
        sentence=sentence,
        details=body,
    )


def _json_of(service: ServiceName, response: httpx.Response) -> Any:
    if response.status_code == HTTPStatus.NO_CONTENT or not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise ServiceUnreachable(service) from error


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return f"status {status}"
