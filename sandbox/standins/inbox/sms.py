"""The SMS gateway stand-in: Twilio's Messages resource; every SMS is stored in the inbox."""

import email.utils
import uuid
from typing import Any
from urllib.parse import parse_qsl

import phonenumbers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.standins.inbox.messages import Channel, Inbox, Message

STORED_HEADERS = ("Idempotency-Key", "User-Agent")
SEGMENT_LENGTH = 67
# https://www.twilio.com/docs/api/errors
NO_TO, NO_FROM, NO_BODY, BAD_TO = 21604, 21603, 21602, 21211


class SmsRefused(Exception):
    """A 400 response with one of Twilio's error codes and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        more_info = f"https://www.twilio.com/docs/errors/{code}"
        self.body = {"code": code, "message": message, "more_info": more_info, "status": 400}


class SmsApi:
    """The gateway's single operation."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    def routes(self) -> list[Route]:
        """The path and its handler."""
        return [Route("/2010-04-01/Accounts/{account}/Messages.json", self.create_message, methods=["POST"])]

    async def create_message(self, request: Request) -> Response:
        """Accept `To`, `From` and `Body`; respond 201 with the message or 400 with Twilio's error."""
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        sid = f"SM{uuid.uuid4().hex}"
        try:
            message = _read(form, _stored_headers(request, form) | {"Sid": sid})
        except SmsRefused as refused:
            return JSONResponse(refused.body, 400)
        self.inbox.add(message)
        return JSONResponse(_message_json(request.path_params["account"], sid, message), 201)


def _read(form: dict[str, str], headers: dict[str, str]) -> Message:
    to = _field(form, "To", NO_TO)
    _field(form, "From", NO_FROM)
    if not _is_phone(to):
        raise SmsRefused(BAD_TO, f"The 'To' number {to} is not a valid phone number.")
    return Message(Channel.SMS, to, _field(form, "Body", NO_BODY), headers=headers)


def _field(form: dict[str, str], name: str, code: int) -> str:
    value = form.get(name)
    if not value:
        raise SmsRefused(code, f"A '{name}' is required.")
    return value


def _is_phone(text: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text))
    except phonenumbers.NumberParseException:
        return False


def _stored_headers(request: Request, form: dict[str, str]) -> dict[str, str]:
    kept = {name: request.headers[name] for name in STORED_HEADERS if name in request.headers}
    return kept | {"From": form.get("From", "")}


def _message_json(account: str, sid: str, message: Message) -> dict[str, Any]:
    text = message.text or ""
    return {
        "sid": sid,
        "account_sid": account,
        "to": message.recipient,
        "from": message.headers["From"],
        "body": text,
        "status": "queued",
        "direction": "outbound-api",
        "num_segments": str(-(-len(text) // SEGMENT_LENGTH)),
        "num_media": "0",
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "error_message": None,
        "date_created": email.utils.formatdate(usegmt=True),
        "date_sent": None,
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json",
    }
