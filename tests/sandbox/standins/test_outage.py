"""An outage takes one neighbour away, only that one, and ends."""

import smtplib

import pytest

from sandbox.process import wait_until
from sandbox.standins.running import Neighbours
from tests.sandbox.standins.doubles import DROPPED, PATIENCE, Shop
from tests.sandbox.standins.test_inbox import send_sms

SMS = {"To": "+79161234567", "From": "Shop", "Body": "x"}


def test_payments_drop_the_connection_until_the_outage_is_ended(neighbours: Neighbours, shop: Shop) -> None:
    neighbours.outage("payments", 60)
    with pytest.raises(DROPPED):
        shop.client.get("/payments")
    assert send_sms(neighbours, SMS).status_code == 201

    neighbours.outage("payments", 0)
    assert shop.client.get("/payments").status_code == 200


def test_sms_drops_the_connection_and_comes_back_by_itself(neighbours: Neighbours) -> None:
    neighbours.outage("sms", 0.3)
    with pytest.raises(DROPPED):
        send_sms(neighbours, SMS)

    assert wait_until(lambda: _sent(neighbours), PATIENCE)


def test_mail_is_turned_away_with_421_also_in_an_open_session(neighbours: Neighbours) -> None:
    with smtplib.SMTP("127.0.0.1", neighbours.smtp_port, timeout=5) as open_session:
        open_session.ehlo()
        neighbours.outage("email", 60)
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            smtplib.SMTP("127.0.0.1", neighbours.smtp_port, timeout=5)
        assert open_session.mail("shop@example.com")[0] == 421
    neighbours.outage("email", 0)

    assert refused.value.smtp_code == 421
    with smtplib.SMTP("127.0.0.1", neighbours.smtp_port, timeout=5) as session:
        assert session.noop()[0] == 250


@pytest.mark.parametrize("status", [429, 500, 503])
def test_away_with_a_status_says_when_to_come_again(neighbours: Neighbours, shop: Shop, status: int) -> None:
    neighbours.outage("payments", 60, status)
    answer = shop.post_payment()
    neighbours.outage("payments", 0)

    assert (answer.status_code, answer.headers["retry-after"]) == (status, "60")


def test_away_with_200_answers_json_that_breaks_off(neighbours: Neighbours, shop: Shop) -> None:
    neighbours.outage("payments", 60, 200)
    answer = shop.post_payment()
    neighbours.outage("payments", 0)

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
def test_outage_that_makes_no_sense_is_refused(neighbours: Neighbours, body: bytes) -> None:
    assert neighbours.client.post(f"{neighbours.url}/outage", content=body).status_code == 400


def _sent(neighbours: Neighbours) -> bool:
    try:
        return send_sms(neighbours, SMS).status_code == 201
    except DROPPED:
        return False
