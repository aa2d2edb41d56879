"""Clients of the stand-ins: a shop that pays and refunds, and a receiver of webhooks."""

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
# Errors of the client when the connection is aborted without a response.
DROPPED = (httpx2.RemoteProtocolError, httpx2.NetworkError)

Json = dict[str, Any]


class Shop:
    """A client of the payment API with defaults for all members of a request."""

    def __init__(self, stand_ins: StandIns) -> None:
        self.stand_ins = stand_ins
        self.client = httpx2.Client(base_url=f"{stand_ins.url}/v3", auth=stand_ins.shop, timeout=5, trust_env=False)

    def post_payment(self, card: str = "tok_succeeds", key: str | None = None, **other: object) -> httpx2.Response:
        """Send a payment by card; `other` replaces or adds members, None removes one."""
        usual = {"amount": rub("100.00"), "capture": True, "payment_token": card, "metadata": {"reference": new_key()}}
        body = {name: value for name, value in (usual | other).items() if value is not None}
        return self.client.post("/payments", json=body, headers={"Idempotence-Key": key or new_key()})

    def post_refund(
        self, payment_id: str, value: str = "100.00", key: str | None = None, description: str | None = None
    ) -> httpx2.Response:
        """Send a refund in roubles."""
        body = {"payment_id": payment_id, "amount": rub(value), "description": description}
        return self.client.post("/refunds", json=body, headers={"Idempotence-Key": key or new_key()})

    def pay(self, card: str = "tok_succeeds", **other: Any) -> Json:
        """Pay by card; the request must succeed."""
        return body_of(self.post_payment(card, **other))

    def pay_by_phone(self, phone: str, **other: Any) -> Json:
        """Pay from a phone's balance; the request must succeed."""
        data = {"type": "mobile_balance", "phone": phone}
        return body_of(self.post_payment(payment_token=None, payment_method_data=data, **other))

    def payment(self, payment_id: str) -> Json:
        """The payment."""
        return body_of(self.client.get(f"/payments/{payment_id}"))

    def wait_until_final(self, payment_id: str) -> Json:
        """Wait until the payment is no longer pending."""
        assert wait_until(lambda: self.payment(payment_id)["status"] != "pending", TIMEOUT)
        return self.payment(payment_id)


@dataclass(frozen=True)
class Signed:
    """A received signed webhook."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Json:
        """The JSON body, without verification."""
        body: Json = json.loads(self.raw)
        return body


class WebhookReceiver:
    """Receives webhooks on its own port; responds 200 unless `responses` has a status for the payment's reference."""

    def __init__(self) -> None:
        self.received: list[Json] = []
        self.signed: list[Signed] = []
        self.responses: dict[str, list[int]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler in the methods below
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver._receive(self.path, dict(self.headers), raw))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        return Handler

    def _receive(self, path: str, headers: dict[str, str], raw: bytes) -> int:
        body = json.loads(raw)
        if path == PATH:
            self.received.append(body)
            reference = body["object"].get("metadata", {}).get("reference")
        else:
            self.signed.append(Signed(path, headers, raw))
            reference = body["paymentId"]
        left = self.responses.get(reference, [])
        return left.pop(0) if left else 200

    @property
    def url(self) -> str:
        """The URL of native webhooks."""
        return f"http://127.0.0.1:{self.server.server_port}{PATH}"

    @property
    def notify_url(self) -> str:
        """The URL of signed webhooks."""
        return f"http://127.0.0.1:{self.server.server_port}/payments/{{paymentId}}/notify"

    def signed_for(self, reference: str, count: int = 1) -> list[Signed]:
        """Wait for `count` signed webhooks of our payment; returns them in order of arrival."""

        def found() -> list[Signed]:
            return [one for one in list(self.signed) if one.path == f"/payments/{reference}/notify"]

        assert wait_until(lambda: len(found()) >= count, TIMEOUT), found()
        return found()

    def events_of(self, object_id: str) -> list[str]:
        """The received events of a payment or refund, in order of arrival."""
        return [webhook["event"] for webhook in list(self.received) if webhook["object"]["id"] == object_id]

    def wait_for(self, object_id: str, count: int = 1) -> list[Json]:
        """Wait for `count` webhooks of an object."""
        assert wait_until(lambda: len(self.events_of(object_id)) >= count, TIMEOUT), self.events_of(object_id)
        return [webhook for webhook in list(self.received) if webhook["object"]["id"] == object_id]

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def rub(value: str) -> Json:
    """An amount in roubles in the API's format."""
    return {"value": value, "currency": "RUB"}


def new_key() -> str:
    """A unique string."""
    return str(uuid.uuid4())


def body_of(answer: httpx2.Response) -> Json:
    """The body of a response, which must be 200."""
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def refusal(answer: httpx2.Response, status: int) -> tuple[str, str]:
    """Code and parameter of an error response of the provider."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["type"] == "error"
    assert {"id", "description"} <= set(body)
    return body["code"], body["parameter"]
