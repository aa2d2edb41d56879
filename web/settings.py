"""Settings of the web process, from environment variables."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import model_validator

from services.parts import Part
from services.setting_declarations import FromEnvironment, setting
from services.setting_groups.general import TracingSettings

#: DRAIN_SECONDS in production, as of the API.
DRAIN_SECONDS = 10
#: Characters that WEB_SECRET needs in production.
SECRET_LENGTH = 32
_WEB = frozenset({Part.WEB})
_ADDRESSES = (
    "web_url",
    "api_url",
    "sandbox_url",
    "sandbox_public_url",
    "temporal_ui_url",
    "otel_exporter_otlp_endpoint",
)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class WebSettings(TracingSettings, FromEnvironment):
    """Pages."""

    app_env: Literal["development", "production"] = setting(
        "production", "whether the production checks apply", parts=_WEB
    )
    web_host: str = setting("127.0.0.1", "the address on which the pages listen", kind="host", parts=_WEB)
    web_port: int = setting(8080, "its port", kind="port", parts=_WEB, ge=1, le=65535)
    #: code uses `draining_seconds`
    drain_seconds: int | None = setting(
        None,
        "seconds after SIGTERM in which `/readyz` is 503 and requests are still served, as of the API",
        kind="seconds",
        parts=_WEB,
        shown="10, in development 0",
        ge=0,
        le=600,
    )
    metrics_host: str = setting("127.0.0.1", "the address of the listener of `METRICS_PORT`", kind="host", parts=_WEB)
    metrics_port: int | None = setting(
        None,
        "a listener for `/livez` and `/metrics`, for your private network; one port for each process of a host",
        kind="port",
        parts=_WEB,
        ge=1,
        le=65535,
    )
    web_url: str = setting(
        "",
        "the address at which buyers reach the pages: https, or loopback; forms are taken from its origin only, and "
        "other host names get 421",
        kind="URL",
        parts=_WEB,
        shown="`http://WEB_HOST:WEB_PORT`",
    )
    api_url: str = setting("http://127.0.0.1:8000", "base URL of the API, without `/api/v1`", kind="URL", parts=_WEB)
    web_secret: str = setting(
        "",
        "encrypts the session cookie; several by comma: the first encrypts, all decrypt; random in development",
        kind="32 or more random characters",
        parts=_WEB,
        required=f"{SECRET_LENGTH} or more random characters (`openssl rand -hex 32`)",
        secret=True,
    )
    sandbox_url: str | None = setting(
        None,
        "base URL of the sandbox's stand-ins, for test cards, messages and the ledger; development only",
        kind="URL",
        parts=_WEB,
    )
    sandbox_public_url: str | None = setting(
        None, "the address at which browsers reach them", kind="URL", parts=_WEB, shown="`SANDBOX_URL`"
    )
    temporal_ui_url: str | None = setting(
        None, "base URL of Temporal's Web UI, for links of operators", kind="URL", parts=_WEB
    )
    temporal_namespace: str = setting("market", "the namespace of the orders' workflows, for these links", parts=_WEB)
    sandbox_accounts: Path | None = setting(
        None,
        "the ready accounts of the sandbox, which anybody who reaches the pages signs in to with one click; ignored "
        "unless the pages and `WEB_URL` are on the loopback address; development only",
        kind="file",
        parts=_WEB,
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.web_url:
            self.web_url = f"http://{self.web_host}:{self.web_port}"
        if not self.web_secret and self.development:
            self.web_secret = secrets.token_urlsafe(SECRET_LENGTH)
        wrong = list(_errors(self))
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def development(self) -> bool:
        """Whether this is development."""
        return self.app_env == "development"

    @property
    def draining_seconds(self) -> int:
        """Seconds between SIGTERM and the end of the listener: DRAIN_SECONDS, by default 10, in development 0."""
        default = 0 if self.development else DRAIN_SECONDS
        return default if self.drain_seconds is None else self.drain_seconds

    @property
    def one_click(self) -> Path | None:
        """The file with the accounts that anybody may sign in to with one click; None: there is no such route.

        Anybody is who runs a browser on this machine: outside development, without a sandbox, and where other machines
        reach the pages, there is none.
        """
        hosts = {self.web_host, urlsplit(self.web_url).hostname}
        if self.development and self.sandbox_url and hosts <= _LOOPBACK:
            return self.sandbox_accounts
        return None

    @property
    def origin(self) -> str:
        """Scheme, host and port of the pages."""
        parts = urlsplit(self.web_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def secure(self) -> bool:
        """Whether browsers reach the pages by https, so that cookies may demand it."""
        return self.web_url.startswith("https:")


def _errors(settings: WebSettings) -> list[str]:
    wrong = [
        f"{name.upper()} must be an address like https://shop.example"
        for name in _ADDRESSES
        if (value := getattr(settings, name)) and not _is_url(value)
    ]
    name = settings.otel_service_name
    if name is not None and not (name.strip() and name.isprintable()):
        wrong.append("OTEL_SERVICE_NAME is blank, or has a control character")
    if settings.development:
        return wrong
    if any(len(key.strip()) < SECRET_LENGTH for key in settings.web_secret.split(",")):
        wrong.append(f"WEB_SECRET needs {SECRET_LENGTH} or more random characters (`openssl rand -hex 32`)")
    if settings.sandbox_url:
        wrong.append("SANDBOX_URL is for development only")
    if settings.sandbox_accounts:
        wrong.append("SANDBOX_ACCOUNTS is for development only")
    if not settings.secure and urlsplit(settings.web_url).hostname not in _LOOPBACK:
        wrong.append("WEB_URL must be https: the session cookie is sent there")
    return wrong


def _is_url(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
