"""The adapter against answers that are broken, late or hostile: it never takes them for a yes or a no."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from services.clock import new_id
from services.money import Money
from services.payments.gateway import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknown,
    Outcome,
    PaymentLookup,
    RefundRequest,
)
from services.payments.yookassa.gateway import YooKassa, any_amount_methods
from tests.services.payments.conftest import PHONE, a_charge

REFERENCE = new_id()
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ANYWHERE = PaymentLookup(REFERENCE, None, (), NOW, NOW + timedelta(seconds=5))
ORDER = RefundRequest("refund:1:1", "p-1", Money(100, "RUB"))

Handler = Callable[[httpx2.Request], httpx2.Response]


def a_payment(**changes: Any) -> dict[str, Any]:
    amount = {"value": "1299.00", "currency": "RUB"}
    return {"id": "p-1", "status": "succeeded", "amount": amount, "metadata": {"reference": str(REFERENCE)}} | changes


def speaking(handler: Handler) -> YooKassa:
    return YooKassa("http://shop/v3", "1", "key", any_amount_methods(1, 1), transport=httpx2.MockTransport(handler))


def answering(status: int, body: object = None, headers: dict[str, str] | None = None) -> YooKassa:
    return speaking(lambda _: httpx2.Response(status, json=body, headers=headers))


def charge(gateway: YooKassa, within: float = 1) -> Any:
    return gateway.charge(REFERENCE, a_charge(), within=within)


def test_a_card_goes_by_token_under_one_key_with_our_reference() -> None:
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=a_payment())

    assert charge(speaking(handler)).outcome is Outcome.SUCCEEDED
    [request] = seen
    assert (request.method, str(request.url)) == ("POST", "http://shop/v3/payments")
    assert request.headers["idempotence-key"] == f"charge:{REFERENCE}"
    assert json.loads(request.content) == {
        "amount": {"value": "1299.00", "currency": "RUB"},
        "capture": True,
        "payment_token": "tok_succeeds",
        "confirmation": {"type": "redirect", "return_url": "http://127.0.0.1/orders"},
        "metadata": {"reference": str(REFERENCE)},
    }


def test_a_phone_goes_as_digits() -> None:
    seen: list[bytes] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.content)
        return httpx2.Response(200, json=a_payment(status="pending"))

    speaking(handler).charge(REFERENCE, a_charge(phone=PHONE), within=1)
    assert json.loads(seen[0])["payment_method_data"] == {"type": "mobile_balance", "phone": PHONE[1:]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        a_payment(status="haggling"),
        a_payment(id="../refunds"),
        a_payment(amount={"value": "1,299.00", "currency": "RUB"}),
        a_payment(metadata={"reference": str(new_id())}),
        a_payment(confirmation={"confirmation_url": "javascript:alert(1)"}),
    ],
)
def test_F39_an_answer_that_makes_no_sense_is_unknown(body: object) -> None:
    with pytest.raises(GatewayUnknown):
        charge(answering(200, body))


@pytest.mark.parametrize("status", [201, 302, 408, 409, 500, 502, 504])
def test_F36_only_200_is_an_answer(status: int) -> None:
    with pytest.raises(GatewayUnknown):
        charge(answering(status, a_payment(), {"location": "http://elsewhere/v3/payments"}))


@pytest.mark.parametrize(("given", "seconds"), [("60", 60), ("100000", 3600), ("soon", 5), (None, 5)])
@pytest.mark.parametrize("status", [429, 503])
def test_F37_a_busy_provider_says_for_how_long(status: int, given: str | None, seconds: float) -> None:
    with pytest.raises(GatewayUnavailable) as raised:
        charge(answering(status, {}, {"retry-after": given} if given else None))
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_decline_nobody(status: int) -> None:
    with pytest.raises(GatewayUnavailable):
        charge(answering(status, {"code": "invalid_credentials"}))


def test_a_refusal_has_the_providers_word() -> None:
    with pytest.raises(GatewayRefused) as raised:
        charge(answering(400, {"type": "error", "code": "invalid_request", "parameter": "payment_token"}))
    assert raised.value.code == "invalid_request"


@pytest.mark.parametrize("body", [{"code": "invalid_request", "parameter": "Idempotence-Key"}, {"oops": 1}])
def test_a_refusal_that_may_hide_a_charge_is_unknown(body: object) -> None:
    with pytest.raises(GatewayUnknown):
        charge(answering(400, body))


def test_a_search_pages_through_the_time_of_the_intent() -> None:
    queries: list[dict[str, str]] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        queries.append(dict(request.url.params))
        if len(queries) < 3:
            foreign = a_payment(id="p-0", metadata={"reference": str(new_id())})
            return httpx2.Response(200, json={"items": [foreign], "next_cursor": f"c-{len(queries)}"})
        return httpx2.Response(200, json={"items": [a_payment(status="canceled"), a_payment(id="p-2")]})

    found = speaking(handler).look_up(ANYWHERE, within=1)
    assert found is not None
    assert (found.provider_id, found.outcome) == ("p-2", Outcome.SUCCEEDED)
    assert [query.get("cursor") for query in queries] == [None, "c-1", "c-2"]
    assert queries[0]["created_at.gte"] == "2026-11-23T08:58:00+00:00"
    assert queries[0]["created_at.lte"] == "2026-11-23T09:02:05+00:00"


def test_a_search_without_an_end_does_not_say_no() -> None:
    pages = {"items": [], "next_cursor": "more"}
    with pytest.raises(GatewayUnknown):
        answering(200, pages).look_up(ANYWHERE, within=5)
    with pytest.raises(GatewayUnknown):
        answering(404).look_up(ANYWHERE, within=1)
    with pytest.raises(GatewayUnknown):
        answering(404).look_up(PaymentLookup(REFERENCE, "p-1", (), NOW, NOW), within=1)
    with pytest.raises(GatewayUnknown):
        answering(200, pages).look_up_refund(ORDER, None, within=5)


def test_an_id_that_a_message_named_must_carry_our_reference() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        foreign = a_payment(id="p-9", metadata={"reference": str(new_id())})
        return httpx2.Response(200, json=foreign if request.url.path.endswith("/p-9") else {"items": []})

    hinted = PaymentLookup(REFERENCE, None, ("p-9",), NOW, NOW)
    assert speaking(handler).look_up(hinted, within=1) is None
    with pytest.raises(GatewayUnknown):
        speaking(handler).look_up(PaymentLookup(REFERENCE, "p-9", (), NOW, NOW), within=1)


def test_a_search_that_finds_nothing_says_so() -> None:
    assert answering(200, {"items": []}).look_up(ANYWHERE, within=1) is None
    assert answering(200, {"items": []}).look_up_refund(ORDER, None, within=1) is None


@pytest.mark.parametrize(
    "changes", [{"payment_id": "p-2"}, {"amount": {"value": "1.01", "currency": "RUB"}}, {"amount": {}}]
)
def test_a_refund_of_something_else_is_unknown(changes: dict[str, Any]) -> None:
    amount = {"value": "1.00", "currency": "RUB"}
    refund = {"id": "r-1", "payment_id": "p-1", "status": "succeeded", "amount": amount} | changes
    with pytest.raises(GatewayUnknown):
        answering(200, refund).refund(ORDER, within=1)
    with pytest.raises(GatewayUnknown):
        answering(404, {}).refund(ORDER, within=1)


class Line:
    """A server on a raw socket that treats each connection as it was told."""

    def __init__(self, treat: Callable[[socket.socket], None]) -> None:
        self._treat = treat
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v3"
        self.gateway = YooKassa(self.url, "1", "key", any_amount_methods(1, 1))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(65536))
                try:
                    self._treat(connection)
                except OSError:
                    continue

    def close(self) -> None:
        self.gateway.close()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def line() -> Iterator[Callable[[Callable[[socket.socket], None]], Line]]:
    opened: list[Line] = []

    def make(treat: Callable[[socket.socket], None]) -> Line:
        opened.append(Line(treat))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _wait(connection: socket.socket) -> None:
    while connection.recv(4096):
        continue


def _drip(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000:
        connection.sendall(bytes([byte]))
        threading.Event().wait(0.02)


def _huge(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(64):
        connection.sendall(b" " * 65536)


BROKEN: dict[str, Callable[[socket.socket], None]] = {
    "reset": _reset,
    "empty": lambda _: None,
    "no http": lambda connection: connection.sendall(b"good day\r\n\r\n"),
    "half": lambda connection: connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"id": "p'),
    "no json": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"),
    "zipped": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n{} "),
    "silent": _wait,
    "dripping": _drip,
    "huge": _huge,
}


@pytest.mark.parametrize("how", BROKEN)
def test_F39_a_broken_line_is_unknown_within_the_bound(
    line: Callable[[Callable[[socket.socket], None]], Line], how: str
) -> None:
    broken = line(BROKEN[how])
    began = time.monotonic()
    with pytest.raises(GatewayUnknown):
        charge(broken.gateway, within=0.6)
    assert time.monotonic() - began < 1.5
    assert len(broken.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_T91_nobody_is_followed_elsewhere(line: Callable[[Callable[[socket.socket], None]], Line], status: int) -> None:
    elsewhere = line(lambda _: None)
    where = elsewhere.url.encode()

    def redirect(connection: socket.socket) -> None:
        head = b"HTTP/1.1 %d Moved\r\nLocation: %b/payments\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head % (status, where))

    moved = line(redirect)
    with pytest.raises(GatewayUnknown):
        charge(moved.gateway)
    assert (len(moved.requests), elsewhere.requests) == (1, [])


def test_nothing_is_sent_after_the_deadline(line: Callable[[Callable[[socket.socket], None]], Line]) -> None:
    waiting = line(lambda _: None)
    with pytest.raises(GatewayUnavailable):
        charge(waiting.gateway, within=0)
    assert waiting.requests == []


def test_nobody_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gateway = YooKassa(f"http://127.0.0.1:{port}/v3", "1", "key", any_amount_methods(1, 1))
    with pytest.raises(GatewayUnavailable):
        charge(gateway)
    gateway.close()
