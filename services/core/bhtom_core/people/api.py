"""The API of people: sessions, tokens, users."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query, Request, Response

from bhtom_core.cursors import after_id, cursor_after
from bhtom_core.ids import PathId
from bhtom_core.people import store, tokens, users
from bhtom_core.people.domain import (
    SESSION_LIFE,
    NewPerson,
    checked_password,
    granted_scopes,
)
from bhtom_core.people.passwords import Passwords
from bhtom_core.people.schemas import (
    Credentials,
    IssuedToken,
    NewToken,
    NewUser,
    PasswordChange,
    Session,
    TokenList,
    User,
    UserChanges,
    UserList,
    token_of,
    user_of,
)
from bhtom_core.people.sign_in import SignIn
from bhtom_runtime.auth import SESSION_COOKIE, Principal, public
from bhtom_runtime.errors import Invalid, NotFound, Unauthenticated
from bhtom_runtime.service import Context


def address_of(request: Request) -> str:
    """The caller's network address, as the server in front of us reports it."""
    return request.client.host if request.client else "unknown"


def session_router(context: Context, sign_in: SignIn) -> APIRouter:
    """Signing in and out with a browser."""
    router = APIRouter(prefix="/api/v1", tags=["people"])
    SignedIn: TypeAlias = Annotated[Principal, Depends(context.auth.require("read"))]
    secure = context.settings.public_url.startswith("https:")

    @router.post("/session", dependencies=[Depends(public)])
    async def begin(given: Credentials, request: Request, answer: Response) -> Session:
        """Sign in; the session's token comes as a cookie."""
        user = await sign_in.check(given.username, given.password, address_of(request))
        if user is None:
            raise Unauthenticated(
                "The name or the password is not right.", code="wrong_credentials"
            )
        async with context.database.unit_of_work() as unit:
            text = await tokens.issue_session(unit, user)
        answer.set_cookie(
            SESSION_COOKIE,
            text,
            max_age=int(SESSION_LIFE.total_seconds()),
            path="/",
            secure=secure,
            httponly=True,
            samesite="lax",
        )
        return Session(user=user_of(user))

    @router.delete("/session", status_code=204)
    async def end(caller: SignedIn, answer: Response) -> None:
        """Sign out: the token that was used is revoked."""
        if caller.token_id is not None:
            async with context.database.unit_of_work() as unit:
                await tokens.revoke(unit, caller.user_id, caller.token_id)
        answer.delete_cookie(
            SESSION_COOKIE, path="/", secure=secure, httponly=True, samesite="lax"
        )

    return router


def me_router(context: Context, sign_in: SignIn, passwords: Passwords) -> APIRouter:
    """Oneself: profile, password, tokens."""
    router = APIRouter(prefix="/api/v1", tags=["people"])
    database = context.database
    Reader: TypeAlias = Annotated[Principal, Depends(context.auth.require("read"))]
    Writer: TypeAlias = Annotated[Principal, Depends(context.auth.require("write"))]

    @router.get("/me")
    async def me(caller: Reader) -> User:
        """The user of this token."""
        async with database.read() as connection:
            row = await store.user_by_id(connection, caller.user_id)
        if row is None:
            raise NotFound("Your account does not exist any more.")
        return user_of(row)

    @router.post("/me/password", status_code=204)
    async def change_password(
        given: PasswordChange, caller: Writer, request: Request
    ) -> None:
        """Change one's own password; every browser is signed out."""
        user = await sign_in.check(
            caller.username, given.current_password, address_of(request)
        )
        if user is None:
            raise Invalid(
                "current_password: this is not your password.", code="wrong_password"
            )
        fresh = checked_password(given.new_password, caller.username)
        password_hash = await passwords.hash(fresh)
        async with database.unit_of_work() as unit:
            await users.change_user(
                unit, caller.user_id, {"password_hash": password_hash}
            )

    @router.get("/tokens")
    async def list_tokens(caller: Reader) -> TokenList:
        """One's own tokens, newest first, without their text."""
        async with database.read() as connection:
            rows = await store.list_tokens(connection, caller.user_id)
        return TokenList(items=[token_of(row) for row in rows])

    @router.post("/tokens", status_code=201)
    async def create_token(given: NewToken, caller: Writer) -> IssuedToken:
        """Make a token; its text is in this answer and nowhere else."""
        scopes = granted_scopes(given.scopes, is_admin=caller.allows("admin"))
        missing = [scope for scope in scopes if not caller.allows(scope)]
        if missing:
            raise Invalid(
                f"scopes: your own token does not have {', '.join(missing)}.",
                code="invalid_scopes",
            )
        async with database.unit_of_work() as unit:
            row, text = await tokens.issue(
                unit, caller.user_id, given.name, scopes, given.life()
            )
        return IssuedToken(**token_of(row).model_dump(), token=text)

    @router.delete("/tokens/{token_id}", status_code=204)
    async def revoke_token(token_id: PathId, caller: Writer) -> None:
        """End one of one's own tokens."""
        async with database.unit_of_work() as unit:
            await tokens.revoke(unit, caller.user_id, token_id)

    return router


def users_router(context: Context, passwords: Passwords) -> APIRouter:
    """Users, for administrators."""
    router = APIRouter(
        prefix="/api/v1/users",
        tags=["people"],
        dependencies=[Depends(context.auth.require("admin"))],
    )
    database = context.database

    @router.get("")
    async def list_users(
        limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None
    ) -> UserList:
        """Every user, deactivated ones too."""
        async with database.read() as connection:
            rows = await store.list_users(
                connection, after=after_id(cursor), limit=limit + 1
            )
        items = [user_of(row) for row in rows[:limit]]
        more = cursor_after(items[-1].user_id) if len(rows) > limit else None
        return UserList(items=items, next_cursor=more)

    @router.post("", status_code=201)
    async def create_user(given: NewUser) -> User:
        """Make a user."""
        person = users.checked(NewPerson(**given.model_dump()))
        password_hash = await passwords.hash(person.password)
        async with database.unit_of_work() as unit:
            return user_of(await users.create_user(unit, person, password_hash))

    @router.patch("/{user_id}")
    async def change_user(user_id: PathId, given: UserChanges) -> User:
        """Change a user, or deactivate him."""
        changes = given.model_dump(exclude_none=True)
        if "password" in changes:
            password = checked_password(changes.pop("password"), "")
            changes["password_hash"] = await passwords.hash(password)
        async with database.unit_of_work() as unit:
            return user_of(await users.change_user(unit, user_id, changes))

    return router
