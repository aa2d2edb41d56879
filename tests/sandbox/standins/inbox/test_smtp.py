"""The mail server stores each e-mail in the inbox, also when commands are pipelined or arrive in parts."""

import smtplib
import socket
from collections.abc import Iterator

import pytest

from sandbox.standins.inbox.smtp_commands import MAX_MAIL_BYTES
from sandbox.standins.running import StandIns
from tests.sandbox.standins.senders import a_mail


@pytest.fixture
def connection(stand_ins: StandIns) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", stand_ins.smtp_port), timeout=5) as connection:
        yield connection


def test_mail_is_stored_with_text_html_and_headers(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address, subject="Заказ подтверждён", text="Спасибо\nАнна", html="<b>Спасибо</b>"))
    (kept,) = stand_ins.inbox(to=address)

    assert (kept["channel"], kept["to"], kept["subject"]) == ("email", address, "Заказ подтверждён")
    assert (kept["text"], kept["html"]) == ("Спасибо\nАнна\n", "<b>Спасибо</b>\n")
    assert kept["headers"]["Message-ID"] == "<order-1@shop.example>"
    assert kept["receivedAt"].endswith("Z")


def test_each_mail_is_stored_once_for_each_recipient(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    for _ in range(2):
        smtp.send_message(a_mail(address), to_addrs=[address, f"second-{address}"])

    assert [len(stand_ins.inbox(to=to)) for to in (address, f"second-{address}")] == [2, 2]


def test_lines_that_begin_with_a_dot_are_kept(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.send_message(a_mail(address, text=".\n..two\nend"))

    assert stand_ins.inbox(to=address)[0]["text"] == ".\n..two\nend\n"


def test_pipelined_commands_of_two_mails_are_executed_in_order(
    stand_ins: StandIns, connection: socket.socket, address: str
) -> None:
    first = f"MAIL FROM:<shop@example.com>\r\nRCPT TO:<{address}>\r\nDATA\r\nSubject: first\r\n\r\n..\r\n.\r\n"
    second = first.replace("Subject: first\r\n\r\n..\r\n", "")
    connection.sendall(f"EHLO shop\r\n{first}{second}QUIT\r\nNOOP\r\n".encode())

    replies = [line[:4] for line in replies_of(connection)]
    assert replies == ["220 ", *["250-"] * 4, "250 ", *["250 ", "250 ", "354 ", "250 "] * 2, "221 "]
    assert [(mail["subject"], mail["text"]) for mail in stand_ins.inbox(to=address)] == [("first", ".\n"), (None, "")]


def test_mail_may_arrive_byte_by_byte(stand_ins: StandIns, connection: socket.socket, address: str) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    envelope = f"HELO shop\r\nMAIL FROM:<shop@example.com>\r\nRCPT TO:<{address}>\r\n"
    mail = f"{envelope}DATA\r\nSubject: a\r\n\r\nb\r\n.\r\nQUIT\r\n"
    for byte in mail.encode():
        connection.sendall(bytes([byte]))

    assert [line[:3] for line in replies_of(connection)] == ["220", "250", "250", "250", "354", "250", "221"]
    assert stand_ins.inbox(to=address)[0]["text"] == "b\n"


def test_mail_above_the_maximum_size_is_refused(stand_ins: StandIns, smtp: smtplib.SMTP, address: str) -> None:
    smtp.ehlo()
    smtp.mail("shop@example.com")
    smtp.rcpt(address)

    assert smtp.data(b"x" * MAX_MAIL_BYTES)[0] == 552
    assert stand_ins.inbox(to=address) == []


def test_line_without_an_end_is_refused(connection: socket.socket) -> None:
    connection.sendall(b"x" * 5000)

    assert [line[:3] for line in replies_of(connection)] == ["220", "500"]


def replies_of(connection: socket.socket) -> list[str]:
    """All lines until the server closes the connection."""
    with connection.makefile("r") as lines:
        return list(lines)
