"""Which parts a stack has, in which order they start, where they answer, and what each is told."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.addresses import Addresses, Secrets
from sandbox.component import Component
from sandbox.ports import LOOPBACK
from sandbox.postgres import EmbeddedPostgres
from sandbox.programs import OneShot, Program, answers_readyz
from sandbox.settings import StackSettings, setting
from sandbox.temporal import TemporalServer

ROOT = Path(__file__).resolve().parent.parent
CATALOG = str(Path("sandbox") / "data" / "2010-12-01.csv.gz")
STOCK = 10_000  # of every product of the shipped catalog
SHOP = "sandbox"
WORKERS_DRAIN = 10.5  # seconds: workers let running activities end for ten


@dataclass(frozen=True)
class Layout:
    """One stack's plan: its settings, the absolute folder it lives in, and that folder's secrets."""

    settings: StackSettings
    folder: Path
    secrets: Secrets

    @property
    def addresses(self) -> Addresses:
        """Where the parts answer."""
        ports, settings = self.settings.ports, self.settings
        own_page = settings.web_ui and settings.temporal_address is None
        return Addresses(
            api=f"http://{LOOPBACK}:{ports.api}",
            temporal=settings.temporal_address or f"{LOOPBACK}:{ports.temporal}",
            temporal_ui=f"http://{LOOPBACK}:{ports.temporal_ui}" if own_page else None,
            sandbox=f"http://{LOOPBACK}:{ports.sandbox}",
            smtp=f"smtp://{LOOPBACK}:{ports.smtp}",
            database=settings.database_url or self._postgres().url(),
        )

    @property
    def environment(self) -> dict[str, str]:
        """What the application is told on top of our own environment.

        The person's own values win where they are a matter of taste; a sandbox never reaches for a real neighbour.
        """
        at = self.addresses
        taste = {
            "PUBLIC_URL": at.api,
            "RATE_LIMIT_FACTOR": "1000",
            "SECRETS_KEY": self.secrets.secrets_key,
            "API_HOST": LOOPBACK,
        }
        return {
            **{name: os.environ.get(name) or value for name, value in taste.items()},
            **self._shop(),
            **self._own_servers(),
            "APP_ENV": "development",
            "DATABASE_URL": at.database,
            "TEMPORAL_ADDRESS": at.temporal,
            "TEMPORAL_NAMESPACE": self.settings.temporal_namespace,
            "API_PORT": str(self.settings.ports.api),
            "SMTP_URL": at.smtp,
            "SMS_URL": f"{at.sandbox}/2010-04-01/Accounts/{SHOP}/Messages.json",
            "PAYMENT_GATEWAY": "yookassa",
            "PAYMENT_GATEWAY_URL": f"{at.sandbox}/v3",
            **self.settings.env,
        }

    def stages(self) -> Sequence[Sequence[Component]]:
        """The parts, in the order of their start."""
        outside = self._outside()
        if not self.settings.application:
            return [outside]
        migrate = self._one_shot("migrations", "migrate")
        fill = self._one_shot("catalog", "import-products", CATALOG, "--stock", str(STOCK), "--if-empty")
        return [outside, [migrate], [*([fill] if self.settings.catalog else []), *self._application()]]

    def _outside(self) -> list[Component]:
        components: list[Component] = [self._stand_ins()]
        if self.settings.temporal_address is None:
            components.append(self._temporal())
        if self.settings.database_url is None:
            components.append(self._postgres())  # last: making its cluster blocks, and the others boot meanwhile
        return components

    def _application(self) -> list[Component]:
        if self.settings.separate:
            return [self._workers(), self._serving("api", "api")]
        return [self._serving("workers", "workers", "--with-api")]

    def _shop(self) -> dict[str, str]:
        return {
            "DATA_DIR": str(self.folder),
            "YOOKASSA_SHOP_ID": SHOP,
            "YOOKASSA_SECRET_KEY": self.secrets.yookassa_secret_key,
            "PAYMENT_WEBHOOK_SECRETS": self.secrets.webhook_secret,
        }

    def _own_servers(self) -> dict[str, str]:
        # what belongs to somebody else's server must not be tried on ours; empty counts as unset
        database = {} if self.settings.database_url else {"DATABASE_LISTEN_URL": ""}
        temporal = {} if self.settings.temporal_address else {"TEMPORAL_API_KEY": "", "TEMPORAL_TLS": ""}
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
        webhooks = {"WEBHOOK_URL": f"{payments}/webhooks/yookassa", "NOTIFY_URL": f"{payments}/{{paymentId}}/notify"}
        return Program(
            "standins",
            _python("sandbox.standins"),
            env={**self._shop(), **webhooks, **{name: str(port) for name, port in listens.items()}},
            cwd=ROOT,
            log=self._log("standins"),
            ports=listens,
            ready=answers_readyz(ports.sandbox),
        )

    def _one_shot(self, name: str, *words: str) -> OneShot:
        argv = _python("services", *words)
        return OneShot(name, argv, env=self.environment, cwd=ROOT, log=self._log(name))

    def _serving(self, name: str, *words: str) -> Program:
        port = self.settings.ports.api
        return Program(
            name,
            _python(*words),
            env=self.environment,
            cwd=ROOT,
            log=self._log(name),
            ports={setting("api"): port},
            ready=answers_readyz(port),
            stop_timeout=WORKERS_DRAIN,
        )

    def _workers(self) -> Program:
        return Program(
            "workers",
            _python("workers"),
            env=self.environment,
            cwd=ROOT,
            log=self._log("workers"),
            stop_timeout=WORKERS_DRAIN,
        )

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def _python(module: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, *words]
