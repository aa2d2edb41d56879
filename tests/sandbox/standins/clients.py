"""The shop that the neighbours deal with in these tests: it pays, refunds and takes webhooks."""

import json
import threading
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

from sandbox.process import wait_until
from sandbox.standins.running import StandIns

TIMEOUT = 5.0
PATH = "/webhooks"
# How a connection that is cut without an answer looks to its client.
DROPPED = (httpx2.RemoteProtocolError, httpx2.NetworkError)

Json = dict[str, Any]


class Shop:
    """A client of the payment API that leaves out whatever a test is not about."""

    def __init__(self, stand_ins: StandIns) -> None:
        self.stand_ins = stand_ins
        self.client = httpx2.Client(base_url=f"{stand_ins.url}/v3", auth=stand_ins.shop, timeout=5, trust_env=False)

    def post_payment(self, card: str = "tok_succeeds", key: str | None = None, **other: object) -> httpx2.Response:
        """A payment by card; `other` replaces or adds fields, None takes one away."""
        usual = {"amount": rub("100.00"), "capture": True, "payment_token": card, "metadata": {"reference": new_key()}}
        body = {name: value for name, value in (usual | other).items() if value is not None}
        return self.client.post("/payments", json=body, headers={"Idempotence-Key": key or new_key()})

    def post_refund(self, payment_id: str, value: str = "100.00", key: str | None = None) -> httpx2.Response:
        """A refund in roubles."""
        body = {"payment_id": payment_id, "amount": rub(value)}
        return self.client.post("/refunds", json=body, headers={"Idempotence-Key": key or new_key()})

    def pay(self, card: str = "tok_succeeds", **other: Any) -> Json:
        """A payment by card that must be taken."""
        return body_of(self.post_payment(card, **other))

    def pay_by_phone(self, phone: str, **other: Any) -> Json:
        """A payment from a phone's balance that must be taken."""
        data = {"type": "mobile_balance", "phone": phone}
        return body_of(self.post_payment(payment_token=None, payment_method_data=data, **other))

    def payment(self, payment_id: str) -> Json:
        """The payment as it is now."""
        return body_of(self.client.get(f"/payments/{payment_id}"))

    def ended(self, payment_id: str) -> Json:
        """The payment once it is no longer pending."""
        assert wait_until(lambda: self.payment(payment_id)["status"] != "pending", TIMEOUT)
        return self.payment(payment_id)


@dataclass(frozen=True)
class Signed:
    """A signed webhook as it came."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Json:
        """What it says, believed or not."""
        said: Json = json.loads(self.raw)
        return said


class WebhookReceiver:
    """Takes webhooks on a port of its own; answers 200, or first what `answers` says for a payment's reference."""

    def __init__(self) -> None:
        self.received: list[Json] = []
        self.signed: list[Signed] = []
        self.answers: dict[str, list[int]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's inside
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver._receive(self.path, dict(self.headers), raw))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler

    def _receive(self, path: str, headers: dict[str, str], raw: bytes) -> int:
        body = json.loads(raw)
        if path == PATH:
            self.received.append(body)
            reference = body["object"].get("metadata", {}).get("reference")
        else:
            self.signed.append(Signed(path, headers, raw))
            reference = body["paymentId"]
        left = self.answers.get(reference, [])
        return left.pop(0) if left else 200

    @property
    def url(self) -> str:
        """Where to call back."""
        return f"http://127.0.0.1:{self.server.server_port}{PATH}"

    @property
    def notify_url(self) -> str:
        """Where to call back with signed ones."""
        return f"http://127.0.0.1:{self.server.server_port}/payments/{{paymentId}}/notify"

    def signed_for(self, reference: str, count: int = 1) -> list[Signed]:
        """The signed webhooks about our payment, in order of arrival, once there are `count`."""

        def found() -> list[Signed]:
            return [one for one in list(self.signed) if one.path == f"/payments/{reference}/notify"]

        assert wait_until(lambda: len(found()) >= count, TIMEOUT), found()
        return found()

    def events_of(self, object_id: str) -> list[str]:
        """Which events were told about a payment or refund, in order of arrival."""
        return [webhook["event"] for webhook in list(self.received) if webhook["object"]["id"] == object_id]

    def wait_for(self, object_id: str, count: int = 1) -> list[Json]:
        """The webhooks about an object, once there are `count`."""
        assert wait_until(lambda: len(self.events_of(object_id)) >= count, TIMEOUT), self.events_of(object_id)
        return [webhook for webhook in list(self.received) if webhook["object"]["id"] == object_id]

    def close(self) -> None:
        """Stops listening."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def rub(value: str) -> Json:
    """Roubles as the API writes them."""
    return {"value": value, "currency": "RUB"}


def new_key() -> str:
    """A text never used before."""
    return str(uuid.uuid4())


def body_of(answer: httpx2.Response) -> Json:
    """The body of a 200."""
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def refusal(answer: httpx2.Response, status: int) -> tuple[str, str]:
    """Code and parameter of an error in the provider's own form."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["type"] == "error"
    assert {"id", "description"} <= set(body)
    return body["code"], body["parameter"]
