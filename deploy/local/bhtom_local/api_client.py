"""A small client of the suite's HTTP API, as an observer's script would be."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx

FINAL_STATES = frozenset({"done", "failed", "deleted"})


class ApiError(Exception):
    """The suite said no; the sentence is its own."""

    def __init__(self, answer: httpx.Response) -> None:
        try:
            body = answer.json()
            sentence = body.get("detail") or str(body)
        except ValueError:
            sentence = answer.text[:300]
        super().__init__(
            f"{answer.request.method} {answer.request.url.path} -> "
            f"{answer.status_code}: {sentence}"
        )
        self.status = answer.status_code
        self.answer = answer


class ApiClient:
    """Signs in and calls the API through the gateway."""

    def __init__(self, public_url: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Token {token}"} if token else {}
        self.http = httpx.Client(base_url=public_url, headers=headers, timeout=60.0)

    def __enter__(self) -> Self:
        """A client that is closed at the end of its block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.http.close()

    @classmethod
    @contextmanager
    def signed_in(cls, public_url: str, username: str, password: str) -> Iterator[Self]:
        """A client with a token of its own."""
        with cls(public_url) as client:
            answer = client.post(
                "/api/token-auth/", json={"username": username, "password": password}
            )
            client.http.headers["Authorization"] = f"Token {answer['token']}"
            yield client

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request; an error status is an exception."""
        answer = self.http.request(method, path, **options)
        if answer.is_error:
            raise ApiError(answer)
        return answer

    def get(self, path: str, **params: Any) -> Any:
        """GET as JSON."""
        return self.call("GET", path, params=params).json()

    def post(self, path: str, **options: Any) -> Any:
        """POST as JSON."""
        return self.call("POST", path, **options).json()

    def items(self, path: str, **params: Any) -> Iterator[Any]:
        """Every item of a list, page after page."""
        cursor = None
        while True:
            page = self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def ensure_observatory(self, name: str, **fields: Any) -> Any:
        """The observatory of this name, made when it is not there."""
        for found in self.items("/api/v1/observatories"):
            if found["name"] == name:
                return found
        return self.post("/api/v1/observatories", json={"name": name, **fields})

    def ensure_camera(self, observatory: Any, name: str, **fields: Any) -> Any:
        """An approved camera of an observatory; approving needs an administrator."""
        oname = f"{observatory['name']}_{name}"
        camera = next(
            (c for c in self.items("/api/v1/cameras") if c["oname"] == oname), None
        )
        if camera is None:
            body = {
                "observatory_id": observatory["observatory_id"],
                "camera_name": name,
                **fields,
            }
            camera = self.post("/api/v1/cameras", json=body)
        if not camera["active"]:
            path = f"/api/v1/cameras/{camera['camera_id']}/approval"
            camera = self.post(path, json={"approved": True})
        return camera

    def ensure_target(self, name: str, ra: float, dec: float, **fields: Any) -> Any:
        """The target of this name, made when it is not there."""
        try:
            return self.get("/api/v1/targets/by-name", name=name)
        except ApiError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
        body = {"name": name, "ra": ra, "dec": dec, **fields}
        return self.post("/api/v1/targets", json=body)

    def upload(
        self, content: bytes, *, target: str, camera: str, file_name: str, **fields: Any
    ) -> Any:
        """Upload a frame; the data product it became."""
        params = {
            "target": target,
            "camera": camera,
            "file_name": file_name,
            **fields,
        }
        return self.call("PUT", "/api/v1/frames", params=params, content=content).json()

    def data_product(self, data_product_id: int) -> Any:
        """A data product as it is now."""
        return self.get(f"/api/v1/data-products/{data_product_id}")

    def wait_for(
        self,
        data_product_ids: list[int],
        progress: Callable[[int, int], None] = lambda _done, _all: None,
        give_up_after_s: float = 600.0,
    ) -> dict[int, Any]:
        """Wait until every product has ended; what is late is named."""
        found: dict[int, Any] = {}
        deadline = time.monotonic() + give_up_after_s
        for number in data_product_ids:
            # One at a time: asking for all of them would be the heaviest load here.
            while (product := self.data_product(number))["state"] not in FINAL_STATES:
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"Data product {number} did not end in time: it is "
                        f"{product['state']}, {product['message']}"
                    )
                time.sleep(0.1)
            found[number] = product
            progress(len(found), len(data_product_ids))
        return found
