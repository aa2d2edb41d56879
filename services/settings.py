"""Everything that can be set from outside, read once from the environment and passed in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

#: What a development start uses where no key is given; refused elsewhere.
DEVELOPMENT_KEY = "development-only-key-change-me"


class Settings(BaseSettings):
    """Names are the environment variables in lower case; durations are whole seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    app_env: Literal["development", "production"] | None = None
    data_dir: Path = Path(".data")
    public_url: str = "http://127.0.0.1:8000"
    secrets_key: str = DEVELOPMENT_KEY
    #: Ed25519 in PEM form, several for rotation; made once in DATA_DIR in development
    signing_key: str | None = None
    phone_region: str = Field("RU", pattern="^[A-Z]{2}$")

    database_url: str | None = None
    database_listen_url: str | None = None
    database_pool: int = Field(16, ge=1)

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "market"
    temporal_api_key: str | None = None
    temporal_tls: bool = False

    api_host: str = "127.0.0.1"
    api_port: int = 8000
    api_docs: bool | None = None
    api_services: str = "identity,catalog,orders,reservations,payments,notifications"
    rate_limit_factor: float = Field(1, gt=0)

    smtp_url: str | None = None
    sms_url: str | None = None
    shop_name: str = "Marketplace"
    mail_from: str = "Marketplace Orders <orders@example.com>"
    sms_from: str = "Market"

    payment_gateway: Literal["yookassa"] = "yookassa"
    payment_gateway_url: str = "https://api.yookassa.ru/v3"
    #: networks that webhooks may come from besides the provider's own, comma-separated
    payment_webhook_sources: str = ""
    yookassa_shop_id: str | None = None
    yookassa_secret_key: str | None = None

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

    @model_validator(mode="after")
    def _refuse_weak(self) -> Self:
        if self.hold_seconds <= self.payment_window:
            raise ValueError("HOLD_SECONDS must be longer than PAYMENT_WINDOW: a hold has to outlive its payment")
        if self.development:
            return self
        if any(len(key.strip()) < 32 for key in self.secrets_key.split(",")):
            raise ValueError("SECRETS_KEY must be set outside development: 32 or more random characters a key")
        if self.faults:
            raise ValueError("FAULTS is for development only: unset it")
        if (self.argon2_memory_kib, self.argon2_time_cost) < (19456, 2) or self.argon2_time_cost < 2:
            raise ValueError("ARGON2_* is below the floor of 19 MiB and 2 passes: raise it outside development")
        return self
