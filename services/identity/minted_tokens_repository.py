"""SQL of tokens without a session, which are minted for services and for scripts of operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.identity.views import MintedTokenView


@dataclass(frozen=True)
class NewMintedToken:
    """A token to record; `id` is its `jti`, `scopes` are separated by spaces."""

    id: UUID
    role: str
    name: str
    scopes: str
    seconds: int


def add(tx: Executor, new: NewMintedToken) -> None:
    """Record a token."""
    tx.execute(_ADD, {**vars(new)})


def is_live(tx: Executor, token_id: UUID, role: str, name: str) -> bool:
    """Whether this token was minted, and neither is revoked nor has expired."""
    return tx.fetch_one(_FIND_LIVE, {"id": token_id, "role": role, "name": name}) is not None


def list_live(tx: Executor) -> Sequence[MintedTokenView]:
    """The live tokens, the newest first."""
    return tx.fetch_all(_LIST, {}, into=MintedTokenView)


def revoke(tx: Executor, name: str, token_id: UUID | None) -> int:
    """Revoke the live tokens with this name or id; returns how many."""
    return tx.execute(_REVOKE, {"name": name, "id": token_id})


_LIVE = f"revoked_at IS NULL AND expires_at > {NOW}"
_ADD = f"""
    INSERT INTO identity.minted_tokens (id, role, name, scopes, created_at, expires_at)
    VALUES (%(id)s, %(role)s, %(name)s, %(scopes)s, {NOW}, {NOW} + make_interval(secs => %(seconds)s))
    """  # noqa: S608 - only constants of this project
_FIND_LIVE = (
    f"SELECT 1 FROM identity.minted_tokens WHERE id = %(id)s AND role = %(role)s AND name = %(name)s AND {_LIVE}"  # noqa: S608 - only constants of this project
)
_LIST = f"""
    SELECT id, role, name, scopes, created_at, expires_at
      FROM identity.minted_tokens WHERE {_LIVE} ORDER BY created_at DESC, id DESC
    """  # noqa: S608 - only constants of this project
_REVOKE = f"""
    UPDATE identity.minted_tokens SET revoked_at = {NOW}
     WHERE (name = %(name)s OR id = cast(%(id)s AS uuid)) AND {_LIVE}
    """  # noqa: S608 - only constants of this project
