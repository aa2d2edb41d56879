"""One message to one receiver, over real HTTP; the receiver does what receivers do."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.webhooks.addresses import read_networks
from services.webhooks.resolving import HostCheck
from services.webhooks.sending import Answer, WebhookSender
from services.webhooks.urls import read_url
from tests.services.webhooks.receiver import Answering, cut, drip, endless, hang, nonsense, receiving, status

LOOPBACK = read_networks("127.0.0.0/8")
BODY = b'{"type":"order.paid"}'
HEADERS = {"webhook-id": "msg_1"}


async def sent(url: str, sender: WebhookSender | None = None) -> Answer:
    sender = sender or WebhookSender(HostCheck(LOOPBACK), within=0.5)
    return await sender.send(read_url(url, https_only=False), HEADERS, BODY)


async def test_a_message_arrives_as_it_is() -> None:
    async with receiving(status(204)) as receiver:
        answer = await sent(f"{receiver.url}?shop=1")
    assert (answer.status, answer.error, answer.succeeded) == (204, None, True)
    assert [(each.path, each.body) for each in receiver.received] == [("/hooks?shop=1", BODY)]
    headers = receiver.received[0].headers
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert (headers["content-type"], headers["webhook-id"]) == ("application/json", "msg_1")
    assert not {"authorization", "cookie"} & headers.keys()


@pytest.mark.parametrize(
    ("answer", "expected", "error"),
    [
        pytest.param(status(200, body=b"a" * 200_000), 200, None, id="huge"),
        pytest.param(endless, 200, None, id="endless"),
        pytest.param(status(500), 500, "HTTP 500", id="500"),
        pytest.param(status(410), 410, "HTTP 410", id="410"),
        pytest.param(hang, None, "no answer within 0.5 s", id="hang"),
        pytest.param(drip, None, "no answer within 0.5 s", id="drip"),
        pytest.param(cut, None, "the connection was cut, or the answer is not HTTP", id="cut"),
        pytest.param(nonsense, None, "the connection was cut, or the answer is not HTTP", id="nonsense"),
    ],
)
async def test_T223_whatever_a_receiver_does_ends_in_time(
    answer: Answering, expected: int | None, error: str | None
) -> None:
    async with receiving(answer) as receiver:
        started = time.monotonic()
        got = await sent(receiver.url)
        assert (got.status, got.error) == (expected, error)
        assert time.monotonic() - started < 3


async def test_T222_a_redirect_is_a_failure_and_is_not_followed() -> None:
    async with receiving() as inside, receiving(status(307, f"Location: {inside.url}")) as receiver:
        answer = await sent(receiver.url)
    assert (answer.status, answer.error) == (307, "HTTP 307")
    assert inside.received == []


async def test_T220_no_connection_is_made_to_an_address_that_is_not_allowed() -> None:
    async with receiving() as receiver:
        answer = await sent(receiver.url, WebhookSender(HostCheck()))
        assert (answer.status, answer.error) == (None, "the address is not allowed")
        assert receiver.received == []


async def test_T221_a_name_is_looked_up_once_and_what_was_checked_is_connected_to() -> None:
    """A name server that answers with another address the second time (DNS rebinding)."""
    asked: list[str] = []

    def rebinding(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    sender = WebhookSender(HostCheck(read_networks("127.0.0.1/32"), rebinding))
    async with receiving() as receiver:
        url = f"http://localhost:{receiver.port}/hooks"
        assert (await sent(url, sender)).status == 204
        assert asked == ["localhost"]
        assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"
        assert (await sent(url, sender)).error == "the address is not allowed"
    assert len(receiver.received) == 1


async def test_T229_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await sent(receiver.url)).status == 204
    assert proxy.received == []


async def test_a_name_without_an_address_and_a_closed_port() -> None:
    def unknown(*_: object) -> Sequence[str]:
        raise OSError

    assert (await sent("http://a.example/", WebhookSender(HostCheck(resolve=unknown)))).error == (
        "the name has no address"
    )
    async with receiving() as receiver:
        url = receiver.url
    assert (await sent(url)).error == "the connection was refused"


async def test_the_first_address_that_answers_is_used() -> None:
    sender = WebhookSender(HostCheck(LOOPBACK, lambda *_: ["127.0.0.2", "127.0.0.1"]), within=5)
    async with receiving() as receiver:
        assert (await sent(f"http://localhost:{receiver.port}/", sender)).status == 204


@pytest.mark.parametrize(("name", "error"), [("shop.test", None), ("other.test", "the TLS certificate")])
async def test_T221_the_certificate_must_be_that_of_the_name(tmp_path: Path, name: str, error: str | None) -> None:
    server, trusted = certificate(tmp_path, "shop.test")
    sender = WebhookSender(HostCheck(LOOPBACK, lambda *_: ["127.0.0.1"]), tls=trusted)
    async with receiving(tls=server) as receiver:
        answer = await sent(f"https://{name}:{receiver.port}/", sender)
        assert (answer.error or "").startswith(error or "")
        assert answer.succeeded == (error is None)
        assert len(receiver.received) == (0 if error else 1)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path, "shop.test")
    sender = WebhookSender(HostCheck(LOOPBACK, lambda *_: ["127.0.0.1"]))
    async with receiving(tls=server) as receiver:
        answer = await sent(f"https://shop.test:{receiver.port}/", sender)
        await asyncio.sleep(0)
    assert answer.error == "the TLS certificate or connection is not valid"
    assert receiver.received == []


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with a certificate of this name, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context(cafile=str(pem))
    server.load_cert_chain(pem)
    return server, client
