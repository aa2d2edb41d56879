"""Sending SMS by HTTP to a real server: the request, and the outcome of each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import pytest

from services.clock import new_id
from services.notifications.ports import SENT, DeliveryResult, Outcome, Sms
from services.notifications.sms import HttpSmsSender
from tests.fakes.clock import FakeClock
from tests.services.notifications.sinks import Gateway, sms_gateway


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with sms_gateway(Gateway()) as gateway:
        yield gateway


@pytest.fixture
def sms_sender(gateway: Gateway, clock: FakeClock) -> Iterator[HttpSmsSender]:
    sms_sender = HttpSmsSender(gateway.url, "Market", monotonic=clock.monotonic)
    yield sms_sender
    sms_sender.close()


def an_sms() -> Sms:
    return Sms(new_id(), "+79991234567", "Заказ 9F3A-21C4 на 1\u00a0999,00\u00a0₽ принят.")


def test_the_gateway_gets_the_form_fields_of_twilio(gateway: Gateway, sms_sender: HttpSmsSender) -> None:
    text = an_sms()
    assert sms_sender.send(text) == SENT
    assert gateway.forms == [{"To": text.to, "From": "Market", "Body": text.body}]
    assert gateway.headers[0]["Idempotency-Key"] == str(text.id)
    assert gateway.headers[0]["Authorization"] == httpx2.BasicAuth("AC1", "s:cret")._auth_header


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (200, Outcome.SENT, None),
        (302, Outcome.UNREACHABLE, "the SMS gateway refused us (HTTP 302)"),
        (400, Outcome.REJECTED, "the SMS gateway refused the message (HTTP 400)"),
        (401, Outcome.UNREACHABLE, "the SMS gateway refused us (HTTP 401)"),
        (429, Outcome.UNREACHABLE, "the SMS gateway refused us (HTTP 429)"),
        (500, Outcome.UNKNOWN, "the SMS gateway failed: delivery unknown (HTTP 500)"),
        (503, Outcome.UNKNOWN, "the SMS gateway failed: delivery unknown (HTTP 503)"),
    ],
)
def test_the_status_decides_the_outcome(
    gateway: Gateway, sms_sender: HttpSmsSender, status: int, outcome: Outcome, reason: str | None
) -> None:
    gateway.status = status
    assert sms_sender.send(an_sms()) == DeliveryResult(outcome, reason)
    assert gateway.methods.count("POST") == 1


def test_the_gateway_is_probed_only_after_half_a_second_or_a_failure(
    gateway: Gateway, sms_sender: HttpSmsSender, clock: FakeClock
) -> None:
    sms_sender.send(an_sms())
    clock.move(seconds=0.4)
    sms_sender.send(an_sms())
    assert gateway.methods == ["OPTIONS", "POST", "POST"]
    clock.move(seconds=0.5)
    gateway.status = 500
    sms_sender.send(an_sms())
    gateway.status = 201
    assert sms_sender.send(an_sms()) == SENT
    assert gateway.methods[3:] == ["OPTIONS", "POST", "OPTIONS", "POST"]


def test_F65_while_the_gateway_is_unreachable_no_sms_is_sent(
    gateway: Gateway, sms_sender: HttpSmsSender, clock: FakeClock
) -> None:
    sms_sender.send(an_sms())
    gateway.status = 0
    lost = sms_sender.send(an_sms())
    assert lost.outcome is Outcome.UNKNOWN
    assert lost.reason == "the SMS gateway gave no answer: delivery unknown (RemoteProtocolError)"
    for _ in range(3):
        assert sms_sender.send(an_sms()).outcome is Outcome.UNREACHABLE
        clock.move(seconds=1)
    assert gateway.methods.count("POST") == 2
    gateway.status = 201
    assert sms_sender.send(an_sms()) == SENT


def answering(
    on_post: Callable[[httpx2.Request], httpx2.Response], on_options: int = 405
) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda request: httpx2.Response(on_options) if request.method == "OPTIONS" else on_post(request)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx2.ConnectError, Outcome.UNREACHABLE),
        (httpx2.ConnectTimeout, Outcome.UNREACHABLE),
        (httpx2.PoolTimeout, Outcome.UNREACHABLE),
        (httpx2.ReadTimeout, Outcome.UNKNOWN),
        (httpx2.WriteError, Outcome.UNKNOWN),
        (httpx2.ReadError, Outcome.UNKNOWN),
    ],
)
def test_only_an_sms_that_was_certainly_not_sent_is_retried(
    error: type[httpx2.TransportError], outcome: Outcome
) -> None:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error("no")

    sms_sender = HttpSmsSender(
        "https://sms.example.com/send", "Market", transport=httpx2.MockTransport(answering(fail))
    )
    delivery = sms_sender.send(an_sms())
    assert (delivery.outcome, error.__name__ in str(delivery.reason)) == (outcome, True)
    sms_sender.close()


@pytest.mark.parametrize(("status", "outcome"), [(200, Outcome.SENT), (501, Outcome.SENT), (503, Outcome.UNREACHABLE)])
def test_any_answer_to_the_probe_means_reachable_unless_unavailable(status: int, outcome: Outcome) -> None:
    transport = httpx2.MockTransport(answering(lambda _: httpx2.Response(201), status))
    sms_sender = HttpSmsSender("https://sms.example.com/send", "Market", transport=transport)
    assert sms_sender.send(an_sms()).outcome is outcome
    sms_sender.close()


@pytest.mark.parametrize("url", ["sms.example.com", "ftp://sms.example.com", "https://"])
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SMS_URL must look like"):
        HttpSmsSender(url, "Market")
