"""The SMS gateway, in the form of Twilio's Messages resource: every SMS lands in the inbox."""

import email.utils
import uuid
from typing import Any
from urllib.parse import parse_qsl

import phonenumbers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.standins.inbox.messages import Channel, Inbox, Message

KEPT_HEADERS = ("Idempotency-Key", "User-Agent")
SEGMENT = 67
# https://www.twilio.com/docs/api/errors
NO_TO, NO_FROM, NO_BODY, BAD_TO = 21604, 21603, 21602, 21211


class SmsRefused(Exception):
    """400 with one of Twilio's codes and a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        where = f"https://www.twilio.com/docs/errors/{code}"
        self.body = {"code": code, "message": sentence, "more_info": where, "status": 400}


class SmsApi:
    """The one operation of the gateway."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    def routes(self) -> list[Route]:
        """The path of Messages."""
        return [Route("/2010-04-01/Accounts/{account}/Messages.json", self.create_message, methods=["POST"])]

    async def create_message(self, request: Request) -> Response:
        """Takes `To`, `From`, `Body`; answers 201 with the message or 400 with Twilio's error."""
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        sid = f"SM{uuid.uuid4().hex}"
        try:
            message = _read(form, _kept(request, form) | {"Sid": sid})
        except SmsRefused as refused:
            return JSONResponse(refused.body, 400)
        self.inbox.add(message)
        return JSONResponse(_shown(request.path_params["account"], sid, message), 201)


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


def _kept(request: Request, form: dict[str, str]) -> dict[str, str]:
    kept = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
    return kept | {"From": form.get("From", "")}


def _shown(account: str, sid: str, message: Message) -> dict[str, Any]:
    text = message.text or ""
    return {
        "sid": sid,
        "account_sid": account,
        "to": message.recipient,
        "from": message.headers["From"],
        "body": text,
        "status": "queued",
        "direction": "outbound-api",
        "num_segments": str(-(-len(text) // SEGMENT)),
        "num_media": "0",
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "error_message": None,
        "date_created": email.utils.formatdate(usegmt=True),
        "date_sent": None,
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json",
    }
