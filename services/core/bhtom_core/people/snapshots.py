"""What other services are told of people and tokens."""

from bhtom_contracts.events.identities import IdentityChanged, TokenChanged
from bhtom_core.rows import Record


def identity_snapshot(user: Record) -> IdentityChanged:
    """A user without anything that only core needs."""
    return IdentityChanged(
        aggregate_version=user.version,
        deleted_at=user.deleted_at,
        user_id=user.user_id,
        username=user.username,
        full_name=user.full_name,
        is_active=user.is_active,
        is_admin=user.is_admin,
    )


def token_snapshot(token: Record) -> TokenChanged:
    """A token's hash, scopes and life."""
    return TokenChanged(
        aggregate_version=token.version,
        token_id=token.token_id,
        token_hash=token.token_hash,
        user_id=token.user_id,
        scopes=tuple(token.scopes),
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )
