"""Tokens without a session: minted for a name, listed, and revoked, which ends them at the next request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.clock import new_id
from services.db import Database, retried
from services.identity import minted_tokens_repository
from services.identity.access_tokens import MAX_INTERNAL_LIFETIME, AccessTokens
from services.identity.minted_tokens_repository import NewMintedToken
from services.identity.views import CallerKind, MintedTokenView, Scope


class MintedTokens:
    """Mints tokens, and keeps a row of each: a token without a row is refused, even when it is signed with our key."""

    def __init__(self, database: Database, tokens: AccessTokens) -> None:
        self._database, self._tokens = database, tokens

    def mint(
        self, role: CallerKind, scopes: Iterable[Scope] = (), seconds: int = MAX_INTERNAL_LIFETIME, *, name: str
    ) -> str:
        """A token for a service or an operator of this name; valid for `seconds`, at most 3,600.

        Raises ValueError as `AccessTokens.mint`, for a service without a scope, and for an operator with one.
        """
        wanted = sorted(set(scopes))
        if (role is CallerKind.SERVICE) != bool(wanted):
            raise ValueError(f"a service needs at least one scope of {', '.join(Scope)}; an operator has all of them")
        token_id = new_id()
        token = self._tokens.mint(role, wanted, seconds, name=name, jti=token_id)
        self._add(NewMintedToken(token_id, role, name, " ".join(wanted), seconds))
        return token

    def live(self) -> Sequence[MintedTokenView]:
        """The tokens that are neither revoked nor expired, the newest first."""
        return minted_tokens_repository.list_live(self._database)

    @retried
    def revoke(self, name_or_id: str) -> int:
        """Revoke all live tokens of a name, or the one with an id; returns how many."""
        try:
            token_id = UUID(name_or_id)
        except ValueError:
            token_id = None
        return minted_tokens_repository.revoke(self._database, name_or_id, token_id)

    @retried
    def _add(self, new: NewMintedToken) -> None:
        with self._database.transaction() as tx:
            minted_tokens_repository.add(tx, new)
