"""Sessions, tokens and people, as core answers."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from stand_in.records import ADA, TIME, Json
from stand_in.world import USERS, World, caller, find, problem


def add(app: FastAPI, world: World) -> None:
    """Add the routes."""

    @app.post("/api/v1/session")
    async def sign_in(request: Request) -> Response:
        body = await request.json()
        for token, user in USERS.items():
            if body == {"username": user["username"], "password": "right horse"}:
                answer = JSONResponse({"user": user})
                answer.set_cookie("bhtom_session", token, httponly=True, samesite="lax")
                return answer
        return problem(400, "invalid", "The user name or the password is wrong.")

    @app.delete("/api/v1/session", status_code=204)
    async def sign_out() -> None:
        return None

    @app.get("/api/v1/me")
    async def me(request: Request) -> Any:
        return caller(request) or problem(401, "unauthenticated", "Sign in first.")

    @app.get("/api/v1/tokens")
    async def tokens() -> Json:
        return {"items": world.tokens, "next_cursor": None}

    @app.post("/api/v1/tokens", status_code=201)
    async def create_token(request: Request) -> Json:
        made = {**world.tokens[0], **await request.json(), "token_id": 32}
        world.tokens.append(made)
        return {**made, "token": "c0ffee" + "0" * 34}

    @app.delete("/api/v1/tokens/{number}", status_code=204)
    async def revoke(number: int) -> None:
        find(world.tokens, "token_id", number)["revoked_at"] = TIME

    @app.post("/api/v1/me/password")
    async def change_password(request: Request) -> Any:
        if len((await request.json())["new_password"]) < 8:
            return problem(422, "invalid", "password: use 8 to 200 characters.")
        return Response(status_code=204)

    @app.get("/api/v1/users")
    async def users(request: Request) -> Any:
        user = caller(request)
        if user is None or not user["is_admin"]:
            return problem(403, "forbidden", "This needs the scope 'admin'.")
        return {"items": [*USERS.values(), *world.people], "next_cursor": None}

    @app.post("/api/v1/users", status_code=201)
    async def create_user(request: Request) -> Any:
        body = await request.json()
        if body["username"] == "ada":
            return problem(409, "user_exists", "There is already a user 'ada'.")
        made = {**USERS[ADA], **body, "user_id": 9}
        world.people.append(made)
        return made

    @app.patch("/api/v1/users/{number}")
    async def change_user(number: int, request: Request) -> Any:
        found = find(world.people, "user_id", number)
        found.update(await request.json())
        return found
