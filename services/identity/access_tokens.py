"""Access tokens: signed JWTs, valid for ten minutes with a session, or up to an hour without one."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NoReturn
from uuid import UUID

import jwt

from services.clock import Clock, new_id
from services.errors import Unauthenticated
from services.identity.signing_keys import SigningKeys
from services.identity.views import CallerKind, Scope

ISSUER = "market-identity"
#: Audience of people's tokens, each with a session.
AUDIENCE = "market"
#: Audience of tokens without a session, for services and for scripts of operators.
INTERNAL = "internal"
#: Seconds.
ACCESS_LIFETIME = 600
MAX_INTERNAL_LIFETIME = 3600
# Seconds that the issuing host's clock may be ahead of ours (FAULTS F51); an expiry gets no leeway.
LEEWAY = 30

_LONGEST = 4096
# Tokens whose signature this process remembers: one more check of it costs as much as two statements.
_REMEMBERED = 2048
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_TYPE = "at+jwt"  # RFC 9068, section 2.1
_REQUIRED = ("iss", "aud", "sub", "jti", "iat", "nbf", "exp", "role")


@dataclass(frozen=True)
class Claims:
    """The claims of a valid token; `session` is None for a token without a session, which has `scopes`."""

    id: str
    subject: str
    session: str | None
    role: str
    scopes: frozenset[str]


class AccessTokens:
    """Signs and verifies access tokens."""

    def __init__(self, keys: SigningKeys, clock: Clock) -> None:
        self._keys, self._clock = keys, clock
        self._verified = lru_cache(_REMEMBERED)(self._verify)

    def issue(
        self, user_id: UUID, session_id: UUID, role: str, *, at: datetime | None = None, jti: UUID | None = None
    ) -> str:
        """A token for a person's session, valid for 600 s; the same token for the same `at` and `jti`."""
        claims = {"aud": AUDIENCE, "sub": str(user_id), "sid": str(session_id), "role": role}
        return self._sign(claims | ({"jti": str(jti)} if jti else {}), ACCESS_LIFETIME, at)

    def mint(
        self,
        role: CallerKind,
        scopes: Iterable[Scope] = (),
        seconds: int = MAX_INTERNAL_LIFETIME,
        *,
        name: str,
        jti: UUID | None = None,
    ) -> str:
        """A token without a session, for a service or an operator of this name, which is kept with what it does.

        It is refused unless `MintedTokens` has a row with its `jti`.
        Raises ValueError for more than 3,600 s, and for a name that is not 1 to 40 letters, digits, `.`, `_` or `-`.
        """
        if not _NAME.fullmatch(name):
            raise ValueError("a name has 1 to 40 letters, digits, dots, underscores or hyphens")
        if role is CallerKind.BUYER or not 0 < seconds <= MAX_INTERNAL_LIFETIME:
            raise ValueError("a token without a session is for services and operators, and for at most an hour")
        claims = {"aud": INTERNAL, "sub": f"{role}:{name}", "role": str(role), "scope": " ".join(sorted(scopes))}
        return self._sign(claims | {"jti": str(jti or new_id())}, seconds)

    def public_keys(self) -> dict[str, str]:
        """The public keys that verify our tokens: the `x` of each Ed25519 key (RFC 8037), by its `kid`."""
        return self._keys.public_points()

    def read(self, token: str) -> Claims:
        """Verify signature, type, issuer, audience and times; returns the claims. Raises Unauthenticated.

        A valid signature stays valid and is remembered; the times are checked on every call.
        """
        claims = self._verified(token)
        self._require_time(claims)
        return _claims(claims)

    def _verify(self, token: str) -> Mapping[str, Any]:
        key = self._keys.public.get(_key_id(token))
        if key is None:
            _refuse()
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                issuer=ISSUER,
                audience=(AUDIENCE, INTERNAL),
                # `_require_time` checks the times: strictly, and on the injected clock.
                options={"require": list(_REQUIRED), "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError):
            _refuse()
        return claims

    def _sign(self, claims: dict[str, Any], seconds: int, at: datetime | None = None) -> str:
        now = int((at or self._now()).timestamp())
        times = {"iat": now, "nbf": now, "exp": now + seconds}
        payload = {"iss": ISSUER, "jti": str(new_id()), **times, **claims}
        return jwt.encode(payload, self._keys.private, "EdDSA", headers={"typ": _TYPE, "kid": self._keys.kid})

    def _require_time(self, claims: Mapping[str, Any]) -> None:
        now = self._now().timestamp()
        issued, not_before, expires = claims["iat"], claims["nbf"], claims["exp"]
        if not all(type(moment) is int for moment in (issued, not_before, expires)):
            _refuse()
        if expires <= now or max(issued, not_before) > now + LEEWAY or expires - issued > MAX_INTERNAL_LIFETIME:
            _refuse()

    def _now(self) -> datetime:
        return self._clock.override() or datetime.now(UTC)


def _key_id(token: str) -> str:
    """The `kid` of a token whose header has exactly our fields: no other algorithm, type, key URL or extension."""
    parts = token.split(".") if len(token) <= _LONGEST else []
    if len(parts) != 3:
        _refuse()
    header, payload = (_object(part) for part in parts[:2])
    _decoded(parts[2])
    if header.keys() != {"alg", "typ", "kid"} or (header["alg"], header["typ"]) != ("EdDSA", _TYPE):
        _refuse()
    if not payload.keys() <= {*_REQUIRED, "sid", "scope"} or not isinstance(header["kid"], str):
        _refuse()
    return header["kid"]


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_decoded(part), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        _refuse()
    if not isinstance(found, dict):
        _refuse()
    return found


def _decoded(part: str) -> bytes:
    # Only the canonical form: base64 ignores unused trailing bits, so one token would have several valid spellings.
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        _refuse()
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != part:
        _refuse()
    return raw


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse()
    return found


def _claims(claims: Mapping[str, Any]) -> Claims:
    session, scope = claims.get("sid"), claims.get("scope", "")
    token_id, subject, role, audience = claims["jti"], claims["sub"], claims["role"], claims["aud"]
    if not all(isinstance(value, str) for value in (session or "", scope, token_id, subject, role, audience)):
        _refuse()
    if (audience == AUDIENCE) != (session is not None):
        _refuse()
    return Claims(token_id, subject, session, role, frozenset(scope.split()))


def _refuse() -> NoReturn:
    raise Unauthenticated() from None
