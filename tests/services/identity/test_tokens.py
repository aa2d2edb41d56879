"""Who a token speaks for, and every token that speaks for nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from services.db import Sessions
from services.errors import Unauthenticated
from services.identity.service import IdentityService
from services.identity.signing import SigningKeys
from services.identity.tokens import AccessTokens
from services.identity.views import Caller, CallerKind, Scope
from tests.services.identity.doubles import PASSWORD, SetClock, by_email


@pytest.fixture
def keys() -> SigningKeys:
    return SigningKeys.generate()


@pytest.fixture
def tokens(keys: SigningKeys, clock: SetClock) -> AccessTokens:
    return AccessTokens(keys, clock)


@pytest.fixture
def token(identity: IdentityService) -> str:
    identity.register(by_email())
    return identity.login("anna@example.com", None, PASSWORD).access_token


def test_a_buyer(identity: IdentityService, token: str) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})
    caller = identity.authenticate(token)
    assert caller == Caller(CallerKind.BUYER, caller.user_id, caller.session_id, "buyer", frozenset())
    assert (claims["sub"], claims["sid"], claims["role"]) == (str(caller.user_id), str(caller.session_id), "buyer")
    assert claims["exp"] - claims["iat"] == 600
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_an_operator_is_one_as_soon_as_the_row_says_so(
    identity: IdentityService, token: str, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        session.execute(text("UPDATE identity.users SET role = 'operator'"))
    assert identity.authenticate(token).kind is CallerKind.OPERATOR


def test_a_service_has_its_scopes_and_write_includes_read(identity: IdentityService, tokens: AccessTokens) -> None:
    caller = identity.authenticate(tokens.mint(CallerKind.SERVICE, [Scope.REFUNDS_WRITE, Scope.STOCKS_READ]))
    assert caller == Caller(CallerKind.SERVICE, None, None, "service", frozenset({"refunds:write", "stocks:read"}))
    allowed = {scope for scope in Scope if caller.may(scope)}
    assert allowed == {Scope.REFUNDS_WRITE, Scope.REFUNDS_READ, Scope.STOCKS_READ}


def test_a_minted_operator_may_everything_and_a_buyer_nothing(
    identity: IdentityService, tokens: AccessTokens, token: str
) -> None:
    operator = identity.authenticate(tokens.mint(CallerKind.OPERATOR))
    assert (operator.kind, operator.user_id) == (CallerKind.OPERATOR, None)
    assert all(operator.may(scope) for scope in Scope)
    assert not any(identity.authenticate(token).may(scope) for scope in Scope)


@pytest.mark.parametrize(
    ("role", "seconds"), [(CallerKind.SERVICE, 3601), (CallerKind.BUYER, 60), (CallerKind.SERVICE, 0)]
)
def test_nothing_is_minted_for_buyers_or_beyond_an_hour(tokens: AccessTokens, role: CallerKind, seconds: int) -> None:
    with pytest.raises(ValueError, match="at most an hour"):
        tokens.mint(role, [], seconds)


def test_a_token_ends_after_ten_minutes(identity: IdentityService, token: str, clock: SetClock) -> None:
    clock.move(seconds=598)
    assert identity.authenticate(token).kind is CallerKind.BUYER
    clock.move(seconds=2)
    assert refused(identity, token)


def test_a_minted_token_ends_after_an_hour(identity: IdentityService, tokens: AccessTokens, clock: SetClock) -> None:
    minted = tokens.mint(CallerKind.SERVICE, [Scope.STOCKS_READ])
    clock.move(seconds=3600)
    assert refused(identity, minted)


def test_F51_a_host_ahead_by_less_than_half_a_minute_is_borne(
    identity: IdentityService, tokens: AccessTokens, clock: SetClock
) -> None:
    minted = tokens.mint(CallerKind.SERVICE)
    clock.move(seconds=-29)
    assert identity.authenticate(minted).kind is CallerKind.SERVICE
    clock.move(seconds=-3)
    assert refused(identity, minted)


@pytest.mark.parametrize(
    "blow",
    [
        "UPDATE identity.sessions SET ended_at = now(), end_reason = 'logout'",
        "UPDATE identity.sessions SET expires_at = now() - interval '1 second'",
        "UPDATE identity.users SET is_active = false",
        "DELETE FROM identity.users",
    ],
)
def test_T26_T41_a_token_dies_with_its_session_or_user(
    identity: IdentityService, token: str, sessions: Sessions, blow: str
) -> None:
    assert identity.authenticate(token).role == "buyer"
    with sessions.begin() as session:
        session.execute(text(blow))
    assert refused(identity, token)


def test_a_session_of_somebody_else_does_not_do(identity: IdentityService, tokens: AccessTokens, token: str) -> None:
    session_id = identity.authenticate(token).session_id
    assert session_id is not None
    assert refused(identity, tokens.issue(uuid4(), session_id, "buyer"))


def test_a_session_ends_after_thirty_days(identity: IdentityService, tokens: AccessTokens, clock: SetClock) -> None:
    user_id = identity.register(by_email()).id
    session_id = identity.authenticate(identity.login("anna@example.com", None, PASSWORD).access_token).session_id
    assert session_id is not None
    clock.move(days=30, seconds=-1)
    assert identity.authenticate(tokens.issue(user_id, session_id, "buyer")).user_id == user_id
    clock.move(seconds=1)
    assert refused(identity, tokens.issue(user_id, session_id, "buyer"))


def test_a_rotated_key_still_verifies(clock: SetClock, keys: SigningKeys, tokens: AccessTokens) -> None:
    old = tokens.mint(CallerKind.SERVICE)
    rotated = AccessTokens(SigningKeys([Ed25519PrivateKey.generate(), keys.private]), clock)
    assert rotated.read(old).role == "service"
    assert jwt.get_unverified_header(rotated.mint(CallerKind.SERVICE))["kid"] != keys.kid


Forge = Callable[[SigningKeys, str], str]


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _changed(claims: dict[str, Any] | None = None, drop: str = "", headers: dict[str, Any] | None = None) -> Forge:
    """Our own signature under other claims or headers."""

    def forge(keys: SigningKeys, token: str) -> str:
        whole = jwt.decode(token, options={"verify_signature": False}) | (claims or {})
        whole.pop(drop, None)
        shown = {"typ": "at+jwt", "kid": keys.kid, **(headers or {})}
        return _signed(keys, {"alg": "EdDSA", **shown}, json.dumps(whole).encode())

    return forge


def _signed(keys: SigningKeys, header: dict[str, Any], payload: bytes) -> str:
    body = f"{_b64(json.dumps(header).encode())}.{_b64(payload)}"
    return f"{body}.{_b64(keys.private.sign(body.encode()))}"


def _unsigned(keys: SigningKeys, token: str) -> str:
    header = {"alg": "none", "typ": "at+jwt", "kid": keys.kid}
    return f"{_b64(json.dumps(header).encode())}.{token.split('.')[1]}."


def _keyed_with_the_public_key(keys: SigningKeys, token: str) -> str:
    public = keys.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, public, "HS256", headers={"typ": "at+jwt", "kid": keys.kid})


def _by_another_key(keys: SigningKeys, token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"typ": "at+jwt", "kid": keys.kid})


def _respelled(_: SigningKeys, token: str) -> str:
    # 64 bytes leave four unused bits in the last letter: 16 spellings decode to the same signature.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


def _duplicated(keys: SigningKeys, token: str) -> str:
    payload = json.dumps(jwt.decode(token, options={"verify_signature": False}))
    return _signed(
        keys, {"alg": "EdDSA", "typ": "at+jwt", "kid": keys.kid}, f'{payload[:-1]}, "role": "operator"}}'.encode()
    )


FORGED: dict[str, Forge] = {
    "empty": lambda _, __: "",
    "no dots": lambda _, __: "abc",
    "alg none": _unsigned,
    "alg HS256 with the public key": _keyed_with_the_public_key,
    "another key under our kid": _by_another_key,
    "unknown kid": _changed(headers={"kid": "other"}),
    "kid is a path": _changed(headers={"kid": "../../etc/passwd"}),
    "kid is SQL": _changed(headers={"kid": "' OR 1=1 --"}),
    "kid is no text": _changed(headers={"kid": 1}),
    "jku": _changed(headers={"jku": "https://example.com/keys"}),
    "x5u": _changed(headers={"x5u": "https://example.com/keys"}),
    "jwk": _changed(headers={"jwk": {"kty": "OKP"}}),
    "crit": _changed(headers={"crit": ["exp"]}),
    "wrong typ": _changed(headers={"typ": "JWT"}),
    "no exp": _changed(drop="exp"),
    "exp is text": _changed({"exp": "9999999999"}),
    "exp is true": _changed({"exp": True}),
    "exp far away": _changed({"exp": 9_999_999_999}),
    "nbf tomorrow": _changed({"nbf": 9_999_999_999}),
    "another issuer": _changed({"iss": "https://example.com"}),
    "another audience": _changed({"aud": "other"}),
    "audience of services, with a session": _changed({"aud": "internal"}),
    "several audiences": _changed({"aud": ["internal"]}, drop="sid"),
    "no session": _changed(drop="sid"),
    "session is no id": _changed({"sid": "1"}),
    "subject is no id": _changed({"sub": "anna"}),
    "a service as a user": _changed({"aud": "internal", "role": "buyer"}, drop="sid"),
    "unknown claim": _changed({"admin": True}),
    "no jti": _changed(drop="jti"),
    "duplicated claim": _duplicated,
    "8 KiB": _changed({"scope": "x" * 8192}),
    "bytes after the end": lambda _, token: token + "AA",
    "a newline after the end": lambda _, token: token + "\n",
    "padding": lambda _, token: token + "==",
    "four parts": lambda _, token: token + ".AA",
    "respelled signature": _respelled,
    "cut off": lambda _, token: token[:-8],
    "deep": lambda keys, _: _signed(keys, {"alg": "EdDSA", "typ": "at+jwt", "kid": keys.kid}, b"[" * 2500),
}


@pytest.mark.parametrize("name", FORGED)
def test_T112_forged(identity: IdentityService, keys: SigningKeys, token: str, name: str) -> None:
    assert identity.authenticate(token).kind is CallerKind.BUYER
    assert refused(identity, FORGED[name](keys, token))


def test_T112_a_refresh_token_is_no_access_token(identity: IdentityService) -> None:
    identity.register(by_email())
    assert refused(identity, identity.login("anna@example.com", None, PASSWORD).refresh_token)


def refused(identity: IdentityService, token: str) -> bool:
    with pytest.raises(Unauthenticated) as error:
        identity.authenticate(token)
    return (error.value.code, error.value.detail) == ("unauthenticated", "A valid access token is needed: sign in.")
