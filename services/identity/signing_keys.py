"""The Ed25519 keys that access tokens are signed with: given, or made once for development."""

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
    """The first key signs, each of them verifies: put a new one in front to rotate."""

    def __init__(self, keys: Sequence[Ed25519PrivateKey]) -> None:
        self.private = keys[0]
        self.public = {_key_id(key.public_key()): key.public_key() for key in keys}
        self.kid = _key_id(self.private.public_key())

    @classmethod
    def from_pem(cls, pem: str) -> SigningKeys:
        """Read one or more private keys; `\\n` may stand for line ends, as in one-line environment files.

        Raises ValueError when there is none, or another kind of key.
        """
        blocks = _BLOCK.findall(pem.replace("\\n", "\n"))
        try:
            keys = [load_pem_private_key(block.encode(), None) for block in blocks]
        except (ValueError, TypeError):
            keys = []
        ed25519 = [key for key in keys if isinstance(key, Ed25519PrivateKey)]
        if not ed25519 or len(ed25519) != len(blocks):
            raise ValueError(
                "SIGNING_KEY must be Ed25519 in PEM form: make one with `openssl genpkey -algorithm ed25519`"
            )
        return cls(ed25519)

    @classmethod
    def generate(cls) -> SigningKeys:
        """A key that lives as long as this process."""
        return cls([Ed25519PrivateKey.generate()])

    def public_points(self) -> dict[str, str]:
        """Each public key by its name, as RFC 8037 writes it (`x`)."""
        return {kid: _b64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw)) for kid, key in self.public.items()}

    def pem(self) -> str:
        """The signing key as text."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def signing_keys(signing_key: str | None, data_dir: Path, *, development: bool) -> SigningKeys:
    """The keys by setting `SIGNING_KEY`, or in development those of `DATA_DIR/signing-key.pem`, made when missing.

    Raises ValueError when the setting is no key, or missing outside development.
    """
    if signing_key:
        return SigningKeys.from_pem(signing_key)
    if not development:
        raise ValueError("SIGNING_KEY must be set outside development: `openssl genpkey -algorithm ed25519` makes one")
    return SigningKeys.from_pem(read_or_create(data_dir / KEY_FILE, lambda: SigningKeys.generate().pem()))


def _key_id(key: Ed25519PublicKey) -> str:
    # RFC 8037, appendix A.3: the thumbprint names the key, and nobody has to hand out names.
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": _b64url(raw)}
    return _b64url(hashlib.sha256(json.dumps(jwk, separators=(",", ":")).encode()).digest())


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
