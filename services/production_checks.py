"""Settings that production requires; each message names a setting and never its value."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from services.secrets import webhook_keys
from services.settings import NONE, Settings

#: Minimum of Argon2id in OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
ARGON2_FLOOR_KIB = 19456
ARGON2_FLOOR_PASSES = 2
#: Characters of SECRETS_KEY.
KEY_LENGTH = 32
#: Minimum bytes of a secret of Standard Webhooks.
WEBHOOK_KEY_LENGTH = 24
# Random text of 32 characters has many more distinct characters, also in hexadecimal.
_MIN_DISTINCT = 10
_PLACEHOLDERS = ("change", "default", "development", "example", "password", "placeholder", "secret")


def errors(settings: Settings) -> list[str]:
    """Settings that prevent the start, one message each; empty when the system may start."""
    return [sentence for check in _CHECKS for sentence in check(settings)]


def warnings(settings: Settings) -> list[str]:
    """Settings that are allowed and usually a mistake, one message each."""
    password = urlsplit(settings.database_url or "").password
    if settings.database_url and password in (None, "", "postgres", "password"):
        return ["DATABASE_URL has no password, or a well-known one"]
    return []


def _keys(settings: Settings) -> Iterator[str]:
    if not settings.secrets_key_given:
        yield f"SECRETS_KEY is missing: {KEY_LENGTH} or more random characters (`openssl rand -hex 32`)"
    elif any(_guessable(key.strip()) for key in settings.secrets_key_given.split(",")):
        yield f"SECRETS_KEY is weak: every key needs {KEY_LENGTH} or more random characters (`openssl rand -hex 32`)"
    if not settings.signing_key:
        yield "SIGNING_KEY is missing: `openssl genpkey -algorithm ed25519` creates one"


def _webhooks(settings: Settings) -> Iterator[str]:
    if not settings.payment_webhook_secrets:
        yield "PAYMENT_WEBHOOK_SECRETS is missing: `whsec_` followed by the output of `openssl rand -base64 32`"
    elif any(_guessable_bytes(key) for key in webhook_keys(settings.payment_webhook_secrets)):
        yield (
            f"PAYMENT_WEBHOOK_SECRETS is weak: every secret needs {WEBHOOK_KEY_LENGTH} or more random bytes"
            " (`openssl rand -base64 32`)"
        )


def _guessable_bytes(key: bytes) -> bool:
    return len(key) < WEBHOOK_KEY_LENGTH or len(set(key)) < _MIN_DISTINCT or key in (key + key)[1:-1]


def _guessable(key: str) -> bool:
    repeats = key in (key + key)[1:-1]
    placeholder = any(word in key.lower() for word in _PLACEHOLDERS)
    return len(key) < KEY_LENGTH or len(set(key)) < _MIN_DISTINCT or repeats or placeholder


def _external_services(settings: Settings) -> Iterator[str]:
    if settings.payment_gateway == "yookassa":
        for name in ("yookassa_shop_id", "yookassa_secret_key"):
            if not getattr(settings, name):
                yield f"{name.upper()} is missing: copy it from the provider's merchant account"
    for name in ("smtp_url", "sms_url"):
        if getattr(settings, name) is None:
            yield f"{name.upper()} is missing: set it to `{NONE}` to send nothing this way"


def _addresses(settings: Settings) -> Iterator[str]:
    for name in ("public_url", "payment_gateway_url", "sms_url"):
        address = getattr(settings, name)
        if address and not _is_encrypted(address):
            yield f"{name.upper()} must be https unless it is a loopback address: secrets are sent there"
    decided = settings.temporal_tls or settings.temporal_api_key or settings.temporal_plaintext
    if not decided and not _loopback(settings.temporal_address.rpartition(":")[0]):
        yield (
            "TEMPORAL_ADDRESS is not a loopback address and the connection would be unencrypted: set TEMPORAL_TLS or"
            " TEMPORAL_API_KEY, or TEMPORAL_PLAINTEXT=private-network"
        )


def _is_encrypted(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname)))


def _loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address((host or "").strip("[]")).is_loopback
    except ValueError:
        return False


def _passwords(settings: Settings) -> Iterator[str]:
    if settings.argon2_memory_kib < ARGON2_FLOOR_KIB:
        yield f"ARGON2_MEMORY_KIB is below {ARGON2_FLOOR_KIB} (19 MiB)"
    if settings.argon2_time_cost < ARGON2_FLOOR_PASSES:
        yield f"ARGON2_TIME_COST is below {ARGON2_FLOOR_PASSES}"


def _testing(settings: Settings) -> Iterator[str]:
    if settings.faults:
        yield "FAULTS is for development only: unset it"


_CHECKS: tuple[Callable[[Settings], Iterator[str]], ...] = (
    _keys,
    _webhooks,
    _external_services,
    _addresses,
    _passwords,
    _testing,
)
