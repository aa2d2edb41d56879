"""Settings that production requires; each message names a setting and never its value."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Set
from email.utils import parseaddr
from typing import Any
from urllib.parse import SplitResult, urlsplit

from psycopg.conninfo import conninfo_to_dict

from services import secret_files
from services.parts import ALL_PARTS, Part
from services.secrets import webhook_keys
from services.settings import Settings, all_settings
from services.settings_rules import is_encrypted, is_loopback

#: Minimum of Argon2id in OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
ARGON2_FLOOR_KIB = 19456
ARGON2_FLOOR_PASSES = 2
#: Characters of SECRETS_KEY.
KEY_LENGTH = 32
#: Minimum bytes of a secret of Standard Webhooks.
WEBHOOK_KEY_LENGTH = 24
# Random text of 32 characters has many more distinct characters, also in hexadecimal.
_MIN_DISTINCT = 10
#: Above this, one address could try more than 300 passwords a minute.
MAX_RATE_LIMIT_FACTOR = 10
#: What libpq calls connections that are never unencrypted.
_TLS_MODES = ("require", "verify-ca", "verify-full")
# Domains for documentation and tests (RFC 2606, RFC 6761).
_RESERVED = re.compile(r"\.(example\.(com|net|org)|example|invalid|test|localhost)$")
_PLACEHOLDERS = ("change", "default", "development", "example", "password", "placeholder", "secret")


def errors(settings: Settings, parts: Set[Part] = ALL_PARTS) -> list[str]:
    """Settings that prevent the start of a process that serves `parts`, one message each; empty when it may start."""
    return [*_missing(settings, parts), *(sentence for check in _CHECKS for sentence in check(settings))]


def _missing(settings: Settings, parts: Set[Part]) -> Iterator[str]:
    for each in all_settings():
        if each.required and each.declared.parts & parts and getattr(settings, each.field) is None:
            yield f"{each.name} is missing: {each.declared.required}"


def warnings(settings: Settings, parts: Set[Part] = ALL_PARTS) -> list[str]:
    """Settings that are right in a private network only, or usually a mistake; one message each."""
    return [*_database_warnings(settings), *_mail_warnings(settings), *_secret_warnings(settings, parts)]


def _secret_warnings(settings: Settings, parts: Set[Part]) -> Iterator[str]:
    secrets = [each for each in all_settings() if each.declared.secret]
    for each in secrets:
        if getattr(settings, each.field) is not None and not each.declared.parts & parts:
            yield f"{each.name} is set and not needed here: unset it, so that nobody can read it in this process"
    for name in secret_files.open_to_others([each.name for each in secrets], os.environ):
        yield f"{name} is in a file that every user of this machine may read: take that right away (`chmod o-r`)"


def _database_warnings(settings: Settings) -> Iterator[str]:
    if settings.database_url and _parts(settings.database_url).get("password") in (None, "", "postgres", "password"):
        yield "DATABASE_URL has no password, or a well-known one"
    for name in ("database_url", "database_listen_url"):
        parts = _parts(getattr(settings, name) or "")
        hosts = str(parts.get("host") or "localhost").split(",")
        # libpq asks for TLS by default, and goes on without it when the server has none.
        if parts.get("sslmode") not in _TLS_MODES and not all(_is_local(host) for host in hosts):
            yield (
                f"{name.upper()} allows an unencrypted connection to another host, which is right in a private network"
                " only: elsewhere add ?sslmode=verify-full"
            )


def _mail_warnings(settings: Settings) -> Iterator[str]:
    parts = urlsplit(settings.smtp_url or "")
    if settings.smtp_url and not _is_protected_mail(parts) and not parts.password:
        yield (
            "SMTP_URL sends mails unencrypted to another host, which is right in a private network only: elsewhere add"
            " ?starttls"
        )


def _mail(settings: Settings) -> Iterator[str]:
    parts = urlsplit(settings.smtp_url or "")
    if not settings.smtp_url:
        return
    if not _is_protected_mail(parts) and parts.password:
        yield "SMTP_URL would send its password unencrypted: use smtps://, or add ?starttls"
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2].lower()
    if _RESERVED.search(f".{domain}") or "." not in domain:
        yield "MAIL_FROM is an address at a domain that nobody can own: set the address of the shop"


def _is_protected_mail(parts: SplitResult) -> bool:
    return parts.scheme == "smtps" or "starttls" in parts.query or is_loopback(parts.hostname)


def _parts(address: str) -> Mapping[str, Any]:
    return conninfo_to_dict(address) if address else {}


def _is_local(host: str) -> bool:
    return host.startswith("/") or is_loopback(host)


def _limits(settings: Settings) -> Iterator[str]:
    if settings.rate_limit_factor > MAX_RATE_LIMIT_FACTOR:
        yield f"RATE_LIMIT_FACTOR is above {MAX_RATE_LIMIT_FACTOR}: the limits by address would protect nobody"


def _keys(settings: Settings) -> Iterator[str]:
    keys = settings.secrets_key_given
    if keys and any(_guessable(key.strip()) for key in keys.split(",")):
        yield f"SECRETS_KEY is weak: every key needs {KEY_LENGTH} or more random characters (`openssl rand -hex 32`)"


def _webhooks(settings: Settings) -> Iterator[str]:
    secrets = settings.payment_webhook_secrets
    if secrets and any(_guessable_bytes(key) for key in webhook_keys(secrets)):
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


def _addresses(settings: Settings) -> Iterator[str]:
    if is_loopback(urlsplit(settings.public_url).hostname):
        yield "PUBLIC_URL is a loopback address, which no buyer can reach: set the https address of the API"
    for name in ("public_url", "payment_gateway_url", "sms_url"):
        address = getattr(settings, name)
        if address and not is_encrypted(address):
            yield f"{name.upper()} must be https unless it is a loopback address: secrets are sent there"
    pages = ("shop_return_url", "shop_order_url", "shop_reset_url", "shop_verify_url")
    shop = {name.upper(): [*filter(None, [getattr(settings, name)])] for name in pages}
    for name, addresses in {"SHOP_ORIGINS": settings.shop_origin_set, **shop}.items():
        if not all(map(is_encrypted, addresses)):
            yield f"{name} must be https unless it is a loopback address: buyers are sent there"
    if not all(origin.startswith("https://") for origin in settings.cors_origin_set):
        yield "CORS_ORIGINS must be https: a page of this origin can do what the person who is signed in there can do"
    decided = settings.temporal_encrypted or settings.temporal_plaintext
    if not decided and not is_loopback(settings.temporal_address.rpartition(":")[0]):
        yield (
            "TEMPORAL_ADDRESS is not a loopback address and the connection would be unencrypted: set TEMPORAL_TLS or"
            " TEMPORAL_API_KEY, or TEMPORAL_PLAINTEXT=private-network"
        )


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
    _addresses,
    _mail,
    _limits,
    _passwords,
    _testing,
)
