"""All settings, read once from the environment; they are passed to whatever needs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from pydantic import BaseModel, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from services import settings_rules
from services.return_urls import read_origins
from services.secrets import development_key, development_webhook_secret
from services.setting_declarations import FromEnvironment, Setting, declared_in
from services.setting_groups.api import ApiSettings
from services.setting_groups.general import GeneralSettings, PasswordSettings, TracingSettings
from services.setting_groups.messages import MessageSettings, ShopSettings
from services.setting_groups.orders import OrderSettings, PaymentSettings
from services.setting_groups.servers import DatabaseSettings, TemporalSettings, WorkerSettings
from services.temporal_source import TemporalSource

#: DRAIN_SECONDS in production: three checks of a load balancer, three seconds apart, and one more.
DRAIN_SECONDS = 10

#: In the order of the documentation.
GROUPS: tuple[type[BaseModel], ...] = (
    GeneralSettings,
    DatabaseSettings,
    TemporalSettings,
    ApiSettings,
    WorkerSettings,
    PaymentSettings,
    MessageSettings,
    ShopSettings,
    OrderSettings,
    TracingSettings,
    PasswordSettings,
)


class Settings(
    GeneralSettings,
    DatabaseSettings,
    TemporalSettings,
    ApiSettings,
    WorkerSettings,
    PaymentSettings,
    MessageSettings,
    ShopSettings,
    OrderSettings,
    TracingSettings,
    PasswordSettings,
    FromEnvironment,
):
    """Field names are the environment variables in lower case; durations are whole seconds unless stated otherwise."""

    model_config = SettingsConfigDict(frozen=True)

    @property
    def development(self) -> bool:
        """True when APP_ENV is `development`, or when neither APP_ENV nor DATABASE_URL is set."""
        return (self.app_env or ("production" if self.database_url else "development")) == "development"

    @property
    def docs_on(self) -> bool:
        """Whether `/docs` and `/openapi.json` are served: API_DOCS, by default in development only."""
        return self.development if self.api_docs is None else self.api_docs

    @property
    def draining_seconds(self) -> int:
        """Seconds between SIGTERM and the end of the listener: DRAIN_SECONDS, by default 10, in development 0."""
        default = 0 if self.development else DRAIN_SECONDS
        return default if self.drain_seconds is None else self.drain_seconds

    @property
    def workflow_sandbox_on(self) -> bool:
        """Whether workflows run in the SDK's sandbox: WORKFLOW_SANDBOX, by default in development only."""
        return self.development if self.workflow_sandbox is None else self.workflow_sandbox == "on"

    @property
    def temporal_encrypted(self) -> bool:
        """Whether the connection to Temporal uses TLS."""
        implied = (
            self.temporal_api_key
            or self.temporal_tls_server_name
            or self.temporal_tls_server_ca_cert_path
            or self.temporal_tls_server_ca_cert_data
            or self.temporal_tls_client_cert_path
            or self.temporal_tls_client_cert_data
        )
        return bool(implied) if self.temporal_tls is None else self.temporal_tls

    @property
    def secrets_key(self) -> str:
        """The keys that encrypt stored values and that other keys are derived from; several by comma.

        In development, when SECRETS_KEY is not set, the key of `DATA_DIR/secrets-key`, created when missing.
        """
        return self.secrets_key_given or development_key(self.data_dir)

    @property
    def return_url(self) -> str:
        """Where the payment provider's page sends a buyer back by default: SHOP_RETURN_URL, or a page of the API."""
        return self.shop_return_url or f"{self.public_url.rstrip('/')}/return"

    @property
    def shop_origin_set(self) -> frozenset[str]:
        """SHOP_ORIGINS, each in its canonical form."""
        return read_origins(self.shop_origins)

    @property
    def cors_origin_set(self) -> frozenset[str]:
        """CORS_ORIGINS, each in its canonical form, in which browsers send it."""
        return read_origins(self.cors_origins)

    @property
    def webhook_secrets(self) -> str:
        """The secrets that verify payment status reports; in development by default a secret in DATA_DIR."""
        return self.payment_webhook_secrets or development_webhook_secret(self.data_dir)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **named: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Those of every settings class, then the configuration file of the `temporal` command."""
        return (*super().settings_customise_sources(settings_cls, *sources, **named), TemporalSource(settings_cls))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if messages := [*settings_rules.errors(self)]:
            raise PydanticCustomError("invalid-settings", "{messages}", {"messages": "\n".join(messages)})
        return self


def all_settings() -> Iterator[Setting]:
    """Every setting of API, workers and commands, in the order of the documentation."""
    for group in GROUPS:
        yield from declared_in(group)
