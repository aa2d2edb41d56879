"""Encryption of stored values (card tokens, phones, message variables), and keys that development generates."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

#: File in DATA_DIR with the generated SECRETS_KEY of development.
KEY_FILE = "secrets-key"
#: File in DATA_DIR with the generated PAYMENT_WEBHOOK_SECRETS of development.
WEBHOOK_FILE = "webhook-secret"
#: Prefix of a secret of Standard Webhooks.
WEBHOOK_PREFIX = "whsec_"


class Vault:
    """Encrypts small JSON objects with keys derived from `SECRETS_KEY` (by comma: first encrypts, all decrypt)."""

    def __init__(self, secrets_key: str) -> None:
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in secrets_key.split(",")])

    def seal(self, values: Mapping[str, object]) -> bytes:
        """Encrypt a JSON object."""
        return self._fernet.encrypt(json.dumps(values, ensure_ascii=False).encode())

    def open(self, sealed: bytes) -> dict[str, str]:
        """Decrypt a JSON object. Raises ValueError when no key can decrypt it."""
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(bytes(sealed)))
        except InvalidToken as error:
            raise ValueError("SECRETS_KEY does not open a stored value: was a key retired too early?") from error
        return opened


def _derived(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"market-vault:" + key.strip().encode()).digest())


def make_private(folder: Path) -> None:
    """Create a directory that only its owner may use, or take from others the right to read and change it.

    A directory of somebody else, or a shared one such as `/tmp`, stays as it is. The right to pass through stays too:
    PostgreSQL may run as another user below it. Raises OSError when it cannot be created.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.stat()
    own = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
    if own and found.st_mode & 0o066:
        with suppress(PermissionError):
            folder.chmod(0o700)


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """The text of a file that only its owner may read (mode 0600); created when missing.

    Processes that start at the same time get the same text: creating a link is atomic and fails if the file exists.
    """
    if not path.exists():
        make_private(path.parent)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def development_key(data_dir: Path) -> str:
    """The `SECRETS_KEY` of development when none is set: random, the same for all processes with this directory."""
    return read_or_create(data_dir / KEY_FILE, lambda: secrets.token_urlsafe(32)).strip()


def webhook_keys(given: str) -> list[bytes]:
    """The keys of `PAYMENT_WEBHOOK_SECRETS`: each `whsec_` and base64, several by comma, all of them verify.

    Raises ValueError; the message contains no value.
    """
    return [_webhook_key(secret.strip()) for secret in given.split(",")]


def _webhook_key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key or not secret.startswith(WEBHOOK_PREFIX):
        raise ValueError("PAYMENT_WEBHOOK_SECRETS takes secrets like whsec_<base64>, several by comma")
    return key


def development_webhook_secret(data_dir: Path) -> str:
    """The `PAYMENT_WEBHOOK_SECRETS` of development when none is set: created once per directory."""
    secret = read_or_create(
        data_dir / WEBHOOK_FILE, lambda: f"{WEBHOOK_PREFIX}{base64.b64encode(secrets.token_bytes(32)).decode()}"
    )
    return secret.strip()
