"""The stand-ins as a child process on free ports, with a client for their operations; used by tests."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from sandbox.process import Process

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 15.0
STOP_TIMEOUT = 5.0
DEFAULT_SETTINGS = {
    "SANDBOX_PORT": "0",
    "SMTP_PORT": "0",
    "YOOKASSA_SHOP_ID": "100500",
    "YOOKASSA_SECRET_KEY": "test_sandbox",
}

# Variables of our own environment that may configure a real provider; the child process does not get them.
EXCLUDED_VARIABLES = ("YOOKASSA_", "WEBHOOK_", "PAYMENT_", "NOTIFY_URL", "SIGNED_WEBHOOKS", "FISCAL_SHOP")

Item = dict[str, Any]


class StandIns:
    """One stand-ins process and a client for it; a restart keeps its ports."""

    def __init__(self, webhook_url: str | None = None, data_dir: Path | None = None, **settings: str) -> None:
        """Configure the process; `start` starts it.

        Args:
            webhook_url: receiver of the payment provider's webhooks; None sends none.
            data_dir: folder of the ledger and the inbox; None keeps them in memory.
            settings: further environment variables, for example `PHONE_ANSWER_SECONDS="0.1"`.
        """
        given = {"WEBHOOK_URL": webhook_url or "", "DATA_DIR": str(data_dir or "")}
        self.settings = DEFAULT_SETTINGS | given | settings
        self.process = self._process()
        self.client = httpx2.Client(timeout=10, trust_env=False)

    def _process(self) -> Process:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(EXCLUDED_VARIABLES)}
        command = [sys.executable, "-m", "sandbox.standins"]
        return Process("the stand-ins", command, env=environ | self.settings, cwd=ROOT)

    def start(self) -> None:
        """Start the process and wait until it is ready. Raises CannotStart."""
        self.process = self._process()
        self.process.spawn()
        self.process.wait_ready(lambda: self._addresses() is not None, START_TIMEOUT)
        found = self._addresses() or {}
        self.settings |= {"SANDBOX_PORT": found["url"].rpartition(":")[2], "SMTP_PORT": str(found["smtpPort"])}

    def _addresses(self) -> Mapping[str, Any] | None:
        printed = [line for line in self.process.last_lines() if line.startswith("{")]
        return json.loads(printed[0]) if printed else None

    def stop(self) -> None:
        """Stop the process with SIGTERM, then SIGKILL; it can be started again."""
        self.process.stop(STOP_TIMEOUT)

    def restart(self) -> None:
        """Stop the process and start it on the same ports. Raises CannotStart."""
        self.stop()
        self.start()

    @property
    def url(self) -> str:
        """The base URL of the HTTP stand-ins; the payment API is under `/v3`."""
        return f"http://127.0.0.1:{self.settings['SANDBOX_PORT']}"

    @property
    def smtp_port(self) -> int:
        """The port of the mail server."""
        return int(self.settings["SMTP_PORT"])

    @property
    def shop(self) -> tuple[str, str]:
        """Shop id and secret key, for Basic authentication."""
        return self.settings["YOOKASSA_SHOP_ID"], self.settings["YOOKASSA_SECRET_KEY"]

    def ledger(self, reference: str | None = None) -> list[Item]:
        """Payments in the provider's ledger, oldest first."""
        return self._items("/ledger", reference=reference)

    def inbox(
        self, to: str | None = None, channel: str | None = None, after: int | None = None, limit: int | None = None
    ) -> list[Item]:
        """Delivered messages, newest last; with `limit` the oldest so many."""
        return self._items("/inbox", to=to, channel=channel, after=after, limit=limit)

    def clear_inbox(self) -> None:
        """Delete every message."""
        self.client.delete(f"{self.url}/inbox").raise_for_status()

    def outage(self, target: str, seconds: float, status: int | None = None) -> None:
        """Make `payments`, `email` or `sms` unavailable for `seconds`; 0 ends the outage.

        Connections are dropped, or answered with `status`: 429, 500, 503 with Retry-After, 200 with truncated JSON.
        """
        body = {"target": target, "seconds": seconds, "status": status}
        self.client.post(f"{self.url}/outage", json=body).raise_for_status()

    def set_webhook_faults(self, **faults: str | float | bool) -> None:
        """Set webhook delivery: `generic` (also send signed ones), `lose`, `duplicate`, `delay`, `reorder`.

        Applies to one `reference` (our payment id), to one `script` (a test card or phone), or to all payments.
        """
        self.client.post(f"{self.url}/webhooks", json=faults).raise_for_status()

    def clear_webhook_faults(self) -> None:
        """Restore the default webhook delivery."""
        self.client.delete(f"{self.url}/webhooks").raise_for_status()

    def _items(self, path: str, **query: str | int | None) -> list[Item]:
        given = {name: value for name, value in query.items() if value is not None}
        items: list[Item] = self.client.get(f"{self.url}{path}", params=given).raise_for_status().json()["items"]
        return items


@contextmanager
def running_stand_ins(
    webhook_url: str | None = None, data_dir: Path | None = None, **settings: str
) -> Iterator[StandIns]:
    """Run the stand-ins within the block; arguments as for StandIns. Raises CannotStart."""
    stand_ins = StandIns(webhook_url, data_dir, **settings)
    stand_ins.start()
    try:
        yield stand_ins
    finally:
        stand_ins.stop()
        stand_ins.client.close()
