"""Tokens without a session: a name and scopes of their own, and their revocation."""

from __future__ import annotations

from uuid import uuid4

import pytest

from services.db import Database
from services.errors import Unauthenticated
from services.identity.access_tokens import AccessTokens
from services.identity.minted_tokens import MintedTokens
from services.identity.retention import IdentityRetention
from services.identity.retention_repository import MINTED_DAYS
from services.identity.sign_in import SignIn
from services.identity.views import CallerKind, Scope
from tests.fakes.clock import FakeClock


@pytest.fixture
def minted_tokens(database: Database, tokens: AccessTokens, clock: FakeClock) -> MintedTokens:
    return MintedTokens(database.with_clock(clock), tokens)


def billing(minted_tokens: MintedTokens) -> str:
    return minted_tokens.mint(CallerKind.SERVICE, [Scope.REFUNDS_READ, Scope.ORDERS_READ], 600, name="billing")


def test_T150_a_service_token_has_the_scopes_that_were_asked_for(sign_in: SignIn, minted_tokens: MintedTokens) -> None:
    caller = sign_in.authenticate(billing(minted_tokens))
    assert {scope for scope in Scope if caller.may(scope)} == {Scope.REFUNDS_READ, Scope.ORDERS_READ}
    for role, scopes in ((CallerKind.SERVICE, []), (CallerKind.OPERATOR, [Scope.ORDERS_READ])):
        with pytest.raises(ValueError, match="at least one scope"):
            minted_tokens.mint(role, scopes, name="billing")
    assert len(minted_tokens.live()) == 1


def test_T151_revoked_tokens_of_a_name_end_at_once(sign_in: SignIn, minted_tokens: MintedTokens) -> None:
    revoked = [billing(minted_tokens) for _ in range(2)]
    other = minted_tokens.mint(CallerKind.OPERATOR, name="anna")
    assert all(sign_in.authenticate(token).name == "billing" for token in revoked)
    assert minted_tokens.revoke("billing") == 2
    for token in revoked:
        with pytest.raises(Unauthenticated):
            sign_in.authenticate(token)
    assert sign_in.authenticate(other).name == "anna"
    assert [each.name for each in minted_tokens.live()] == ["anna"]
    assert minted_tokens.revoke("billing") == 0
    assert sign_in.authenticate(billing(minted_tokens)).name == "billing"


def test_T151_one_token_is_revoked_by_its_id(sign_in: SignIn, minted_tokens: MintedTokens) -> None:
    first, second = billing(minted_tokens), billing(minted_tokens)
    newest = minted_tokens.live()[0]
    assert (minted_tokens.revoke(str(newest.id)), minted_tokens.revoke(str(uuid4()))) == (1, 0)
    assert sign_in.authenticate(first).name == "billing"
    with pytest.raises(Unauthenticated):
        sign_in.authenticate(second)


def test_T151_a_token_that_was_not_minted_here_is_refused(sign_in: SignIn, tokens: AccessTokens) -> None:
    for role in (CallerKind.OPERATOR, CallerKind.SERVICE):
        with pytest.raises(Unauthenticated):
            sign_in.authenticate(tokens.mint(role, [Scope.ORDERS_READ], name="anna"))


def test_T151_the_row_of_a_token_is_for_its_role_and_name(
    sign_in: SignIn, tokens: AccessTokens, minted_tokens: MintedTokens
) -> None:
    billing(minted_tokens)
    row = minted_tokens.live()[0]
    for role, name in ((CallerKind.OPERATOR, "billing"), (CallerKind.SERVICE, "anna")):
        with pytest.raises(Unauthenticated):
            sign_in.authenticate(tokens.mint(role, [Scope.ORDERS_READ], name=name, jti=row.id))


def test_a_token_is_listed_until_it_expires_and_deleted_later(
    minted_tokens: MintedTokens, database: Database, clock: FakeClock
) -> None:
    billing(minted_tokens)
    (row,) = minted_tokens.live()
    assert (row.role, row.name, row.scopes) == ("service", "billing", "orders:read refunds:read")
    assert (row.expires_at - row.created_at).total_seconds() == 600
    clock.move(seconds=600)
    assert minted_tokens.live() == []
    retention = IdentityRetention(database.with_clock(clock))
    clock.move(days=MINTED_DAYS, seconds=-1)
    assert retention.delete_minted_tokens(10) == 0
    clock.move(seconds=2)
    assert retention.delete_minted_tokens(10) == 1
