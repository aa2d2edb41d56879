"""Access tokens: what a valid one identifies, when it ends, and forged ones."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.db import Database
from services.errors import Unauthenticated
from services.identity.access_tokens import AccessTokens
from services.identity.minted_tokens import MintedTokens
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.signing_keys import SigningKeys
from services.identity.views import Caller, CallerKind, Scope
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import PASSWORD, by_email
from tests.services.identity.forged_tokens import FORGED


@pytest.fixture
def keys() -> SigningKeys:
    return SigningKeys.generate()


@pytest.fixture
def tokens(keys: SigningKeys, clock: FakeClock) -> AccessTokens:
    return AccessTokens(keys, clock)


@pytest.fixture
def minted_tokens(database: Database, tokens: AccessTokens, clock: FakeClock) -> MintedTokens:
    return MintedTokens(database.with_clock(clock), tokens)


@pytest.fixture
def token(identity: IdentityService, sign_in: SignIn) -> str:
    identity.register(by_email())
    return sign_in.login("anna@example.com", None, PASSWORD).access_token


def test_a_token_identifies_a_buyer_and_a_session(sign_in: SignIn, token: str) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})
    caller = sign_in.authenticate(token)
    assert caller == Caller(CallerKind.BUYER, caller.user_id, caller.session_id, "buyer", frozenset())
    assert (claims["sub"], claims["sid"], claims["role"]) == (str(caller.user_id), str(caller.session_id), "buyer")
    assert claims["exp"] - claims["iat"] == 600
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_T166_a_token_has_the_role_of_its_session_while_the_account_has_it(
    identity: IdentityService, sign_in: SignIn, token: str, database: Database
) -> None:
    database.execute("UPDATE identity.users SET role = 'operator'")
    assert sign_in.authenticate(token).kind is CallerKind.BUYER
    database.execute("UPDATE identity.sessions SET role = 'operator'")
    assert sign_in.authenticate(token).kind is CallerKind.OPERATOR
    database.execute("UPDATE identity.users SET role = 'buyer'")
    assert sign_in.authenticate(token).kind is CallerKind.BUYER


def test_a_service_has_its_scopes_and_write_includes_read(sign_in: SignIn, minted_tokens: MintedTokens) -> None:
    caller = sign_in.authenticate(
        minted_tokens.mint(CallerKind.SERVICE, [Scope.REFUNDS_WRITE, Scope.STOCKS_READ], name="billing")
    )
    scopes = frozenset({"refunds:write", "stocks:read"})
    assert caller == Caller(CallerKind.SERVICE, None, None, "service", scopes, "billing")
    assert caller.identity == "billing"
    for name in ("", "a b", "a" * 41, "anna:root", "Анна"):
        with pytest.raises(ValueError, match="letters"):
            minted_tokens.mint(CallerKind.OPERATOR, name=name)
    allowed = {scope for scope in Scope if caller.may(scope)}
    assert allowed == {Scope.REFUNDS_WRITE, Scope.REFUNDS_READ, Scope.STOCKS_READ}


def test_an_operator_has_every_scope_and_a_buyer_has_none(
    sign_in: SignIn, minted_tokens: MintedTokens, token: str
) -> None:
    operator = sign_in.authenticate(minted_tokens.mint(CallerKind.OPERATOR, name="anna"))
    assert (operator.kind, operator.user_id) == (CallerKind.OPERATOR, None)
    assert all(operator.may(scope) for scope in Scope)
    assert not any(sign_in.authenticate(token).may(scope) for scope in Scope)


@pytest.mark.parametrize(
    ("role", "seconds"), [(CallerKind.SERVICE, 3601), (CallerKind.BUYER, 60), (CallerKind.SERVICE, 0)]
)
def test_no_token_without_a_session_for_buyers_or_beyond_an_hour(
    tokens: AccessTokens, role: CallerKind, seconds: int
) -> None:
    with pytest.raises(ValueError, match="at most an hour"):
        tokens.mint(role, [], seconds, name="billing")


def test_a_token_expires_after_ten_minutes(sign_in: SignIn, token: str, clock: FakeClock) -> None:
    clock.move(seconds=598)
    assert sign_in.authenticate(token).kind is CallerKind.BUYER
    clock.move(seconds=2)
    assert refused(sign_in, token)


def test_a_signature_is_verified_once_and_the_times_every_time(
    tokens: AccessTokens, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    decode = jwt.decode

    def noted(token: str, *rest: Any, **options: Any) -> Any:
        verified.append(token)
        return decode(token, *rest, **options)

    monkeypatch.setattr(jwt, "decode", noted)
    minted = tokens.mint(CallerKind.OPERATOR, seconds=600, name="anna")
    assert tokens.read(minted) == tokens.read(minted)
    assert verified == [minted]
    clock.move(seconds=600)
    with pytest.raises(Unauthenticated):
        tokens.read(minted)


def test_a_token_without_a_session_expires_after_an_hour(
    sign_in: SignIn, minted_tokens: MintedTokens, clock: FakeClock
) -> None:
    minted = minted_tokens.mint(CallerKind.SERVICE, [Scope.STOCKS_READ], name="billing")
    clock.move(seconds=3599)
    assert sign_in.authenticate(minted).name == "billing"
    clock.move(seconds=1)
    assert refused(sign_in, minted)


def test_F51_a_clock_that_is_up_to_30_seconds_ahead_is_accepted(
    sign_in: SignIn, minted_tokens: MintedTokens, clock: FakeClock
) -> None:
    minted = minted_tokens.mint(CallerKind.SERVICE, [Scope.STOCKS_READ], name="billing")
    clock.move(seconds=-29)
    assert sign_in.authenticate(minted).kind is CallerKind.SERVICE
    clock.move(seconds=-3)
    assert refused(sign_in, minted)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE identity.sessions SET ended_at = now(), end_reason = 'logout'",
        "UPDATE identity.sessions SET expires_at = now() - interval '1 second'",
        "UPDATE identity.users SET is_active = false",
        "DELETE FROM identity.users",
    ],
)
def test_T26_T41_a_token_ends_with_its_session_or_user(
    sign_in: SignIn, token: str, database: Database, statement: str
) -> None:
    assert sign_in.authenticate(token).role == "buyer"
    with database.transaction() as tx:
        tx.execute(statement)
    assert refused(sign_in, token)


def test_a_token_with_the_session_of_another_user_is_refused(sign_in: SignIn, tokens: AccessTokens, token: str) -> None:
    session_id = sign_in.authenticate(token).session_id
    assert session_id is not None
    assert refused(sign_in, tokens.issue(uuid4(), session_id, "buyer"))


def test_a_session_ends_after_thirty_days(
    identity: IdentityService, sign_in: SignIn, tokens: AccessTokens, clock: FakeClock
) -> None:
    user_id = identity.register(by_email()).id
    session_id = sign_in.authenticate(sign_in.login("anna@example.com", None, PASSWORD).access_token).session_id
    assert session_id is not None
    clock.move(days=30, seconds=-1)
    assert sign_in.authenticate(tokens.issue(user_id, session_id, "buyer")).user_id == user_id
    clock.move(seconds=1)
    assert refused(sign_in, tokens.issue(user_id, session_id, "buyer"))


def test_a_rotated_key_still_verifies(clock: FakeClock, keys: SigningKeys, tokens: AccessTokens) -> None:
    old = tokens.mint(CallerKind.SERVICE, name="billing")
    rotated = AccessTokens(SigningKeys([Ed25519PrivateKey.generate(), keys.private]), clock)
    assert rotated.read(old).role == "service"
    assert jwt.get_unverified_header(rotated.mint(CallerKind.SERVICE, name="billing"))["kid"] != keys.kid


@pytest.mark.parametrize("name", FORGED)
def test_T112_a_forged_token_is_refused(sign_in: SignIn, keys: SigningKeys, token: str, name: str) -> None:
    assert sign_in.authenticate(token).kind is CallerKind.BUYER
    assert refused(sign_in, FORGED[name](keys, token))


def test_T112_a_refresh_token_is_not_an_access_token(identity: IdentityService, sign_in: SignIn) -> None:
    identity.register(by_email())
    assert refused(sign_in, sign_in.login("anna@example.com", None, PASSWORD).refresh_token)


def refused(sign_in: SignIn, token: str) -> bool:
    with pytest.raises(Unauthenticated) as error:
        sign_in.authenticate(token)
    return (error.value.code, error.value.detail) == ("unauthenticated", "A valid access token is required. Sign in.")
