"""The Ed25519 keys that sign access tokens: from a setting, or generated once in development."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from services.secrets import read_or_create

KEY_FILE = "signing-key.pem"
_BLOCK = re.compile(r"-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----")


class SigningKeys:
    """The first key signs, every key verifies. To rotate, put a new key first."""

    def __init__(self, keys: Sequence[Ed25519PrivateKey]) -> None:
        self.private = keys[0]
        self.public = {_key_id(key.public_key()): key.public_key() for key in keys}
        self.kid = _key_id(self.private.public_key())

    @classmethod
    def from_pem(cls, pem: str) -> SigningKeys:
        """Read one or more private keys; a literal `\\n` is a line end, as in one-line environment files.

        Raises ValueError when there is no key, or a key of another kind.
        """
        blocks = _BLOCK.findall(pem.replace("\\n", "\n"))
        try:
            keys = [load_pem_private_key(block.encode(), None) for block in blocks]
        except (ValueError, TypeError):
            keys = []
        ed25519 = [key for key in keys if isinstance(key, Ed25519PrivateKey)]
        if not ed25519 or len(ed25519) != len(blocks):
            raise ValueError(
                "SIGNING_KEY must be an Ed25519 key in PEM form: `openssl genpkey -algorithm ed25519` creates one"
            )
        return cls(ed25519)

    @classmethod
    def generate(cls) -> SigningKeys:
        """A new random key, not stored."""
        return cls([Ed25519PrivateKey.generate()])

    def public_points(self) -> dict[str, str]:
        """Each public key (`x` of RFC 8037) by its key id."""
        return {kid: _b64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw)) for kid, key in self.public.items()}

    def pem(self) -> str:
        """The signing key in PEM form."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def signing_keys(signing_key: str | None, data_dir: Path, *, development: bool) -> SigningKeys:
    """The keys of `SIGNING_KEY`; if it is not set, in development, those of `DATA_DIR/signing-key.pem` (created once).

    Raises ValueError when the setting is not a key, or is missing outside development.
    """
    if signing_key:
        return SigningKeys.from_pem(signing_key)
    if not development:
        raise ValueError(
            "SIGNING_KEY must be set outside development: `openssl genpkey -algorithm ed25519` creates one"
        )
    return SigningKeys.from_pem(read_or_create(data_dir / KEY_FILE, lambda: SigningKeys.generate().pem()))


def _key_id(key: Ed25519PublicKey) -> str:
    # RFC 8037, appendix A.3: the key id is the thumbprint of the key.
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": _b64url(raw)}
    return _b64url(hashlib.sha256(json.dumps(jwk, separators=(",", ":")).encode()).digest())


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
