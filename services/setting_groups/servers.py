"""Settings of PostgreSQL, of Temporal and of the workers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from services.parts import CONNECTED, WITH_DATABASE, Part
from services.setting_declarations import setting

_WORKERS = frozenset({Part.WORKERS})


class DatabaseSettings(BaseModel):
    """PostgreSQL."""

    database_url: str | None = setting(
        None,
        "the database, `postgresql://user:password@host/name?sslmode=verify-full`, `@ : /` in the password as "
        "`%40 %3A %2F`; several hosts by comma, with `target_session_attrs=read-write`",
        kind="URL",
        parts=WITH_DATABASE,
        secret=True,
        shown="the sandbox's, by `DATA_DIR/addresses.json`",
    )
    database_listen_url: str | None = setting(
        None,
        "the direct address, when `DATABASE_URL` goes through a transaction pooler "
        "([connection pooler](deploying.md#through-a-connection-pooler))",
        kind="URL",
        secret=True,
    )
    database_pool: int = setting(16, "connections of a process, at most", kind="connections", ge=1)


class TemporalSettings(BaseModel):
    """Temporal."""

    temporal_address: str = setting("127.0.0.1:7233", "the frontend of Temporal", kind="host:port", parts=CONNECTED)
    temporal_namespace: str = setting("market", "the namespace of the orders' workflows", parts=CONNECTED)
    temporal_ui_url: str | None = setting(
        None,
        "base URL of Temporal's Web UI, for the links that `python -m services order show` prints",
        kind="URL",
        parts=frozenset({Part.COMMANDS}),
    )
    temporal_api_key: str | None = setting(None, "a key of Temporal Cloud; implies TLS", parts=CONNECTED, secret=True)
    temporal_profile: str | None = setting(
        None,
        "a profile of the `temporal` command's configuration file, for what is not in the environment; a file is read "
        "only when this or the next is set",
        parts=CONNECTED,
    )
    temporal_config_file: Path | None = setting(
        None, "that file", kind="file", parts=CONNECTED, shown="the file in the home directory"
    )
    #: code uses `temporal_encrypted`
    temporal_tls: bool | None = setting(
        None,
        "connect to Temporal with TLS",
        parts=CONNECTED,
        shown="false, unless `TEMPORAL_API_KEY` or one of the next is set",
    )
    temporal_tls_server_name: str | None = setting(
        None, "the name in the server's certificate", parts=CONNECTED, shown="the host of `TEMPORAL_ADDRESS`"
    )
    temporal_tls_server_ca_cert_path: Path | None = setting(
        None,
        "the CA of the server's certificate ([TLS between the parts](deploying.md#tls-between-the-parts))",
        kind="file in PEM form",
        parts=CONNECTED,
        shown="the CAs of the system",
    )
    temporal_tls_server_ca_cert_data: str | None = setting(None, "the same as text", kind="PEM form", parts=CONNECTED)
    temporal_tls_client_cert_path: Path | None = setting(
        None, "the certificate that the process shows (mutual TLS)", kind="file in PEM form", parts=CONNECTED
    )
    temporal_tls_client_cert_data: str | None = setting(None, "the same as text", kind="PEM form", parts=CONNECTED)
    temporal_tls_client_key_path: Path | None = setting(
        None, "the key of this certificate", kind="file in PEM form", parts=CONNECTED
    )
    temporal_tls_client_key_data: str | None = setting(
        None, "the same as text", kind="PEM form", parts=CONNECTED, secret=True
    )
    temporal_grpc_meta: dict[str, str] = setting(
        {}, "headers of every call: `TEMPORAL_GRPC_META_NAME`", kind="texts", parts=CONNECTED, shown="none", repr=False
    )
    temporal_plaintext: Literal["private-network"] | None = setting(
        None,
        "`private-network` allows an unencrypted connection to another host; without it production refuses one",
        parts=CONNECTED,
    )


class WorkerSettings(BaseModel):
    """Workers."""

    #: None: on in development only; code uses `workflow_sandbox_on`
    workflow_sandbox: Literal["on", "off"] | None = setting(
        None,
        "`on` refuses clocks, randomness and I/O in workflow code while it runs, at 4 ms of processor time an order",
        parts=_WORKERS,
        shown="on in development, off in production",
    )
    # More than the three activities of relay and dispatchers, which run always.
    worker_threads: int = setting(
        16,
        "steps that a worker runs at once, 4 or more, and not more than `DATABASE_POOL`: each may hold a connection",
        kind="threads",
        parts=_WORKERS,
        ge=4,
    )
    worker_build_id: str | None = setting(
        None,
        "the build of a worker, which makes it a versioned one "
        "([deploying with open orders](deploying.md#deploy-with-open-orders))",
        parts=_WORKERS,
    )
