"""The components of a stack: start order, addresses and environment variables."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sandbox.accounts import ACCOUNTS_FILE
from sandbox.addresses import Addresses, Secrets
from sandbox.component import Component
from sandbox.ports import LOOPBACK
from sandbox.postgres import EmbeddedPostgres
from sandbox.programs import OneShot, Program, answers_readyz
from sandbox.settings import StackSettings, setting
from sandbox.temporal import TemporalServer

ROOT = Path(__file__).resolve().parent.parent
CATALOG = str(Path("sandbox") / "data" / "2010-12-01.csv.gz")
STOCK = 10_000  # units of each product in the shipped catalog
SHOP = "sandbox"
PROVIDER_RULES = ("PAYMENT_LIMITS", "PAYMENT_RECEIPTS", "FISCAL_SHOP")
#: Secrets that processes of one part do not get (services/production_checks.py); an empty variable counts as unset.
_NOT_FOR_API = MappingProxyType({"SMTP_URL": "", "SMS_URL": ""})
#: How to reach another Temporal server than the embedded one. (For the `temporal` command an empty variable is set.)
_OF_ANOTHER_TEMPORAL = (
    "TEMPORAL_API_KEY", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "TEMPORAL_TLS", "TEMPORAL_TLS_SERVER_NAME",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_SERVER_CA_CERT_DATA", "TEMPORAL_TLS_CLIENT_CERT_PATH",
    "TEMPORAL_TLS_CLIENT_CERT_DATA", "TEMPORAL_TLS_CLIENT_KEY_PATH", "TEMPORAL_TLS_CLIENT_KEY_DATA",
)  # fmt: skip
_NOT_FOR_WORKERS = MappingProxyType({"SIGNING_KEY": "", "PAYMENT_WEBHOOK_SECRETS": ""})
WORKERS_STOP_TIMEOUT = 10.5  # seconds: workers give running activities ten seconds to finish


@dataclass(frozen=True)
class Layout:
    """The configuration of one stack: settings, absolute data directory and secrets."""

    settings: StackSettings
    folder: Path
    secrets: Secrets

    @property
    def addresses(self) -> Addresses:
        """Addresses of the components."""
        ports, settings = self.settings.ports, self.settings
        has_web_ui = settings.web_ui and settings.temporal_address is None
        return Addresses(
            api=f"http://{LOOPBACK}:{ports.api}",
            temporal=settings.temporal_address or f"{LOOPBACK}:{ports.temporal}",
            temporal_ui=f"http://{LOOPBACK}:{ports.temporal_ui}" if has_web_ui else None,
            sandbox=f"http://{LOOPBACK}:{ports.sandbox}",
            smtp=f"smtp://{LOOPBACK}:{ports.smtp}",
            database=settings.database_url or self._postgres().url(),
            metrics=f"http://{LOOPBACK}:{ports.metrics}/metrics" if settings.separate else None,
            web=f"http://{LOOPBACK}:{ports.web}" if settings.pages and settings.application else None,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of the application, added to those of this process.

        Variables in `_overridable` keep a value that is already set. Addresses of external services are always those of
        the sandbox, so that a development stack never calls a real one.
        """
        addresses = self.addresses
        return {
            **self._overridable(),
            **self._shop(),
            **self._own_servers(),
            "APP_ENV": "development",
            "DATABASE_URL": addresses.database,
            "TEMPORAL_ADDRESS": addresses.temporal,
            "TEMPORAL_NAMESPACE": self.settings.temporal_namespace,
            "API_PORT": str(self.settings.ports.api),
            "SMTP_URL": addresses.smtp,
            "SMS_URL": f"{addresses.sandbox}/2010-04-01/Accounts/{SHOP}/Messages.json",
            "PAYMENT_GATEWAY": "yookassa",
            "PAYMENT_GATEWAY_URL": f"{addresses.sandbox}/v3",
            **self.settings.env,
        }

    def _overridable(self) -> dict[str, str]:
        defaults = {
            "PUBLIC_URL": self.addresses.api,
            "RATE_LIMIT_FACTOR": "1000",
            "SECRETS_KEY": self.secrets.secrets_key,
            "API_HOST": LOOPBACK,
        }
        return {name: os.environ.get(name) or value for name, value in defaults.items()}

    def stages(self) -> Sequence[Sequence[Component]]:
        """The components in their start order."""
        servers = self._servers()
        if not self.settings.application:
            return [servers]
        migrate = self._one_shot("migrations", "migrate")
        import_catalog = self._one_shot("catalog", "import-products", CATALOG, "--stock", str(STOCK), "--if-empty")
        catalog = [import_catalog] if self.settings.catalog else []
        pages = [self._pages()] if self.settings.pages else []
        accounts = [self._accounts()] if self.has_accounts else []
        return [servers, [migrate], [*catalog, *accounts, *self._application(), *pages]]

    @property
    def has_accounts(self) -> bool:
        """Whether there are ready accounts."""
        settings = self.settings
        return settings.accounts and settings.application and settings.database_url is None

    def _servers(self) -> list[Component]:
        components: list[Component] = [self._stand_ins()]
        if self.settings.temporal_address is None:
            components.append(self._temporal())
        if self.settings.database_url is None:
            components.append(self._postgres())  # last: creating its cluster blocks while the others start
        return components

    def _application(self) -> list[Component]:
        if self.settings.separate:
            # As in production, each process gets only the secrets of its part. One port a process: the API serves its
            # metrics on its own port in development.
            return [self._workers(), self._serving("api", "api", env={"METRICS_PORT": "", **_NOT_FOR_API})]
        return [self._serving("workers", "workers", "--with-api")]

    def _shop(self) -> dict[str, str]:
        return {
            **(_pages_of_shop(self.addresses.web) if self.addresses.web else {}),
            "DATA_DIR": str(self.folder),
            "YOOKASSA_SHOP_ID": SHOP,
            "YOOKASSA_SECRET_KEY": self.secrets.yookassa_secret_key,
            "PAYMENT_WEBHOOK_SECRETS": self.secrets.webhook_secret,
        }

    def _own_servers(self) -> dict[str, str]:
        # settings of an external server must not apply to the embedded one; an empty variable counts as unset
        database = {} if self.settings.database_url else {"DATABASE_LISTEN_URL": ""}
        temporal = (
            {}
            if self.settings.temporal_address
            else dict.fromkeys(_OF_ANOTHER_TEMPORAL, "") | {"TEMPORAL_TLS": "false"}
        )
        return database | temporal

    def _postgres(self) -> EmbeddedPostgres:
        settings = self.settings
        return EmbeddedPostgres(
            self.folder, settings.ports.postgres, self.secrets.database_password, durable=settings.durable
        )

    def _temporal(self) -> TemporalServer:
        settings = self.settings
        ui_port = settings.ports.temporal_ui if settings.web_ui else None
        return TemporalServer(self.folder, settings.ports.temporal, ui_port, settings.temporal_namespace)

    def _stand_ins(self) -> Program:
        ports = self.settings.ports
        listens = {setting("sandbox"): ports.sandbox, setting("smtp"): ports.smtp}
        payments = f"{self.addresses.api}/api/v1/payments"
        ports_of = {name: str(port) for name, port in listens.items()}
        webhooks = {"WEBHOOK_URL": f"{payments}/webhooks/yookassa", "NOTIFY_URL": f"{payments}/{{paymentId}}/notify"}
        return Program(
            "standins",
            _python("sandbox.standins"),
            env={**self._shop(), **webhooks, **ports_of, **self.rules_of_the_provider},
            cwd=ROOT,
            log=self._log("standins"),
            ports=listens,
            ready=answers_readyz(ports.sandbox),
        )

    @property
    def rules_of_the_provider(self) -> dict[str, str]:
        """Settings of the application that the stand-in of the payment provider follows too."""
        return {name: self.settings.env[name] for name in PROVIDER_RULES if name in self.settings.env}

    def _one_shot(self, name: str, *arguments: str) -> OneShot:
        argv = _python("services", *arguments)
        return OneShot(name, argv, env=self.environment, cwd=ROOT, log=self._log(name))

    def _accounts(self) -> OneShot:
        argv = _python("sandbox.accounts")
        return OneShot("accounts", argv, env=self.environment, cwd=ROOT, log=self._log("accounts"))

    def _serving(self, name: str, *arguments: str, env: Mapping[str, str] = MappingProxyType({})) -> Program:
        port = self.settings.ports.api
        return Program(
            name,
            _python(*arguments),
            env={**self.environment, **env},
            cwd=ROOT,
            log=self._log(name),
            ports={setting("api"): port},
            ready=answers_readyz(port),
            stop_timeout=WORKERS_STOP_TIMEOUT,
        )

    def _pages(self) -> Program:
        addresses, port = self.addresses, self.settings.ports.web
        ui = {"TEMPORAL_UI_URL": addresses.temporal_ui} if addresses.temporal_ui else {}
        accounts = {"SANDBOX_ACCOUNTS": str(self.folder / ACCOUNTS_FILE) if self.has_accounts else ""}
        settings = {"WEB_URL": addresses.web or "", "API_URL": addresses.api, "SANDBOX_URL": addresses.sandbox, **ui}
        return Program(
            "web",
            _python("web"),
            # Nothing but its own settings: the pages need no secret of the other processes.
            env={
                "APP_ENV": "development",
                "WEB_SECRET": self.secrets.web_secret,
                "TEMPORAL_NAMESPACE": self.settings.temporal_namespace,
                setting("web"): str(port),
                "METRICS_PORT": "",  # that of the workers, one port a process
                **accounts,
                **settings,
            },
            cwd=ROOT,
            log=self._log("web"),
            ports={setting("web"): port},
            ready=answers_readyz(port),
            stop_timeout=6.0,
        )

    def _workers(self) -> Program:
        listens = {setting("metrics"): self.settings.ports.metrics}
        return Program(
            "workers",
            _python("workers"),
            env={**self.environment, **{name: str(port) for name, port in listens.items()}, **_NOT_FOR_WORKERS},
            cwd=ROOT,
            log=self._log("workers"),
            ports=listens,
            stop_timeout=WORKERS_STOP_TIMEOUT,
        )

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def _pages_of_shop(web: str) -> dict[str, str]:
    """Where messages and the payment provider's page lead to; `web`: the base URL of the pages."""
    return {
        "SHOP_ORIGINS": web,
        "SHOP_RETURN_URL": f"{web}/return?order={{orderId}}",
        "SHOP_ORDER_URL": f"{web}/orders/{{orderId}}",
        "SHOP_RESET_URL": f"{web}/reset?token={{token}}",
        "SHOP_VERIFY_URL": f"{web}/account",
    }


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
