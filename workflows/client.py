"""Temporal client: how a process connects, and the task queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile, ClientConfigTLS
from temporalio.service import GrpcCompression, RPCError

from activities.converting import DATA_CONVERTER
from services.errors import Unavailable

if TYPE_CHECKING:
    from temporalio.client import Plugin
    from temporalio.runtime import Runtime

    from services.settings import Settings

#: One task queue: activities that share it with their workflow can be started without a poll.
TASK_QUEUE = "market"
#: Time after which a lost workflow task is repeated.
TASK_TIMEOUT = timedelta(seconds=3)


def tracing_plugins(settings: Settings, program: str) -> Sequence[Plugin]:
    """Begin tracing the process, once, if the settings say so; returns the plugins of its Temporal client."""
    if not settings.otel_exporter_otlp_endpoint:
        return ()
    from workflows import tracing  # noqa: PLC0415 - loads OpenTelemetry's SDK, which only a traced process pays for

    return (tracing.set_up(settings, program),)


async def connect(
    settings: Settings, *, lazy: bool = False, runtime: Runtime | None = None, plugins: Sequence[Plugin] = ()
) -> Client:
    """Connect to Temporal as the settings say; `lazy`: without waiting for Temporal to be available.

    `runtime` measures what the client and its worker do; None: nothing does.

    Raises RuntimeError when it cannot be reached, or a certificate cannot be used.
    """
    return await Client.connect(
        **_profile(settings).to_client_connect_config(),
        data_converter=DATA_CONVERTER,
        grpc_compression=GrpcCompression.NONE,
        lazy=lazy,
        runtime=runtime,
        plugins=plugins,
    )


def _profile(settings: Settings) -> ClientConfigProfile:
    return ClientConfigProfile(
        address=settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key,
        tls=ClientConfigTLS(
            disabled=not settings.temporal_encrypted,
            server_name=settings.temporal_tls_server_name,
            server_root_ca_cert=settings.temporal_tls_server_ca_cert_path or settings.temporal_tls_server_ca_cert_data,
            client_cert=settings.temporal_tls_client_cert_path or settings.temporal_tls_client_cert_data,
            client_private_key=settings.temporal_tls_client_key_path or settings.temporal_tls_client_key_data,
        ),
        grpc_meta=settings.temporal_grpc_meta,
    )


@contextmanager
def temporal_errors_as_unavailable() -> Iterator[None]:
    """Raise Unavailable when Temporal does not answer, also on the first call of a lazy client."""
    try:
        yield
    except (RPCError, RuntimeError) as trouble:
        raise Unavailable(
            "Temporal does not answer: check that it is running and TEMPORAL_ADDRESS is right."
        ) from trouble
