"""People and their tokens, as core publishes them for the other services."""

from pydantic import AwareDatetime, Field

from bhtom_contracts.base import Snapshot


class IdentityChanged(Snapshot):
    """A user, without anything that only core needs."""

    user_id: int
    username: str
    full_name: str = ""
    is_active: bool
    is_admin: bool = False


class TokenChanged(Snapshot):
    """A token's SHA-256, owner and scopes; never the token."""

    token_id: int
    token_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    user_id: int
    scopes: tuple[str, ...]
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None = None
