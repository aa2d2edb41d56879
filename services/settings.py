"""All settings, read once from the environment; they are passed to whatever needs them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.secrets import development_key, development_webhook_secret, webhook_keys

SERVICES = ("identity", "catalog", "orders", "reservations", "payments", "notifications")

_ADDRESSES = ("public_url", "payment_gateway_url", "smtp_url", "sms_url")

#: The value of an address setting when there is no such server.
NONE = "none"
#: A value that is never shown, neither in an error nor in a representation.
Secret = Annotated[str | None, Field(repr=False)]
#: The URL of an external service, with its password; `none` in the environment becomes the empty string.
ServiceAddress = Annotated[Secret, AfterValidator(lambda value: "" if value == NONE else value)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Settings(BaseSettings):
    """Field names are the environment variables in lower case; durations are whole seconds unless stated otherwise."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    app_env: Literal["development", "production"] | None = None
    data_dir: Path = Path(".data")
    public_url: str = "http://127.0.0.1:8000"
    #: SECRETS_KEY as set: several by comma for rotation; code uses `secrets_key`
    secrets_key_given: Secret = Field(None, validation_alias="secrets_key")
    #: Ed25519 in PEM form, several for rotation; in development created once in DATA_DIR
    signing_key: Secret = None
    phone_region: str = Field("RU", pattern="^[A-Z]{2}$")

    database_url: Secret = None
    database_listen_url: Secret = None
    database_pool: int = Field(16, ge=1)

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "market"
    temporal_api_key: Secret = None
    temporal_tls: bool = False
    #: confirms that an unencrypted connection to a Temporal server on another host stays in a private network
    temporal_plaintext: Literal["private-network"] | None = None

    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    api_docs: bool | None = None
    api_services: str = ",".join(SERVICES)
    #: address that serves `/metrics` and the detail of `/readyz` without authentication; no port: not in production
    metrics_host: str = "127.0.0.1"
    metrics_port: Port | None = None
    #: multiplies the rate limits by address and by caller of api/access/rate_limits.py
    rate_limit_factor: float = Field(1, gt=0)
    #: networks of the proxies in front of the api, comma-separated: only their X-Forwarded-For is trusted
    trusted_proxies: str = ""

    smtp_url: ServiceAddress = None
    sms_url: ServiceAddress = None
    shop_name: str = "Marketplace"
    mail_from: str = "Marketplace Orders <orders@example.com>"
    sms_from: str = "Market"

    payment_gateway: Literal["yookassa"] = "yookassa"
    payment_gateway_url: str = "https://api.yookassa.ru/v3"
    #: networks that webhooks may come from in addition to the provider's, comma-separated
    payment_webhook_sources: str = ""
    #: PAYMENT_WEBHOOK_SECRETS as set: `whsec_<base64>`, several by comma for rotation; code uses `webhook_secrets`
    payment_webhook_secrets: Secret = None
    yookassa_shop_id: str | None = None
    yookassa_secret_key: Secret = None

    #: SMS with codes and reset tokens per hour, to all people together; 0: no limit
    sms_per_hour: int = Field(1000, ge=0)

    orders_max_unpaid: int = Field(5, ge=0)
    orders_require_verified: bool = False
    #: seconds within which a payment must be started
    payment_window: int = Field(900, ge=1)
    #: seconds for which a reservation holds its goods
    hold_seconds: int = Field(1200, ge=2)
    #: seconds that a phone payment may stay pending at the provider
    phone_term: int = Field(3900, ge=1)
    #: seconds that a card payment may stay pending (3-D Secure) at the provider
    card_term: int = Field(3600, ge=1)
    payment_attempts: int = Field(1, ge=1, le=10)
    #: seconds of failures after which a stuck undo raises attention
    attention_after: int = Field(600, ge=1)
    local_lane: Literal["on", "off"] = "on"

    #: None: on in development only; code uses `workflow_sandbox_on`
    workflow_sandbox: Literal["on", "off"] | None = None
    #: steps that a worker runs at once; more than the two activities of relay and dispatcher, which hold a place each
    worker_threads: int = Field(16, ge=4)

    #: Argon2id: time cost, memory in KiB, lanes; argon2-cffi's default profile
    argon2_time_cost: int = Field(3, ge=1)
    argon2_memory_kib: int = Field(65536, ge=8)
    argon2_parallelism: int = Field(4, ge=1)

    #: active fault points, `step:point:kind`, comma-separated; development only
    faults: str = ""

    @property
    def development(self) -> bool:
        """True when APP_ENV is `development`, or when neither APP_ENV nor DATABASE_URL is set."""
        return (self.app_env or ("production" if self.database_url else "development")) == "development"

    @property
    def docs_on(self) -> bool:
        """Whether `/docs` and `/openapi.json` are served: API_DOCS, by default in development only."""
        return self.development if self.api_docs is None else self.api_docs

    @property
    def workflow_sandbox_on(self) -> bool:
        """Whether workflows run in the SDK's sandbox: WORKFLOW_SANDBOX, by default in development only."""
        return self.development if self.workflow_sandbox is None else self.workflow_sandbox == "on"

    @property
    def secrets_key(self) -> str:
        """The keys that encrypt stored values and that other keys are derived from; several by comma.

        In development, when SECRETS_KEY is not set, the key of `DATA_DIR/secrets-key`, created when missing.
        """
        return self.secrets_key_given or development_key(self.data_dir)

    @property
    def webhook_secrets(self) -> str:
        """The secrets that verify payment status reports; in development by default a secret in DATA_DIR."""
        return self.payment_webhook_secrets or development_webhook_secret(self.data_dir)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if messages := [*_errors(self)]:
            raise PydanticCustomError("invalid-settings", "{messages}", {"messages": "\n".join(messages)})
        return self


def _errors(settings: Settings) -> Iterator[str]:
    if settings.hold_seconds <= settings.payment_window:
        yield "HOLD_SECONDS must be longer than PAYMENT_WINDOW: goods are held until the payment window has ended"
    for name in ("database_url", "database_listen_url"):
        if not (getattr(settings, name) or "postgresql://").startswith("postgresql://"):
            yield f"{name.upper()} must begin with postgresql://"
    for name in (*_ADDRESSES, "database_url", "database_listen_url"):
        if not _well_formed(getattr(settings, name) or ""):
            yield f"{name.upper()} is not a valid URL: write @ : / in its password as %40 %3A %2F"
    for name in ("payment_webhook_sources", "trusted_proxies"):
        if not all(_is_network(source.strip()) for source in getattr(settings, name).split(",") if source.strip()):
            yield f"{name.upper()} takes networks separated by comma, e.g. 203.0.113.0/24"
    if any(source.strip().endswith("/0") for source in settings.trusted_proxies.split(",")):
        yield "TRUSTED_PROXIES must not contain a /0 network: every client could then forge its address"
    if settings.payment_webhook_secrets and not _webhook_secrets(settings.payment_webhook_secrets):
        yield "PAYMENT_WEBHOOK_SECRETS takes secrets like whsec_<base64>, several by comma"
    if not {name.strip() for name in settings.api_services.split(",")} <= {*SERVICES, ""}:
        yield f"API_SERVICES takes {', '.join(SERVICES)}"


def _well_formed(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _is_network(source: str) -> bool:
    try:
        return bool(ipaddress.ip_network(source))
    except ValueError:
        return False


def _webhook_secrets(given: str) -> bool:
    try:
        return bool(webhook_keys(given))
    except ValueError:
        return False
