"""What a stack is told: ports, folder, and which parts of the world somebody else already runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from sandbox.errors import CannotStart
from sandbox.ports import free_ports

HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1; each is set by its name in capitals and `_PORT`."""

    api: int = 8000
    temporal: int = 7233
    temporal_ui: int = 8233
    sandbox: int = 8100
    smtp: int = 2525
    postgres: int = 54329

    @classmethod
    def free(cls) -> Self:
        """Ports nobody listens on now."""
        return cls(*free_ports(len(fields(cls))))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """`API_PORT`, `TEMPORAL_PORT` and so on, else the defaults.

        Raises:
            CannotStart: when one is no port, or two are the same.
        """
        given = {entry.name: _port(environ, setting(entry.name), entry.default) for entry in fields(cls)}
        for name, port in given.items():
            twins = [setting(other) for other, value in given.items() if value == port]
            if len(twins) > 1:
                raise CannotStart(f"{' and '.join(twins)} are both {given[name]}: give each its own port.")
        return cls(**given)


def setting(port_name: str) -> str:
    """The environment variable that sets a port: `temporal_ui` → `TEMPORAL_UI_PORT`."""
    return f"{port_name.upper()}_PORT"


def _port(environ: Mapping[str, str], name: str, default: Any) -> int:
    value = environ.get(name) or str(default)
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= HIGHEST_PORT):
        raise CannotStart(f"{name}={value} is not a port: a number from 1 to {HIGHEST_PORT} is.")
    return int(value)


@dataclass(frozen=True)
class StackSettings:
    """One stack.

    Attributes:
        data_dir: where everything is kept.
        ports: where the parts listen.
        durable: False turns PostgreSQL's fsync off, for tests that throw the data away.
        application: False starts the outside world only, for those who run the api and the workers themselves.
        apart: api and workers as processes of their own, instead of one.
        catalog: import the shipped day's catalog into an empty database.
        web_ui: start Temporal's Web UI.
        database_url: a PostgreSQL of somebody else, instead of the embedded one.
        temporal_address: a Temporal of somebody else, instead of the dev server.
        temporal_namespace: the namespace the orders live in.
        env: goes to the application on top of our environment and the stack's addresses.
    """

    data_dir: Path
    ports: Ports = field(default_factory=Ports)
    durable: bool = True
    application: bool = True
    separate: bool = False
    catalog: bool = True
    web_ui: bool = True
    database_url: str | None = None
    temporal_address: str | None = None
    temporal_namespace: str = "market"
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """As the person at the terminal set it; an empty variable counts as unset. Raises CannotStart."""
        return cls(
            data_dir=Path(environ.get("DATA_DIR") or ".data"),
            ports=Ports.from_environment(environ),
            database_url=environ.get("DATABASE_URL") or None,
            temporal_address=environ.get("TEMPORAL_ADDRESS") or None,
            temporal_namespace=environ.get("TEMPORAL_NAMESPACE") or "market",
        )

    @classmethod
    def for_tests(cls, data_dir: Path) -> Self:
        """On free ports, without fsync, catalog and Web UI; `dataclasses.replace` what should be otherwise."""
        return cls(data_dir, Ports.free(), durable=False, catalog=False, web_ui=False)
