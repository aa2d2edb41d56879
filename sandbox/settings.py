"""Settings of a stack: ports, data directory, and external servers to use instead of the embedded ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from sandbox.errors import CannotStart
from sandbox.ports import free_ports

HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1; each is set by an environment variable, for example `API_PORT`."""

    api: int = field(default=8000, metadata={"help": "the API"})
    temporal: int = field(default=7233, metadata={"help": "Temporal"})
    temporal_ui: int = field(default=8233, metadata={"help": "Temporal's Web UI"})
    sandbox: int = field(default=8100, metadata={"help": "the stand-ins: inbox, ledger, test cards"})
    smtp: int = field(default=2525, metadata={"help": "the stand-in of the mail server"})
    postgres: int = field(default=54329, metadata={"help": "PostgreSQL"})
    metrics: int = field(default=9100, metadata={"help": "health and metrics of workers in a process of their own"})
    web: int = field(default=8080, metadata={"help": "the pages"})

    @classmethod
    def free(cls) -> Self:
        """Unused ports."""
        return cls(*free_ports(len(fields(cls))))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read `API_PORT`, `TEMPORAL_PORT` and so on; defaults where unset.

        Raises:
            CannotStart: when a value is not a port, or two are equal.
        """
        configured = {entry.name: _port(environ, setting(entry.name), entry.default) for entry in fields(cls)}
        for port in configured.values():
            same = [setting(other) for other, value in configured.items() if value == port]
            if len(same) > 1:
                raise CannotStart(f"{' and '.join(same)} are both {port}: choose different ports.")
        return cls(**configured)


def setting(port_name: str) -> str:
    """The environment variable of a port: `temporal_ui` → `TEMPORAL_UI_PORT`."""
    return f"{port_name.upper()}_PORT"


def _port(environ: Mapping[str, str], name: str, default: object) -> int:
    value = environ.get(name) or str(default)
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= HIGHEST_PORT):
        raise CannotStart(f"{name}={value} is not a port: use a number from 1 to {HIGHEST_PORT}.")
    return int(value)


@dataclass(frozen=True)
class StackSettings:
    """The settings of one stack.

    Attributes:
        data_dir: data directory.
        ports: ports of the components.
        durable: False turns PostgreSQL's fsync off, for temporary data in tests.
        application: False starts only the servers and stand-ins, without workers and API.
        separate: run the API and the workers in separate processes instead of one.
        catalog: import the shipped catalog into an empty database.
        web_ui: run Temporal's Web UI.
        pages: run the pages of the shop.
        accounts: make an account of a buyer and one of an operator, whose passwords are in DATA_DIR; in the embedded
            database only, so that no account with a known password gets into another one.
        database_url: external PostgreSQL server, instead of the embedded one.
        temporal_address: external Temporal server, instead of the dev server.
        temporal_namespace: namespace of the order workflows.
        env: environment variables of the application; override all others.
    """

    data_dir: Path
    ports: Ports = field(default_factory=Ports)
    durable: bool = True
    application: bool = True
    separate: bool = False
    catalog: bool = True
    web_ui: bool = True
    pages: bool = True
    accounts: bool = False
    database_url: str | None = None
    temporal_address: str | None = None
    temporal_namespace: str = "market"
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings; an empty variable counts as unset. Raises CannotStart."""
        return cls(
            data_dir=Path(environ.get("DATA_DIR") or ".data"),
            ports=Ports.from_environment(environ),
            database_url=environ.get("DATABASE_URL") or None,
            temporal_address=environ.get("TEMPORAL_ADDRESS") or None,
            temporal_namespace=environ.get("TEMPORAL_NAMESPACE") or "market",
        )

    @classmethod
    def for_tests(cls, data_dir: Path) -> Self:
        """Unused ports, without fsync, catalog, Web UI and pages; use `dataclasses.replace` to change them."""
        return cls(data_dir, Ports.free(), durable=False, catalog=False, web_ui=False, pages=False)
