"""The replies to SMTP commands, without the network."""

import pytest

from sandbox.standins.inbox.smtp_commands import Commands


@pytest.fixture
def commands() -> Commands:
    return Commands(lambda: False)


def codes(commands: Commands, *lines: str) -> list[int]:
    return [int(commands.execute(line)[:3]) for line in lines]


def test_mail_has_a_sender_recipients_and_content(commands: Commands) -> None:
    lines = (
        "EHLO shop",
        "MAIL FROM:<shop@example.com> SIZE=10",
        "RCPT TO:<anna@example.com>",
        "rcpt to: <яна@пример.рф>",
    )

    assert codes(commands, *lines, "DATA") == [250, 250, 250, 250, 354]
    assert commands.recipients == ["anna@example.com", "яна@пример.рф"]
    assert commands.reads_mail


def test_ehlo_announces_the_extensions(commands: Commands) -> None:
    announced = [line[4:] for line in commands.execute("EHLO shop").split("\r\n")]

    assert announced == ["sandbox", "PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 10485760"]


def test_bounce_has_an_empty_sender(commands: Commands) -> None:
    assert codes(commands, "MAIL FROM:<>", "RCPT TO:<>") == [250, 501]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["RCPT TO:<anna@example.com>"], 503),
        (["DATA"], 503),
        (["MAIL FROM:<shop@example.com>", "DATA"], 503),
        (["MAIL FROM:<shop@example.com>", "MAIL FROM:<shop@example.com>"], 503),
        (["MAIL shop@example.com"], 501),
        (["MAIL FROM:<shop@example.com> SIZE=10485761"], 552),
        (["MAIL FROM:<shop@example.com> AUTH=<>"], 501),
        (["MAIL FROM:<shop@example.com> RET=FULL"], 555),
        (["STARTTLS"], 500),
        ([""], 500),
        (["quit"], 221),
    ],
)
def test_command_out_of_order_or_unknown_is_refused(commands: Commands, lines: list[str], code: int) -> None:
    assert codes(commands, *lines)[-1] == code


@pytest.mark.parametrize("command", ["RSET", "HELO shop", "EHLO shop"])
def test_reset_forgets_sender_and_recipients(commands: Commands, command: str) -> None:
    codes(commands, "MAIL FROM:<shop@example.com>", "RCPT TO:<anna@example.com>", command)

    assert codes(commands, "RCPT TO:<anna@example.com>") == [503]
    assert commands.recipients == []


def test_sender_is_refused_during_an_outage() -> None:
    assert codes(Commands(lambda: True), "EHLO shop", "MAIL FROM:<shop@example.com>") == [250, 421]
