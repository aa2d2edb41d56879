"""Sending mail by SMTP to a real server: what arrives, and the outcome of each failure."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.clock import new_id
from services.notifications.mail import SmtpMailSender
from services.notifications.ports import SENT, DeliveryResult, Email, Outcome
from services.notifications.smtp_connections import IDLE, SmtpServer
from tests.fakes.certificates import Authority
from tests.fakes.clock import FakeClock
from tests.services.notifications.doubles import NOON
from tests.services.notifications.sinks import MailServer, mail_server, only_shop

Senders = Callable[..., SmtpMailSender]


def a_mail(**given: Any) -> Email:
    plain: dict[str, Any] = {
        "id": new_id(),
        "to": "anna@example.com",
        "subject": "Заказ 9F3A-21C4 принят, и тема эта длиннее одной строки заголовка письма",
        "text": "Здравствуйте!\n.\nСумма: 1\u00a0999,00\u00a0₽\n",
        "html": "<p>Здравствуйте!</p>",
        "written_at": NOON,
    }
    return Email(**(plain | given))


@pytest.fixture(params=[False, True], ids=["one by one", "pipelining"])
def server(request: pytest.FixtureRequest) -> Iterator[MailServer]:
    server = MailServer(pipelining=request.param)
    with mail_server(server):
        yield server


@pytest.fixture
def senders() -> Iterator[Senders]:
    made: list[SmtpMailSender] = []

    def make(
        server: MailServer, scheme: str = "smtp", user: str = "", query: str = "", name: str = "Магазин", **given: Any
    ) -> SmtpMailSender:
        url = f"{scheme}://{user}127.0.0.1:{server.port}{query}"
        made.append(SmtpMailSender(url, f"{name} <orders@example.com>", "shop.example.com", **given))
        return made[-1]

    yield make
    for mail_sender in made:
        mail_sender.close()


def test_a_mail_arrives_complete(server: MailServer, senders: Senders) -> None:
    mail = a_mail()
    assert senders(server).send(mail) == SENT
    got = server.mails[0]
    assert {name: got[name] for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")} == {
        "From": "Магазин <orders@example.com>",
        "To": "anna@example.com",
        "Subject": mail.subject,
        "Date": "Mon, 23 Nov 2026 12:00:00 +0000",
        "Message-ID": f"<{mail.id}@shop.example.com>",
        "Auto-Submitted": "auto-generated",
    }
    parts = [(part.get_content_type(), part.get_content()) for part in got.iter_parts()]
    assert parts == [("text/plain", mail.text), ("text/html", mail.html)]
    assert server.recipients == ["anna@example.com"]


def test_one_connection_sends_many_mails(server: MailServer, senders: Senders) -> None:
    mail_sender = senders(server)
    assert [mail_sender.send(a_mail()) for _ in range(5)] == [SENT] * 5
    assert (len(server.mails), server.connections) == (5, 1)


def test_a_connection_that_was_idle_too_long_is_replaced(
    server: MailServer, senders: Senders, clock: FakeClock
) -> None:
    mail_sender = senders(server, monotonic=clock.monotonic)
    for pause, connections in ((IDLE - 1, 1), (IDLE - 1, 1), (IDLE + 1, 2)):
        assert mail_sender.send(a_mail()) == SENT
        clock.move(seconds=pause)
        assert mail_sender.send(a_mail()) == SENT
        assert server.connections == connections


def test_a_closed_idle_connection_is_replaced(senders: Senders) -> None:
    server = MailServer()
    with mail_server(server):
        mail_sender = senders(server)
        assert mail_sender.send(a_mail()) == SENT
    assert mail_sender.send(a_mail()).outcome is Outcome.UNREACHABLE
    with mail_server(server):
        assert mail_sender.send(a_mail()) == SENT
    with mail_server(server):
        assert mail_sender.send(a_mail()) == SENT
    assert (len(server.mails), server.connections) == (3, 3)


def test_a_connection_is_reused_after_a_refused_address(server: MailServer, senders: Senders) -> None:
    mail_sender = senders(server)
    server.to_recipient = {
        "no@example.com": "550 5.1.1 <no@example.com> is unknown",
        "full@example.com": "452 4.2.2 full",
    }
    assert mail_sender.send(a_mail(to="no@example.com")) == DeliveryResult(
        Outcome.REJECTED, "the mail server refused the address (550 5.1.1)"
    )
    assert mail_sender.send(a_mail(to="full@example.com")) == DeliveryResult(
        Outcome.POSTPONED, "the mail server refused the address (452 4.2.2)"
    )
    assert mail_sender.send(a_mail()) == SENT
    assert server.connections == 1


@pytest.mark.parametrize("answer", ["451 4.7.1 greylisted anna@example.com", "554 5.7.1 no spam", "421 bye"])
def test_a_refused_mail_is_postponed_and_the_reason_does_not_quote_the_server(
    server: MailServer, senders: Senders, answer: str
) -> None:
    mail_sender = senders(server)
    server.to_content = answer
    code = answer[:9] if answer[4].isdigit() else answer[:3]
    assert mail_sender.send(a_mail()) == DeliveryResult(Outcome.POSTPONED, f"the mail server refused the mail ({code})")
    server.to_content = None
    assert mail_sender.send(a_mail()) == SENT


def test_F66_a_lost_answer_is_unknown_and_the_retry_has_the_same_message_id(
    server: MailServer, senders: Senders
) -> None:
    mail_sender, mail = senders(server), a_mail()
    server.dies_after_content = True
    assert mail_sender.send(mail) == DeliveryResult(
        Outcome.UNKNOWN, "the connection to the mail server broke before its answer"
    )
    assert mail_sender.send(mail) == SENT
    assert [got["Message-ID"] for got in server.mails] == [f"<{mail.id}@shop.example.com>"] * 2


def test_a_server_that_does_not_answer_is_unreachable(senders: Senders) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        delivery = senders(MailServer(port=closed.getsockname()[1])).send(a_mail())
    assert delivery == DeliveryResult(Outcome.UNREACHABLE, "the mail server cannot be reached (ConnectionRefusedError)")


@pytest.mark.parametrize("to", ["anna@example.com\r\nBcc: boris@example.com", "anna@example.com\x00"])
def test_T106_an_address_with_control_characters_is_rejected(server: MailServer, senders: Senders, to: str) -> None:
    assert senders(server).send(a_mail(to=to)).outcome is Outcome.REJECTED
    assert server.recipients == []


def test_an_address_outside_ascii_requires_smtputf8(senders: Senders) -> None:
    able, unable = MailServer(), MailServer()
    with mail_server(able, enable_SMTPUTF8=True), mail_server(unable, enable_SMTPUTF8=False):
        assert senders(able).send(a_mail(to="анна@example.com")) == SENT
        mail_sender = senders(unable)
        assert mail_sender.send(a_mail(to="анна@example.com")).outcome is Outcome.REJECTED
        assert mail_sender.send(a_mail()) == SENT
    assert able.recipients == ["анна@example.com"]


def test_the_sender_logs_in_with_its_credentials(senders: Senders) -> None:
    server = MailServer()
    with mail_server(server, authenticator=only_shop, auth_require_tls=False):
        assert senders(server, user="shop:p%40ss%3Aword@").send(a_mail()) == SENT
        assert senders(server, user="shop:wrong@").send(a_mail()) == DeliveryResult(
            Outcome.UNREACHABLE, "the mail server refused us (535)"
        )


@pytest.mark.parametrize(("scheme", "query"), [("smtps", ""), ("smtp", "?starttls")])
def test_tls_requires_a_trusted_certificate(
    senders: Senders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, query: str
) -> None:
    certificate, server = a_certificate(tmp_path), MailServer()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    name = "ssl_context" if scheme == "smtps" else "tls_context"
    with mail_server(server, **{name: context}):
        assert senders(server, scheme, query=query).send(a_mail()) == DeliveryResult(
            Outcome.UNREACHABLE, "the mail server cannot be reached (SSLCertVerificationError)"
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert senders(server, scheme, query=query).send(a_mail()) == SENT


@pytest.mark.parametrize(("scheme", "query"), [("smtps", ""), ("smtp", "?starttls")])
def test_T239_a_private_authority_signs_the_mail_servers_certificate(
    senders: Senders, tmp_path: Path, scheme: str, query: str
) -> None:
    private, other = Authority(tmp_path), Authority(tmp_path, "other")
    for hosts, ca, expected in (
        (["127.0.0.1"], private, SENT),
        (["127.0.0.1"], other, None),
        (["mail.internal"], private, None),
    ):
        signed, server = private.sign("mail", *hosts), MailServer()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(signed.certificate, signed.key)
        with mail_server(server, **{"ssl_context" if scheme == "smtps" else "tls_context": context}):
            result = senders(server, scheme, query=query, ca_file=ca.certificate).send(a_mail())
        assert result == expected or result.outcome is Outcome.UNREACHABLE
        assert len(server.mails) == (expected is SENT)


def a_certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("smtp://mail", ("mail", 25, False, False, None, None)),
        ("smtp://mail:2525", ("mail", 2525, False, False, None, None)),
        ("smtp://a:b%40c@mail?starttls", ("mail", 587, False, True, "a", "b@c")),
        ("smtps://a%40x:b@mail", ("mail", 465, True, False, "a@x", "b")),
    ],
)
def test_the_url_is_parsed(url: str, read: tuple[Any, ...]) -> None:
    assert SmtpServer.read(url) == SmtpServer(*read)


@pytest.mark.parametrize("url", ["mail:25", "http://mail", "smtp://"])
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL must look like"):
        SmtpServer.read(url)
