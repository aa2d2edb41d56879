"""The commands of an SMTP session (RFC 5321) and their replies, without the network."""

import re
from collections.abc import Callable

MAX_MAIL_BYTES = 10 * 1024 * 1024
PARAMETERS = {"BODY", "SIZE", "SMTPUTF8"}
PATH = r": ?<(?P<address>[^<>]*)>(?P<parameters>[^<>]*)"
SENDER, RECIPIENT = re.compile("FROM" + PATH, re.IGNORECASE), re.compile("TO" + PATH, re.IGNORECASE)

CAPABILITIES = f"250-sandbox\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {MAX_MAIL_BYTES}"
OK = "250 2.0.0 OK"
START_MAIL = "354 End data with <CR><LF>.<CR><LF>"
BYE = "221 2.0.0 Bye"
UNAVAILABLE = "421 4.3.2 Service not available, closing transmission channel"
UNKNOWN_COMMAND = "500 5.5.2 Command not recognized"
BAD_ARGUMENT = "501 5.5.4 Syntax: MAIL FROM:<address> or RCPT TO:<address>"
BAD_SEQUENCE = "503 5.5.1 Bad sequence of commands"
MAIL_TOO_LARGE = "552 5.3.4 Message exceeds the maximum size"
UNKNOWN_PARAMETER = "555 5.5.4 Parameter not recognized"


class Commands:
    """The state of one session: who may send next, to whom, and whether a mail is being transferred."""

    def __init__(self, is_down: Callable[[], bool]) -> None:
        """`is_down`: whether there is an outage of the mail server."""
        self._is_down = is_down
        self._has_sender = False
        self._replies: dict[str, Callable[[str], str]] = {
            "EHLO": lambda _: self.reset(CAPABILITIES),
            "HELO": lambda _: self.reset("250 sandbox"),
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": lambda _: self.reset(OK),
            "NOOP": lambda _: OK,
            "QUIT": lambda _: BYE,
        }
        self.recipients: list[str] = []
        #: whether the next lines are a mail, after DATA
        self.reads_mail = False

    def execute(self, line: str) -> str:
        """Execute a command line; returns its reply without the final line break."""
        verb, _, argument = line.partition(" ")
        command = self._replies.get(verb.upper())
        return UNKNOWN_COMMAND if command is None else command(argument.strip())

    def reset(self, reply: str) -> str:
        """Forget the sender and the recipients; returns `reply`."""
        self._has_sender = self.reads_mail = False
        self.recipients = []
        return reply

    def _mail(self, argument: str) -> str:
        if self._is_down():
            return UNAVAILABLE
        if self._has_sender:
            return BAD_SEQUENCE
        path = SENDER.fullmatch(argument)
        refusal = BAD_ARGUMENT if path is None else _refusal(path["parameters"])
        self._has_sender = refusal is None
        return refusal or OK

    def _rcpt(self, argument: str) -> str:
        if not self._has_sender:
            return BAD_SEQUENCE
        path = RECIPIENT.fullmatch(argument)
        if path is None or not path["address"]:
            return BAD_ARGUMENT
        self.recipients.append(path["address"])
        return OK

    def _data(self, _argument: str) -> str:
        self.reads_mail = bool(self.recipients)
        return START_MAIL if self.reads_mail else BAD_SEQUENCE


def _refusal(parameters: str) -> str | None:
    given = dict(part.upper().partition("=")[::2] for part in parameters.split())
    if not given.keys() <= PARAMETERS:
        return UNKNOWN_PARAMETER
    size = given.get("SIZE", "0")
    return MAIL_TOO_LARGE if not size.isdecimal() or int(size) > MAX_MAIL_BYTES else None
