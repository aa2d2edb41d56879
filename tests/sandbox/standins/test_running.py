"""The stand-ins process: restart, shutdown and readiness."""

import signal
import smtplib
import threading
import time
from pathlib import Path

from sandbox.process import wait_until
from sandbox.standins.running import StandIns, running_stand_ins
from tests.sandbox.standins.clients import DROPPED, TIMEOUT, Shop, WebhookReceiver, new_key
from tests.sandbox.standins.conftest import SHORT_DELAYS
from tests.sandbox.standins.senders import a_mail


def test_ledger_inbox_and_scheduled_tasks_survive_a_restart(tmp_path: Path, webhooks: WebhookReceiver) -> None:
    with running_stand_ins(webhooks.url, tmp_path, **SHORT_DELAYS) as stand_ins:
        shop, key = Shop(stand_ins), new_key()
        done, pending = shop.pay(key=key, metadata={}), shop.pay("tok_answers_later_0.5")
        webhooks.wait_for(done["id"])
        with smtplib.SMTP("127.0.0.1", stand_ins.smtp_port, timeout=5) as smtp:
            smtp.send_message(a_mail("anna@example.com"))
        stand_ins.process.kill()
        stand_ins.start()

        assert shop.pay(key=key, metadata={}) == done
        assert [message["to"] for message in stand_ins.inbox()] == ["anna@example.com"]
        assert webhooks.wait_for(pending["id"])[0]["event"] == "payment.succeeded"
        assert webhooks.events_of(done["id"]) == ["payment.succeeded"]
        shop.client.close()


def test_refused_webhook_is_retried_after_a_restart(tmp_path: Path, webhooks: WebhookReceiver) -> None:
    reference = new_key()
    webhooks.responses[reference] = [503]
    with running_stand_ins(webhooks.url, tmp_path, **SHORT_DELAYS) as stand_ins:
        shop = Shop(stand_ins)
        payment = shop.pay(metadata={"reference": reference})
        webhooks.wait_for(payment["id"])
        stand_ins.restart()

        assert len(webhooks.wait_for(payment["id"], 2)) == 2
        shop.client.close()


def test_sigterm_exits_with_0_within_two_seconds_while_a_request_hangs() -> None:
    with running_stand_ins(HANG_SECONDS="60") as stand_ins:
        hanging = threading.Thread(target=_pay_without_response, args=(stand_ins,), daemon=True)
        hanging.start()
        assert wait_until(lambda: len(stand_ins.ledger("hanging")) == 1, TIMEOUT)
        before = time.monotonic()
        stand_ins.process.send(signal.SIGTERM)

        assert wait_until(lambda: not stand_ins.process.running, 2)
        assert (stand_ins.process.exit_code, stand_ins.process.last_lines()[1:]) == (0, [])
        assert time.monotonic() - before < 2
        hanging.join()


def test_readyz_returns_ok(stand_ins: StandIns) -> None:
    assert stand_ins.client.get(f"{stand_ins.url}/readyz").json() == {"status": "ok"}


def test_servers_listen_on_the_loopback_address_only(stand_ins: StandIns) -> None:
    hexed = {f"{int(stand_ins.settings[name]):04X}" for name in ("SANDBOX_PORT", "SMTP_PORT")}
    rows = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]

    assert {row for row in rows if row.split(":")[1] in hexed and not row.startswith("0100007F")} == set()


def _pay_without_response(stand_ins: StandIns) -> None:
    shop = Shop(stand_ins)
    shop.client.timeout = 10
    try:
        shop.post_payment("tok_times_out_charged", metadata={"reference": "hanging"})
    except DROPPED:
        shop.client.close()
