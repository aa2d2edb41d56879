"""Settings that production requires; each sentence names its setting and never its value."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from services.secrets import webhook_keys
from services.settings import NONE, Settings

#: The floor of Argon2id that OWASP's password storage page gives: 19 MiB, two passes, one lane.
ARGON2_FLOOR_KIB = 19456
ARGON2_FLOOR_PASSES = 2
KEY_LENGTH = 32
#: Bytes of a secret that Standard Webhooks asks for at least.
WEBHOOK_KEY_LENGTH = 24
# Random text of 32 characters has far more different ones, also in hexadecimal.
_DIFFERENT = 10
_PLACEHOLDERS = ("change", "default", "development", "example", "password", "placeholder", "secret")


def errors(settings: Settings) -> list[str]:
    """What keeps this system from starting, one sentence a setting; empty when it may start."""
    return [sentence for check in _CHECKS for sentence in check(settings)]


def warnings(settings: Settings) -> list[str]:
    """What is allowed but mostly a mistake, one sentence each."""
    password = urlsplit(settings.database_url or "").password
    if settings.database_url and password in (None, "", "postgres", "password"):
        return ["DATABASE_URL has no password, or one that everybody knows"]
    return []


def _keys(settings: Settings) -> Iterator[str]:
    if not settings.secrets_key_given:
        yield f"SECRETS_KEY is missing: {KEY_LENGTH} or more random characters (`openssl rand -hex 32`)"
    elif any(_guessable(key.strip()) for key in settings.secrets_key_given.split(",")):
        yield f"SECRETS_KEY is weak: every key needs {KEY_LENGTH} or more random characters (`openssl rand -hex 32`)"
    if not settings.signing_key:
        yield "SIGNING_KEY is missing: `openssl genpkey -algorithm ed25519` makes one"


def _webhooks(settings: Settings) -> Iterator[str]:
    if not settings.payment_webhook_secrets:
        yield "PAYMENT_WEBHOOK_SECRETS is missing: `whsec_` and what `openssl rand -base64 32` prints"
    elif any(_guessable_bytes(key) for key in webhook_keys(settings.payment_webhook_secrets)):
        yield (
            f"PAYMENT_WEBHOOK_SECRETS is weak: every secret needs {WEBHOOK_KEY_LENGTH} or more random bytes"
            " (`openssl rand -base64 32`)"
        )


def _guessable_bytes(key: bytes) -> bool:
    return len(key) < WEBHOOK_KEY_LENGTH or len(set(key)) < _DIFFERENT or key in (key + key)[1:-1]


def _guessable(key: str) -> bool:
    repeats = key in (key + key)[1:-1]
    named = any(word in key.lower() for word in _PLACEHOLDERS)
    return len(key) < KEY_LENGTH or len(set(key)) < _DIFFERENT or repeats or named


def _external_services(settings: Settings) -> Iterator[str]:
    if settings.payment_gateway == "yookassa":
        for name in ("yookassa_shop_id", "yookassa_secret_key"):
            if not getattr(settings, name):
                yield f"{name.upper()} is missing: the provider's cabinet shows it"
    for name in ("smtp_url", "sms_url"):
        if getattr(settings, name) is None:
            yield f"{name.upper()} is missing: say `{NONE}` if nothing shall be sent that way"


def _addresses(settings: Settings) -> Iterator[str]:
    for name in ("public_url", "payment_gateway_url", "sms_url"):
        address = getattr(settings, name)
        if address and not _sheltered(address):
            yield f"{name.upper()} must be https beyond the loopback: secrets travel there"
    guarded = settings.temporal_tls or settings.temporal_api_key or settings.temporal_plaintext
    if not guarded and not _loopback(settings.temporal_address.rpartition(":")[0]):
        yield (
            "TEMPORAL_ADDRESS is beyond the loopback and would be spoken to in the clear: set TEMPORAL_TLS or"
            " TEMPORAL_API_KEY, or TEMPORAL_PLAINTEXT=private-network"
        )


def _sheltered(address: str) -> bool:
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
