"""What the API of people takes and gives."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bhtom_core.people.domain import MAX_TOKEN_DAYS
from bhtom_core.rows import Record

Password = Annotated[str, Field(min_length=1, max_length=1000)]


class Credentials(BaseModel):
    """A name and a password."""

    username: Annotated[str, Field(min_length=1, max_length=300)]
    password: Password


class User(BaseModel):
    """A user as he and administrators see him."""

    model_config = ConfigDict(from_attributes=True)

    user_id: int
    username: str
    full_name: str
    email: str
    is_admin: bool
    is_active: bool
    created_at: datetime


class Session(BaseModel):
    """Who has signed in."""

    user: User


class NewUser(BaseModel):
    """A user to be made by an administrator."""

    username: str
    password: Password
    full_name: str = ""
    email: str = ""
    is_admin: bool = False


class UserChanges(BaseModel):
    """What an administrator may change; what is absent stays."""

    password: Password | None = None
    full_name: str | None = None
    email: str | None = None
    is_admin: bool | None = None
    is_active: bool | None = None


class PasswordChange(BaseModel):
    """One's own new password."""

    current_password: Password
    new_password: Password


class NewToken(BaseModel):
    """A token to be made."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: list[str] = ["read"]
    expires_in_days: Annotated[int, Field(ge=1, le=MAX_TOKEN_DAYS)] = 365

    def life(self) -> timedelta:
        """How long it is valid."""
        return timedelta(days=self.expires_in_days)


class Token(BaseModel):
    """A token without its text."""

    model_config = ConfigDict(from_attributes=True)

    token_id: int
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_digits: str


class IssuedToken(Token):
    """A token with its text, which is shown this once."""

    token: str


class UserList(BaseModel):
    """A page of users."""

    items: list[User]
    next_cursor: str | None = None


class TokenList(BaseModel):
    """All tokens of a user."""

    items: list[Token]
    next_cursor: str | None = None


def user_of(row: Record) -> User:
    """The user of a row."""
    return User.model_validate(row)


def token_of(row: Record) -> Token:
    """The token of a row."""
    return Token.model_validate(row)
