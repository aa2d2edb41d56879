"""Access tokens that the service did not issue, by their defect (ABUSE T112)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.identity.signing_keys import SigningKeys

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


def _payload(token: str) -> bytes:
    return json.dumps(jwt.decode(token, options={"verify_signature": False})).encode()


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
    "no subject": _changed(drop="sub"),
    "issued tomorrow": _changed({"iat": 9_999_999_999}),
    "x5c": _changed(headers={"x5c": ["MIIB"]}),
    "no kid": lambda keys, token: _signed(keys, {"alg": "EdDSA", "typ": "at+jwt"}, _payload(token)),
    "no alg": lambda keys, token: _signed(keys, {"typ": "at+jwt", "kid": keys.kid}, _payload(token)),
    "claims are a list": lambda keys, _: _signed(keys, {"alg": "EdDSA", "typ": "at+jwt", "kid": keys.kid}, b"[]"),
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
