"""Where the parts of a running stack answer, and the secrets they were given."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass

from sandbox.datadir import DataDir

ADDRESSES_FILE = "addresses.json"
SECRETS_FILE = "secrets.json"


@dataclass(frozen=True)
class Addresses:
    """Base URLs, and host:port for Temporal; `temporal_ui` is None without a Web UI of ours."""

    api: str
    temporal: str
    temporal_ui: str | None
    sandbox: str
    smtp: str
    database: str

    def as_json(self) -> dict[str, str]:
        """The content of addresses.json: camelCase names, what there is."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {"temporalUi" if name == "temporal_ui" else name: value for name, value in given.items()}

    def table(self) -> str:
        """For people: what to open where; the password of the database is left out."""
        rows = {
            "API": self.api,
            "API reference": f"{self.api}/docs",
            "Inbox and payments": self.sandbox,
            "Temporal Web UI": self.temporal_ui,
            "Temporal": self.temporal,
            "Mail (SMTP)": self.smtp,
            "PostgreSQL": _without_password(self.database),
        }
        return "\n".join(f"  {name:<20}{where}" for name, where in rows.items() if where)


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{place}"


@dataclass(frozen=True)
class Secrets:
    """Random, made once for a folder and kept in its secrets.json (mode 0600)."""

    database_password: str
    secrets_key: str
    yookassa_secret_key: str
    webhook_secret: str

    @classmethod
    def of(cls, folder: DataDir) -> "Secrets":
        """The secrets of this folder; what is missing is made and written. Raises CannotStart when it is not JSON."""
        known = folder.read(SECRETS_FILE)
        makers: dict[str, Callable[[], str]] = {
            "databasePassword": lambda: secrets.token_hex(16),
            "secretsKey": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "yookassaSecretKey": lambda: f"test_{secrets.token_hex(16)}",
            "webhookSecret": lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
        }
        complete = {name: known.get(name) or make() for name, make in makers.items()}
        if complete != known:
            folder.write(SECRETS_FILE, complete)
        return cls(*(complete[name] for name in makers))
