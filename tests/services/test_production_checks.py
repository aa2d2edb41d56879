"""Production checks: each message names the setting and never its value."""

from __future__ import annotations

import secrets

import pytest

from services import production_checks
from services.settings import Settings
from services.startup import read
from tests.services.environment import CANARY, GOOD

REFUSED: dict[str, tuple[str, dict[str, str]]] = {
    "no-secrets-key": ("SECRETS_KEY is missing", {"SECRETS_KEY": ""}),
    "short-secrets-key": ("SECRETS_KEY is weak", {"SECRETS_KEY": f"a9Kx2mQ7vR4-{CANARY}"}),
    "one-key-of-two": ("SECRETS_KEY is weak", {"SECRETS_KEY": f"{GOOD['SECRETS_KEY']},{CANARY}"}),
    "one-letter": ("SECRETS_KEY is weak", {"SECRETS_KEY": "x" * 64}),
    "few-letters": ("SECRETS_KEY is weak", {"SECRETS_KEY": "abcdefgaabbccddeeffgggfedcbagfedcabc"}),
    "repeated": ("SECRETS_KEY is weak", {"SECRETS_KEY": f"{CANARY}Q-1_" * 4}),
    "the-old-default": ("SECRETS_KEY is weak", {"SECRETS_KEY": f"development-only-key-change-me-{CANARY}"}),
    "no-signing-key": ("SIGNING_KEY is missing", {"SIGNING_KEY": ""}),
    "T95-no-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS is missing", {"PAYMENT_WEBHOOK_SECRETS": ""}),
    "T95-short-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS is weak", {"PAYMENT_WEBHOOK_SECRETS": "whsec_c2VjcmV0"}),
    "T95-dull-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS is weak", {"PAYMENT_WEBHOOK_SECRETS": f"whsec_{'A' * 64}"}),
    "T95-one-webhook-secret-of-two": (
        "PAYMENT_WEBHOOK_SECRETS is weak",
        {"PAYMENT_WEBHOOK_SECRETS": f"{GOOD['PAYMENT_WEBHOOK_SECRETS']},whsec_c2VjcmV0"},
    ),
    "T95-empty-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS takes", {"PAYMENT_WEBHOOK_SECRETS": "whsec_"}),
    "T95-no-prefix": ("PAYMENT_WEBHOOK_SECRETS takes", {"PAYMENT_WEBHOOK_SECRETS": f"{CANARY}AAAA"}),
    "T95-a-comma-too-many": (
        "PAYMENT_WEBHOOK_SECRETS takes",
        {"PAYMENT_WEBHOOK_SECRETS": f"{GOOD['PAYMENT_WEBHOOK_SECRETS']},"},
    ),
    "no-shop": ("YOOKASSA_SHOP_ID is missing", {"YOOKASSA_SHOP_ID": ""}),
    "no-shop-key": ("YOOKASSA_SECRET_KEY is missing", {"YOOKASSA_SECRET_KEY": ""}),
    "no-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS is missing", {"PAYMENT_WEBHOOK_SECRETS": ""}),
    "odd-webhook-secret": ("PAYMENT_WEBHOOK_SECRETS takes secrets", {"PAYMENT_WEBHOOK_SECRETS": CANARY}),
    "no-mail": ("SMTP_URL is missing", {"SMTP_URL": ""}),
    "no-sms": ("SMS_URL is missing", {"SMS_URL": ""}),
    "open-public-url": ("PUBLIC_URL must be https", {"PUBLIC_URL": f"http://{CANARY}.example.com"}),
    "open-shop": ("SHOP_ORIGINS must be https", {"SHOP_ORIGINS": f"http://{CANARY}.example.com"}),
    "no-origin": ("SHOP_ORIGINS takes origins", {"SHOP_ORIGINS": f"{CANARY}.example.com"}),
    "open-pages": ("CORS_ORIGINS must be https", {"CORS_ORIGINS": "https://a.example.com,http://127.0.0.1:3000"}),
    "unencrypted-pages": ("CORS_ORIGINS takes https origins", {"CORS_ORIGINS": f"http://{CANARY}.example.com"}),
    "all-pages": ("CORS_ORIGINS takes origins", {"CORS_ORIGINS": "*"}),
    "open-return": ("SHOP_RETURN_URL must be https", {"SHOP_RETURN_URL": f"http://{CANARY}.example.com/return"}),
    "open-order": ("SHOP_ORDER_URL must be https", {"SHOP_ORDER_URL": f"http://{CANARY}.example.com/{{orderId}}"}),
    "open-reset": ("SHOP_RESET_URL must be https", {"SHOP_RESET_URL": f"http://{CANARY}.example.com/{{token}}"}),
    "open-verify": ("SHOP_VERIFY_URL must be https", {"SHOP_VERIFY_URL": f"http://{CANARY}.example.com/{{code}}"}),
    "no-order-url": ("SHOP_ORDER_URL must be a URL", {"SHOP_ORDER_URL": f"{CANARY}/{{orderId}}"}),
    "no-order-id": ("SHOP_ORDER_URL must have {orderId}", {"SHOP_ORDER_URL": f"https://{CANARY}.example.com/"}),
    "no-token": ("SHOP_RESET_URL must have {token}", {"SHOP_RESET_URL": f"https://{CANARY}.example.com/"}),
    "host-of-code": ("SHOP_VERIFY_URL must be a URL", {"SHOP_VERIFY_URL": f"https://{{code}}.{CANARY}.example.com/"}),
    "no-reply-to": ("MAIL_REPLY_TO must be one address", {"MAIL_REPLY_TO": CANARY}),
    "no-return-url": ("SHOP_RETURN_URL must be a URL", {"SHOP_RETURN_URL": CANARY}),
    "open-sms": ("SMS_URL must be https", {"SMS_URL": f"http://shop:{CANARY}@sms.example.com/Messages.json"}),
    "open-gateway": ("PAYMENT_GATEWAY_URL must be https", {"PAYMENT_GATEWAY_URL": f"http://{CANARY}.example.com/v3"}),
    "little-memory": ("ARGON2_MEMORY_KIB is below 19456", {"ARGON2_MEMORY_KIB": "19455", "ARGON2_TIME_COST": "9"}),
    "one-pass": ("ARGON2_TIME_COST is below 2", {"ARGON2_MEMORY_KIB": "2097152", "ARGON2_TIME_COST": "1"}),
    "faults": ("FAULTS is for development only", {"FAULTS": "charge:before:kill"}),
    "open-temporal": ("TEMPORAL_ADDRESS is not a loopback address", {"TEMPORAL_ADDRESS": f"{CANARY}.example.com:7233"}),
    "no-plaintext": ("TEMPORAL_PLAINTEXT: Input should be", {"TEMPORAL_PLAINTEXT": CANARY}),
    "no-number": ("ARGON2_MEMORY_KIB: Input should be a valid integer", {"ARGON2_MEMORY_KIB": CANARY}),
    "odd-database": (
        "DATABASE_URL is not a valid URL",
        {"DATABASE_URL": f"postgresql://market:{CANARY}/x@there/market"},
    ),
    "other-database": ("DATABASE_URL must begin with postgresql://", {"DATABASE_URL": f"mysql://m:{CANARY}@there/m"}),
    "no-service": ("API_SERVICES takes identity, ", {"API_SERVICES": f"catalog,{CANARY}"}),
    "T155-loopback": ("PUBLIC_URL is a loopback address", {"PUBLIC_URL": "http://127.0.0.1:8000"}),
    "T155-loopback-name": ("PUBLIC_URL is a loopback address", {"PUBLIC_URL": "https://localhost"}),
    "T155-loopback-6": ("PUBLIC_URL is a loopback address", {"PUBLIC_URL": "https://[::1]:8000"}),
    "T155-no-sender": ("MAIL_FROM is an address at a domain that nobody can own", {"MAIL_FROM": ""}),
    "T155-reserved-sender": ("MAIL_FROM is an address at", {"MAIL_FROM": f"{CANARY} <{CANARY}@mail.shop.test>"}),
    "T155-local-sender": ("MAIL_FROM is an address at", {"MAIL_FROM": f"{CANARY}@localhost"}),
    "T155-open-password": ("SMTP_URL would send", {"SMTP_URL": f"smtp://shop:{CANARY}@mail.example.com:25"}),
    "T155-every-source": ("PAYMENT_WEBHOOK_SOURCES has", {"PAYMENT_WEBHOOK_SOURCES": "0.0.0.0/0"}),
    "T155-half-of-all": ("PAYMENT_WEBHOOK_SOURCES has", {"PAYMENT_WEBHOOK_SOURCES": "10.0.0.0/8,128.0.0.0/1"}),
    "T155-every-source-6": ("PAYMENT_WEBHOOK_SOURCES has", {"PAYMENT_WEBHOOK_SOURCES": "::/0"}),
    "T155-every-proxy": ("TRUSTED_PROXIES has a network", {"TRUSTED_PROXIES": "0.0.0.0/0"}),
    "T155-half-of-all-proxies": ("TRUSTED_PROXIES has a network", {"TRUSTED_PROXIES": "0.0.0.0/1,128.0.0.0/1"}),
    "T155-no-limits": ("RATE_LIMIT_FACTOR is above 10", {"RATE_LIMIT_FACTOR": "1000"}),
    "T155-infinite-limits": ("RATE_LIMIT_FACTOR: ", {"RATE_LIMIT_FACTOR": "inf"}),
    "T157-comma": ("MAIL_FROM must be one address", {"MAIL_FROM": f"{CANARY}, Inc. <orders@market.shop>"}),
    "T157-cyrillic": ("MAIL_FROM must be one address", {"MAIL_FROM": f"{CANARY} <заказы@market.shop>"}),
    "T157-cyrillic-domain": ("MAIL_FROM must be one address", {"MAIL_FROM": f"{CANARY}@рынок.рф"}),
    "T157-no-address": ("MAIL_FROM must be one address", {"MAIL_FROM": CANARY}),
    "T157-two-lines": ("MAIL_FROM is blank, or has", {"MAIL_FROM": f"{CANARY}\t<orders@market.shop>"}),
    "T157-no-region": ("PHONE_REGION must be", {"PHONE_REGION": "XX"}),
    "T158-no-port": ("DATABASE_URL is not a valid URL", {"DATABASE_URL": f"postgresql://m:{CANARY}@a:5432,b:x/m"}),
    "short-hold": ("HOLD_SECONDS must be longer than PAYMENT_WINDOW", {"HOLD_SECONDS": "900"}),
}


def test_complete_settings_are_accepted(environment: pytest.MonkeyPatch) -> None:
    settings = read()
    assert (settings.development, settings.docs_on, settings.secrets_key) == (False, False, GOOD["SECRETS_KEY"])
    assert production_checks.warnings(settings) == []


def settings_error() -> str:
    """The error of `Settings`, which runs no production checks; empty when there is none."""
    try:
        Settings()
    except ValueError as error:
        return f"{error!s}{error!r}"
    return ""


@pytest.mark.parametrize("case", REFUSED)
def test_T116_production_refuses_wrong_settings(environment: pytest.MonkeyPatch, case: str) -> None:
    message, changes = REFUSED[case]
    for name, value in changes.items():
        environment.setenv(name, value)
    with pytest.raises(ValueError, match="^" + message) as refused:
        read()
    assert CANARY not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("case", REFUSED)
def test_T116_errors_of_settings_contain_no_value(environment: pytest.MonkeyPatch, case: str) -> None:
    for name, value in REFUSED[case][1].items():
        environment.setenv(name, value)
    assert CANARY not in settings_error()


@pytest.mark.parametrize(
    "changes",
    [
        {"SECRETS_KEY": f"{GOOD['SECRETS_KEY']}, {secrets.token_hex(16)}"},
        {"SMTP_URL": "none", "SMS_URL": "none"},
        {"SMTP_URL": "smtp://127.0.0.1:25", "MAIL_FROM": '"Market, Inc." <orders@market.shop>'},
        {"SMTP_URL": "none", "MAIL_FROM": "orders@example.com"},
        {"RATE_LIMIT_FACTOR": "10", "TRUSTED_PROXIES": "10.0.0.0/8, fc00::/7, 104.16.0.0/13"},
        {"DATABASE_URL": f"postgresql://m:{CANARY}@a:5432,[::1]:5433/m?sslmode=require&target_session_attrs=primary"},
        {"DATABASE_URL": f"postgresql://market:{CANARY}@/market?host=/var/run/postgresql"},
        {"ARGON2_MEMORY_KIB": "19456", "ARGON2_TIME_COST": "2", "ARGON2_PARALLELISM": "1"},
        {"TEMPORAL_ADDRESS": "there:7233", "TEMPORAL_TLS": "true"},
        {"TEMPORAL_ADDRESS": "there:7233", "TEMPORAL_API_KEY": CANARY},
        {"TEMPORAL_ADDRESS": "there:7233", "TEMPORAL_TLS_SERVER_NAME": "temporal.internal"},
        {"TEMPORAL_ADDRESS": "there:7233", "TEMPORAL_PLAINTEXT": "private-network"},
        {"TEMPORAL_ADDRESS": "localhost:7233"},
        {"API_DOCS": "true"},
    ],
    ids=[
        "two-keys",
        "none",
        "local-mail",
        "no-mail",
        "limits",
        "hosts",
        "socket",
        "floor",
        "tls",
        "api-key",
        "certificates",
        "private",
        "localhost",
        "docs",
    ],
)
def test_production_accepts(environment: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    for name, value in changes.items():
        environment.setenv(name, value)
    settings = read()
    assert not settings.development
    assert settings.docs_on is ("API_DOCS" in changes)
    assert (settings.smtp_url == "") is (changes.get("SMTP_URL") == "none")
    assert production_checks.warnings(settings) == []


@pytest.mark.parametrize("password", ["", ":", ":postgres"])
def test_a_weak_database_password_causes_a_warning(environment: pytest.MonkeyPatch, password: str) -> None:
    environment.setenv("DATABASE_URL", f"postgresql://market{password}@there/market")
    assert production_checks.warnings(read())[0] == "DATABASE_URL has no password, or a well-known one"


WARNED = {
    "open-database": ("DATABASE_URL allows", {"DATABASE_URL": f"postgresql://market:{CANARY}@there/market"}),
    "one-open-host-of-two": ("DATABASE_URL allows", {"DATABASE_URL": f"postgresql://m:{CANARY}@127.0.0.1,there/m"}),
    "preferred-tls": ("DATABASE_URL allows", {"DATABASE_URL": f"postgresql://m:{CANARY}@there/m?sslmode=prefer"}),
    "open-listen": ("DATABASE_LISTEN_URL allows", {"DATABASE_LISTEN_URL": f"postgresql://market:{CANARY}@there/m"}),
    "open-mail": ("SMTP_URL sends mails unencrypted", {"SMTP_URL": f"smtp://{CANARY}.example.com:25"}),
}


@pytest.mark.parametrize("case", WARNED)
def test_T156_what_is_right_in_a_private_network_only_causes_a_warning(
    environment: pytest.MonkeyPatch, case: str
) -> None:
    message, changes = WARNED[case]
    for name, value in changes.items():
        environment.setenv(name, value)
    (warning,) = production_checks.warnings(read())
    assert warning.startswith(message)
    assert "private network" in warning
    assert CANARY not in warning
