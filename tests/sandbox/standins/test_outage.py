"""An outage affects one stand-in and ends."""

import smtplib

import pytest

from sandbox.process import wait_until
from sandbox.standins.running import StandIns
from tests.sandbox.standins.clients import DROPPED, TIMEOUT, Shop
from tests.sandbox.standins.senders import send_sms

SMS = {"To": "+79161234567", "From": "Shop", "Body": "x"}


def test_payments_drop_connections_until_the_outage_is_ended(stand_ins: StandIns, shop: Shop) -> None:
    stand_ins.outage("payments", 60)
    with pytest.raises(DROPPED):
        shop.client.get("/payments")
    assert send_sms(stand_ins, SMS).status_code == 201

    stand_ins.outage("payments", 0)
    assert shop.client.get("/payments").status_code == 200


def test_sms_drops_connections_until_the_outage_expires(stand_ins: StandIns) -> None:
    stand_ins.outage("sms", 0.3)
    with pytest.raises(DROPPED):
        send_sms(stand_ins, SMS)

    assert wait_until(lambda: _sent(stand_ins), TIMEOUT)


def test_mail_is_refused_with_421_in_new_and_open_sessions(stand_ins: StandIns) -> None:
    with smtplib.SMTP("127.0.0.1", stand_ins.smtp_port, timeout=5) as open_session:
        open_session.ehlo()
        stand_ins.outage("email", 60)
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            smtplib.SMTP("127.0.0.1", stand_ins.smtp_port, timeout=5)
        assert open_session.mail("shop@example.com")[0] == 421
    stand_ins.outage("email", 0)

    assert refused.value.smtp_code == 421
    with smtplib.SMTP("127.0.0.1", stand_ins.smtp_port, timeout=5) as session:
        assert session.noop()[0] == 250


@pytest.mark.parametrize("status", [429, 500, 503])
def test_outage_with_an_error_status_sends_retry_after(stand_ins: StandIns, shop: Shop, status: int) -> None:
    stand_ins.outage("payments", 60, status)
    answer = shop.post_payment()
    stand_ins.outage("payments", 0)

    assert (answer.status_code, answer.headers["retry-after"]) == (status, "60")


def test_outage_with_200_sends_truncated_json(stand_ins: StandIns, shop: Shop) -> None:
    stand_ins.outage("payments", 60, 200)
    answer = shop.post_payment()
    stand_ins.outage("payments", 0)

    with pytest.raises(ValueError, match="Unterminated"):
        answer.json()


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}",
        b'{"target": "database", "seconds": 1}',
        b'{"target": "sms", "seconds": -1}',
        b'{"target": "sms", "seconds": 1, "status": 404}',
        b"[]",
    ],
)
def test_invalid_outage_is_refused(stand_ins: StandIns, body: bytes) -> None:
    assert stand_ins.client.post(f"{stand_ins.url}/outage", content=body).status_code == 400


def _sent(stand_ins: StandIns) -> bool:
    try:
        return send_sms(stand_ins, SMS).status_code == 201
    except DROPPED:
        return False
