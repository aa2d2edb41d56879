"""Sending mail to a server with PIPELINING that answers only after it has all three commands."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from services.notifications.mail import SmtpMailSender
from services.notifications.ports import SENT, DeliveryResult, Outcome
from tests.services.notifications.test_mail import a_mail

ACCEPT = ["250 ok", "250 ok", "354 go"]
UNKNOWN = DeliveryResult(Outcome.UNKNOWN, "the connection to the mail server broke before its answer")
BROKE = DeliveryResult(Outcome.POSTPONED, "the connection to the mail server broke")
NO_MAILBOX = DeliveryResult(Outcome.REJECTED, "the mail server refused the address (550 5.1.1)")


@dataclass
class ScriptedServer:
    """Serves one connection: writes each line of the script after reading up to its end mark, then closes."""

    port: int
    received: list[bytes] = field(default_factory=list)


@contextmanager
def scripted(*steps: tuple[bytes, Sequence[str]]) -> Iterator[ScriptedServer]:
    """Each step: what the client's bytes must end with, and the replies that are written at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedServer(listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(listener, server, steps), daemon=True)
        thread.start()
        yield server
    thread.join(5)
    assert not thread.is_alive()


def _serve(listener: socket.socket, server: ScriptedServer, steps: Sequence[tuple[bytes, Sequence[str]]]) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"220 ready\r\n")
        for end, replies in [(b"\r\n", ["250-mail", "250 PIPELINING"]), *steps]:
            read = b""
            while not read.endswith(end):
                if not (chunk := connection.recv(65536)):
                    return
                read += chunk
            server.received.append(read)
            connection.sendall("".join(f"{reply}\r\n" for reply in replies).encode())


@pytest.fixture
def mail_senders() -> Iterator[list[SmtpMailSender]]:
    made: list[SmtpMailSender] = []
    yield made
    for mail_sender in made:
        mail_sender.close()


def send(port: int, made: list[SmtpMailSender], times: int = 1) -> list[DeliveryResult]:
    made.append(SmtpMailSender(f"smtp://127.0.0.1:{port}", "orders@example.com", "shop.example.com"))
    return [made[-1].send(a_mail()) for _ in range(times)]


def test_the_commands_of_a_mail_arrive_together(mail_senders: list[SmtpMailSender]) -> None:
    steps = ((b"DATA\r\n", ACCEPT), (b"\r\n.\r\n", ["250 queued"]))
    with scripted(*steps, *steps) as server:
        assert send(server.port, mail_senders, times=2) == [SENT, SENT]
    commands = b"MAIL FROM:<orders@example.com>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\n"
    assert [server.received[1], server.received[3]] == [commands] * 2


@pytest.mark.parametrize(
    ("replies", "result"),
    [
        (["421 bye"], DeliveryResult(Outcome.UNREACHABLE, "the mail server refused us (421)")),
        ([], DeliveryResult(Outcome.UNREACHABLE, "the mail server cannot be reached (SMTPServerDisconnected)")),
        (["250 ok"], BROKE),
        (["250 ok", "250 ok"], BROKE),
        (["250 ok", "550 5.1.1 no"], NO_MAILBOX),
        (
            ["250 ok", "250 ok", "451 later"],
            DeliveryResult(Outcome.POSTPONED, "the mail server refused the mail (451)"),
        ),
        (ACCEPT, UNKNOWN),
    ],
)
def test_the_stage_at_which_the_connection_breaks_decides_the_outcome(
    mail_senders: list[SmtpMailSender], replies: Sequence[str], result: DeliveryResult
) -> None:
    with scripted((b"DATA\r\n", replies)) as server:
        assert send(server.port, mail_senders) == [result]


@pytest.mark.parametrize(
    "answers_to_data",
    [
        [(b"DATA\r\n", ["250 ok", "550 5.1.1 no", "503 no recipient"])],
        [(b"DATA\r\n", ["250 ok", "550 5.1.1 no", "354 go"]), (b".\r\n", ["554 no recipient"])],
    ],
    ids=["refused", "accepted"],
)
def test_after_a_refused_recipient_no_content_is_sent_and_the_connection_is_reused(
    mail_senders: list[SmtpMailSender], answers_to_data: list[tuple[bytes, Sequence[str]]]
) -> None:
    rset, second = (b"\r\n", ["250 reset"]), ((b"DATA\r\n", ACCEPT), (b"\r\n.\r\n", ["250 queued"]))
    with scripted(*answers_to_data, rset, *second) as server:
        assert send(server.port, mail_senders, times=2) == [NO_MAILBOX, SENT]
    assert server.received[2 : len(answers_to_data) + 2] == [*[b".\r\n"] * (len(answers_to_data) - 1), b"rset\r\n"]
