"""The neighbours as a child process on free ports, for tests and for whoever else wants them for a while."""

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
READY_WITHIN = 15.0
STOPPED_WITHIN = 5.0
SETTINGS = {"SANDBOX_PORT": "0", "SMTP_PORT": "0", "YOOKASSA_SHOP_ID": "100500", "YOOKASSA_SECRET_KEY": "test_sandbox"}

# What our own environment may hold for a real provider.
FOREIGN = ("YOOKASSA_", "WEBHOOK_", "PAYMENT_WEBHOOK_", "NOTIFY_URL", "SIGNED_WEBHOOKS")

Item = dict[str, Any]


class StandIns:
    """One process of neighbours and what to ask it; it keeps its ports through a restart."""

    def __init__(self, webhook_url: str | None = None, data_dir: Path | None = None, **settings: str) -> None:
        """Describe it; nothing runs yet.

        Args:
            webhook_url: where the payment provider calls back; nowhere when None.
            data_dir: where ledger and inbox are kept; in memory when None.
            settings: more of its environment, as `PHONE_ANSWER_SECONDS="0.1"`.
        """
        given = {"WEBHOOK_URL": webhook_url or "", "DATA_DIR": str(data_dir or "")}
        self.settings = SETTINGS | given | settings
        self.process = self._process()
        self.client = httpx2.Client(timeout=10, trust_env=False)

    def _process(self) -> Process:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        command = [sys.executable, "-m", "sandbox.standins"]
        return Process("the stand-ins", command, env=environ | self.settings, cwd=ROOT)

    def start(self) -> None:
        """Starts it and waits until it answers. Raises CannotStart."""
        self.process = self._process()
        self.process.spawn()
        self.process.wait_ready(lambda: self._addresses() is not None, READY_WITHIN)
        where = self._addresses() or {}
        self.settings |= {"SANDBOX_PORT": where["url"].rpartition(":")[2], "SMTP_PORT": str(where["smtpPort"])}

    def _addresses(self) -> Mapping[str, Any] | None:
        said = [line for line in self.process.last_lines() if line.startswith("{")]
        return json.loads(said[0]) if said else None

    def stop(self) -> None:
        """Ends it, politely first; it can be started again."""
        self.process.stop(STOPPED_WITHIN)

    def restart(self) -> None:
        """Ends it and starts it on the same ports. Raises CannotStart."""
        self.stop()
        self.start()

    @property
    def url(self) -> str:
        """The address of everything that speaks HTTP; the payment API is under `/v3`."""
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
        """What the payment provider believes, oldest first."""
        return self._items("/ledger", reference=reference)

    def inbox(self, to: str | None = None, channel: str | None = None, after: int | None = None) -> list[Item]:
        """Every delivery, newest last."""
        return self._items("/inbox", to=to, channel=channel, after=after)

    def clear_inbox(self) -> None:
        """Forgets every message."""
        self.client.delete(f"{self.url}/inbox").raise_for_status()

    def outage(self, target: str, seconds: float, status: int | None = None) -> None:
        """Takes `payments`, `email` or `sms` away for `seconds`; 0 brings it back.

        It drops connections, or answers `status`: 429, 500, 503 with Retry-After, 200 with JSON that breaks off.
        """
        body = {"target": target, "seconds": seconds, "status": status}
        self.client.post(f"{self.url}/outage", json=body).raise_for_status()

    def webhooks(self, **manner: str | float | bool) -> None:
        """How webhooks go out from now on: `generic` (signed ones as well), `lose`, `duplicate`, `delay`, `reorder`.

        For `reference` (our payment) or `script` (a card or phone), else for everybody.
        """
        self.client.post(f"{self.url}/webhooks", json=manner).raise_for_status()

    def forget_webhooks(self) -> None:
        """Back to how webhooks went out in the beginning."""
        self.client.delete(f"{self.url}/webhooks").raise_for_status()

    def _items(self, path: str, **query: str | int | None) -> list[Item]:
        given = {name: value for name, value in query.items() if value is not None}
        items: list[Item] = self.client.get(f"{self.url}{path}", params=given).raise_for_status().json()["items"]
        return items


@contextmanager
def running_stand_ins(
    webhook_url: str | None = None, data_dir: Path | None = None, **settings: str
) -> Iterator[StandIns]:
    """Neighbours that run for the time of the block; arguments as of Neighbours. Raises CannotStart."""
    stand_ins = StandIns(webhook_url, data_dir, **settings)
    stand_ins.start()
    try:
        yield stand_ins
    finally:
        stand_ins.stop()
        stand_ins.client.close()
