"""Settings of the API and its listeners."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.parts import ALL_PARTS, Part
from services.setting_declarations import setting
from services.settings_rules import SERVICES

Port = Annotated[int, Field(ge=1, le=65_535)]
_API = frozenset({Part.API})


class ApiSettings(BaseModel):
    """API."""

    api_host: str = setting("127.0.0.1", "the address on which the API listens", kind="host", parts=_API)
    api_port: Port = setting(8000, "its port", kind="port", parts=_API)
    #: code uses `draining_seconds`
    drain_seconds: int | None = setting(
        None,
        "seconds after SIGTERM in which `/readyz` is 503 and requests are still served ([health](deploying.md#health))",
        kind="seconds",
        parts=_API,
        shown="10, in development 0",
        ge=0,
        le=600,
    )
    api_docs: bool | None = setting(
        None,
        "serve `/`, `/guide`, `/docs` and `/openapi.json`",
        parts=_API,
        shown="true in development, false in production",
    )
    api_services: str = setting(
        ",".join(SERVICES),
        "the services that a process serves, so that each can run alone",
        kind="list by comma",
        parts=_API,
        shown="all seven",
    )
    api_operations: Literal["all", "public", "internal"] = setting(
        "all",
        "the operations that a process serves: `internal` are those of services (a scope, and no buyers), `public` are "
        "the others; the rest is 404 there",
        parts=_API,
    )
    metrics_host: str = setting(
        "127.0.0.1", "the address of the listener of `METRICS_PORT`", kind="host", parts=ALL_PARTS
    )
    metrics_port: Port | None = setting(
        None,
        "a listener for `/livez`, `/metrics` and the details of `/readyz`, for your private network; one port for each "
        "process of a host",
        kind="port",
        parts=ALL_PARTS,
    )
    rate_limit_factor: float = setting(
        1,
        "multiplies the [limits](deploying.md#limits-and-proxies) by address and by caller, at most 10 in production; "
        "limits of passwords and codes of an account never scale",
        parts=_API,
        gt=0,
        allow_inf_nan=False,
    )
    #: code uses `cors_origin_set`
    cors_origins: str = setting(
        "",
        "origins whose pages may call the API from a browser: https; in development also loopback. Pages of other "
        "origins need a server of their own in between",
        kind="origins by comma",
        parts=_API,
    )
    trusted_proxies: str = setting(
        "",
        "networks of the proxies in front of the API, private or at least /8 (IPv6: /16): only their `X-Forwarded-For` "
        "is used",
        kind="networks by comma",
        parts=_API,
    )
    trace_sources: str = setting(
        "",
        "networks of the pages, or of a load balancer that only they reach: their `traceparent` is continued, that of "
        "every other client is ignored ([traces](monitoring.md#traces)); private or at least /8 (IPv6: /16)",
        kind="networks by comma",
        parts=_API,
    )
