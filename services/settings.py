"""Everything that can be set from outside, read once from the environment and passed in."""

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

#: The value of an address setting that says: there is no such service.
NONE = "none"
#: Never shown, neither by a refusal nor by a representation.
Secret = Annotated[str | None, Field(repr=False)]
#: The address of a neighbour, with its password; empty: said to be none.
Neighbour = Annotated[Secret, AfterValidator(lambda said: "" if said == NONE else said)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Settings(BaseSettings):
    """Names are the environment variables in lower case; durations are whole seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    app_env: Literal["development", "production"] | None = None
    data_dir: Path = Path(".data")
    public_url: str = "http://127.0.0.1:8000"
    #: as SECRETS_KEY gives it: several by comma for rotation; `secrets_key` is what to use
    secrets_key_given: Secret = Field(None, validation_alias="secrets_key")
    #: Ed25519 in PEM form, several for rotation; made once in DATA_DIR in development
    signing_key: Secret = None
    phone_region: str = Field("RU", pattern="^[A-Z]{2}$")

    database_url: Secret = None
    database_listen_url: Secret = None
    database_pool: int = Field(16, ge=1)

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "market"
    temporal_api_key: Secret = None
    temporal_tls: bool = False
    #: said by who runs Temporal in the clear beyond the loopback, in a network of their own
    temporal_plaintext: Literal["private-network"] | None = None

    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    api_docs: bool | None = None
    api_services: str = ",".join(SERVICES)
    #: where `/metrics` and the detail of `/readyz` are served to whoever can reach it; none: nowhere in production
    metrics_host: str = "127.0.0.1"
    metrics_port: Port | None = None
    #: rates by address and by caller are so many times what api/access/rate_limits.py says
    rate_limit_factor: float = Field(1, gt=0)
    #: networks of the proxies before the api, comma-separated: only their X-Forwarded-For is believed
    trusted_proxies: str = ""

    smtp_url: Neighbour = None
    sms_url: Neighbour = None
    shop_name: str = "Marketplace"
    mail_from: str = "Marketplace Orders <orders@example.com>"
    sms_from: str = "Market"

    payment_gateway: Literal["yookassa"] = "yookassa"
    payment_gateway_url: str = "https://api.yookassa.ru/v3"
    #: networks that webhooks may come from besides the provider's own, comma-separated
    payment_webhook_sources: str = ""
    #: as PAYMENT_WEBHOOK_SECRETS gives them: `whsec_<base64>`, several by comma for rotation
    payment_webhook_secrets: Secret = None
    yookassa_shop_id: str | None = None
    yookassa_secret_key: Secret = None

    #: text messages about codes and resets, of all people together; 0: no bound
    sms_per_hour: int = Field(1000, ge=0)

    orders_max_unpaid: int = Field(5, ge=0)
    orders_require_verified: bool = False
    #: seconds in which a payment must be started
    payment_window: int = Field(900, ge=1)
    #: seconds for which goods are held
    hold_seconds: int = Field(1200, ge=2)
    #: seconds that a phone payment may stay pending at the provider
    phone_term: int = Field(3900, ge=1)
    #: seconds that a card payment may stay pending (3-D Secure) at the provider
    card_term: int = Field(3600, ge=1)
    payment_attempts: int = Field(1, ge=1, le=10)
    #: seconds of failing after which an undo asks for a person
    attention_after: int = Field(600, ge=1)
    local_lane: Literal["on", "off"] = "on"

    #: Argon2id: time cost, memory in KiB, lanes; argon2-cffi's default profile
    argon2_time_cost: int = Field(3, ge=1)
    argon2_memory_kib: int = Field(65536, ge=8)
    argon2_parallelism: int = Field(4, ge=1)

    #: active fault points, `step:point:kind`, comma-separated; development only
    faults: str = ""

    @property
    def development(self) -> bool:
        """True when nothing says production: no APP_ENV and no DATABASE_URL."""
        return (self.app_env or ("production" if self.database_url else "development")) == "development"

    @property
    def docs_on(self) -> bool:
        """Whether `/docs` and `/openapi.json` are served: in development, or when switched on."""
        return self.development if self.api_docs is None else self.api_docs

    @property
    def secrets_key(self) -> str:
        """What stored values are encrypted with, and everything keyed is derived from; several by comma.

        In development, where none was given, that of `DATA_DIR/secrets-key`, made when missing.
        """
        return self.secrets_key_given or development_key(self.data_dir)

    @property
    def webhook_secrets(self) -> str:
        """What payment news are signed with; in development, where none was given, that of DATA_DIR."""
        return self.payment_webhook_secrets or development_webhook_secret(self.data_dir)

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        if sentences := [*_contradictions(self)]:
            raise PydanticCustomError("refused", "{sentences}", {"sentences": "\n".join(sentences)})
        return self


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.hold_seconds <= settings.payment_window:
        yield "HOLD_SECONDS must be longer than PAYMENT_WINDOW: a hold has to outlive its payment"
    for name in ("database_url", "database_listen_url"):
        if not (getattr(settings, name) or "postgresql://").startswith("postgresql://"):
            yield f"{name.upper()} must begin with postgresql://"
    for name in (*_ADDRESSES, "database_url", "database_listen_url"):
        if not _well_formed(getattr(settings, name) or ""):
            yield f"{name.upper()} is no address: signs like @ : / in its password are written as %40 %3A %2F"
    for name in ("payment_webhook_sources", "trusted_proxies"):
        if not all(_a_network(source.strip()) for source in getattr(settings, name).split(",") if source.strip()):
            yield f"{name.upper()} takes networks by comma, as 203.0.113.0/24"
    if any(source.strip().endswith("/0") for source in settings.trusted_proxies.split(",")):
        yield "TRUSTED_PROXIES takes the networks of your proxies: trusting everybody, nobody's address is known"
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


def _a_network(source: str) -> bool:
    try:
        return bool(ipaddress.ip_network(source))
    except ValueError:
        return False


def _webhook_secrets(given: str) -> bool:
    try:
        return bool(webhook_keys(given))
    except ValueError:
        return False
