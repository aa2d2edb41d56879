"""Addresses of a running stack's components, and the stack's secrets."""

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from sandbox.datadir import DataDir

ADDRESSES_FILE = "addresses.json"
SECRETS_FILE = "secrets.json"


@dataclass(frozen=True)
class Addresses:
    """Base URLs, and host:port for Temporal; `temporal_ui` is None when the stack runs no Web UI.

    `metrics` is that of the workers, None when they run in the API's process; `web` that of the pages, if they run.
    """

    api: str
    temporal: str
    temporal_ui: str | None
    sandbox: str
    smtp: str
    database: str
    metrics: str | None = None
    web: str | None = None

    def as_json(self) -> dict[str, str]:
        """The content of addresses.json: camelCase names, without missing addresses."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {"temporalUi" if name == "temporal_ui" else name: value for name, value in given.items()}

    def pages(self) -> str:
        """The five addresses to open in a browser, the shop first; four without a Web UI."""
        desk = f"{self.web}/desk" if self.web else None
        return _table(
            {
                "Shop": self.web,
                "Desk": desk,
                "Inbox, test cards": self.sandbox,
                "API reference": f"{self.api}/docs",
                "Temporal Web UI": self.temporal_ui,
            }
        )

    def table(self) -> str:
        """A table for the terminal; the database URL is printed without its password."""
        rows = {
            "Shop": self.web,
            "API": self.api,
            "API reference": f"{self.api}/docs",
            "Inbox and payments": self.sandbox,
            "Temporal Web UI": self.temporal_ui,
            "Temporal": self.temporal,
            "Mail (SMTP)": self.smtp,
            "PostgreSQL": _without_password(self.database),
            "Worker metrics": self.metrics,
        }
        return _table(rows)


def _table(rows: Mapping[str, str | None]) -> str:
    return "\n".join(f"  {name:<20}{address}" for name, address in rows.items() if address)


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{host}"


@dataclass(frozen=True)
class Secrets:
    """Random secrets, created once for a data directory and stored in its secrets.json (mode 0600)."""

    database_password: str
    secrets_key: str
    yookassa_secret_key: str
    webhook_secret: str
    web_secret: str

    @classmethod
    def of(cls, folder: DataDir) -> "Secrets":
        """Read the secrets of a data directory; create and store missing ones. Raises CannotStart."""
        known = folder.read(SECRETS_FILE)
        generators: dict[str, Callable[[], str]] = {
            "databasePassword": lambda: secrets.token_hex(16),
            "secretsKey": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "yookassaSecretKey": lambda: f"test_{secrets.token_hex(16)}",
            "webhookSecret": lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
            "webSecret": lambda: secrets.token_hex(32),
        }
        complete = {name: known.get(name) or generate() for name, generate in generators.items()}
        if complete != known:
            folder.write(SECRETS_FILE, complete)
        return cls(*(complete[name] for name in generators))
