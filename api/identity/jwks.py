"""The public keys of access tokens, for services that verify tokens themselves."""

from __future__ import annotations

from typing import Literal

from fastapi import Response
from pydantic import BaseModel

from api.access.operation_router import OperationRouter
from api.dependencies import AccessTokens

router = OperationRouter(tags=["Identity"])


class SigningKey(BaseModel):
    """An Ed25519 public key (RFC 8037, section 2)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"
    kid: str
    x: str


class SigningKeySet(BaseModel):
    """The public keys of every key that access tokens may be signed with (RFC 7517, section 5)."""

    keys: list[SigningKey]


@router.get("/.well-known/jwks.json", operation_id="getSigningKeys", summary="Get the public keys of access tokens")
async def get_signing_keys(tokens: AccessTokens, response: Response) -> SigningKeySet:
    """May be cached for five minutes. A retired key is listed until the last token that it signed has expired."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return SigningKeySet(keys=[SigningKey(kid=kid, x=x) for kid, x in tokens.public_keys().items()])
