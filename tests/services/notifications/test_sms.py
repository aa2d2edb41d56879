"""SMS by HTTP against a real server: what the gateway is told, and which answers leave a doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import pytest

from services.clock import new_id
from services.notifications.ports import SENT, Delivery, Outcome, Text
from services.notifications.sms import HttpTexter
from tests.fakes.clock import FakeClock
from tests.services.notifications.sinks import Gateway, sms_gateway


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with sms_gateway(Gateway()) as gateway:
        yield gateway


@pytest.fixture
def texter(gateway: Gateway, clock: FakeClock) -> Iterator[HttpTexter]:
    texter = HttpTexter(gateway.url, "Market", monotonic=clock.monotonic)
    yield texter
    texter.close()


def a_text() -> Text:
    return Text(new_id(), "+79991234567", "Заказ 9F3A-21C4 на 1\u00a0999,00\u00a0₽ принят.")


def test_the_gateway_gets_twilios_form(gateway: Gateway, texter: HttpTexter) -> None:
    text = a_text()
    assert texter.send(text) == SENT
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
def test_what_an_answer_means(
    gateway: Gateway, texter: HttpTexter, status: int, outcome: Outcome, reason: str | None
) -> None:
    gateway.status = status
    assert texter.send(a_text()) == Delivery(outcome, reason)
    assert gateway.methods.count("POST") == 1


def test_the_gateway_is_asked_after_a_silence_or_a_failure_only(
    gateway: Gateway, texter: HttpTexter, clock: FakeClock
) -> None:
    texter.send(a_text())
    clock.move(seconds=0.4)
    texter.send(a_text())
    assert gateway.methods == ["OPTIONS", "POST", "POST"]
    clock.move(seconds=0.5)
    gateway.status = 500
    texter.send(a_text())
    gateway.status = 201
    assert texter.send(a_text()) == SENT
    assert gateway.methods[3:] == ["OPTIONS", "POST", "OPTIONS", "POST"]


def test_F65_while_the_gateway_is_away_no_sms_is_risked(gateway: Gateway, texter: HttpTexter, clock: FakeClock) -> None:
    texter.send(a_text())
    gateway.status = 0
    lost = texter.send(a_text())
    assert lost.outcome is Outcome.UNKNOWN
    assert lost.reason == "the SMS gateway gave no answer: delivery unknown (RemoteProtocolError)"
    for _ in range(3):
        assert texter.send(a_text()).outcome is Outcome.UNREACHABLE
        clock.move(seconds=1)
    assert gateway.methods.count("POST") == 2
    gateway.status = 201
    assert texter.send(a_text()) == SENT


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
def test_only_what_surely_never_left_may_go_again(error: type[httpx2.TransportError], outcome: Outcome) -> None:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error("no")

    texter = HttpTexter("https://sms.example.com/send", "Market", transport=httpx2.MockTransport(answering(fail)))
    delivery = texter.send(a_text())
    assert (delivery.outcome, error.__name__ in str(delivery.reason)) == (outcome, True)
    texter.close()


@pytest.mark.parametrize(("status", "outcome"), [(200, Outcome.SENT), (501, Outcome.SENT), (503, Outcome.UNREACHABLE)])
def test_any_server_behind_the_question_is_there(status: int, outcome: Outcome) -> None:
    transport = httpx2.MockTransport(answering(lambda _: httpx2.Response(201), status))
    texter = HttpTexter("https://sms.example.com/send", "Market", transport=transport)
    assert texter.send(a_text()).outcome is outcome
    texter.close()


@pytest.mark.parametrize("url", ["sms.example.com", "ftp://sms.example.com", "https://"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SMS_URL must look like"):
        HttpTexter(url, "Market")
