"""The state behind the answers, and who may ask."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from stand_in.calibrations_shown import mosaic
from stand_in.points import light_curve
from stand_in.records import ADA, HOSTILE, ROOT, TIME, Json, camera, product, target

NO_WCS = (
    "The header has no usable celestial coordinates (no CRVAL1); solve the frame with "
    "an astrometry program and upload it again."
)


@dataclass
class World:
    """The state behind the answers; tests may change it."""

    targets: list[Json] = field(
        default_factory=lambda: [
            target(1, "NGC 1566", 65.0017, -54.9378, aliases=["Gaia16aac"]),
            target(2, "Gaia19bld", 187.1, -66.1, visibility="private"),
            target(3, HOSTILE, 12.0, 4.0, description=HOSTILE, owner=HOSTILE),
        ]
    )
    cameras: list[Json] = field(
        default_factory=lambda: [
            camera(1, "Huntsman", "approved"),
            camera(2, "Tube", "pending"),
        ]
    )
    products: list[Json] = field(
        default_factory=lambda: [
            product(
                101,
                "done",
                "Calibrated to r(GaiaSP): 15.382 ± 0.021, 61 stars.",
                planes=[
                    {
                        "plane": 0,
                        "outcome": "calibrated",
                        "message": "15.382 ± 0.021",
                        "calibration_id": 501,
                        "point_ids": [1],
                    }
                ],
            ),
            product(102, "failed", NO_WCS, advice="Solve the frame (ASTAP does it)."),
            product(103, "waiting", "No GaiaSP stars are stored here yet."),
            product(104, "calibrating", "", file_name=HOSTILE),
            mosaic(),
        ]
    )
    points: list[Json] = field(default_factory=lambda: light_curve(142))
    tokens: list[Json] = field(
        default_factory=lambda: [
            {
                "token_id": 31,
                "name": "robot",
                "scopes": ["read", "upload"],
                "created_at": TIME,
                "expires_at": "2027-11-20T21:14:03+00:00",
                "revoked_at": None,
                "last_digits": "9f3c",
            }
        ]
    )
    people: list[Json] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    events: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)


USERS: dict[str, Json] = {
    ADA: {
        "user_id": 7,
        "username": "ada",
        "full_name": "Ada Byron",
        "email": "ada@example.org",
        "is_admin": False,
        "is_active": True,
    },
    ROOT: {
        "user_id": 1,
        "username": "root",
        "full_name": "",
        "email": "root@example.org",
        "is_admin": True,
        "is_active": True,
    },
}


def caller(request: Request) -> Json | None:
    """Who asks, by header or cookie."""
    header = request.headers.get("authorization", "")
    token = header.removeprefix("Bearer ") or request.cookies.get("bhtom_session", "")
    return USERS.get(token)


def find(items: list[Json], key: str, number: int) -> Any:
    """An item by its number, else the answer that there is none."""
    for item in items:
        if item[key] == number:
            return item
    return problem(404, "not_found", "There is no such thing here.")


def problem(status: int, code: str, sentence: str, **details: Any) -> JSONResponse:
    """A problem as the runtime renders it."""
    body = {"title": "x", "status": status, "detail": sentence, "code": code}
    return JSONResponse(
        {**body, **details}, status, media_type="application/problem+json"
    )
