"""Why something failed, in the operator's language, with the code of the API that an operator searches for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from web.languages import Texts

#: Start of the code of a payment that was captured with another amount; the currency follows.
OTHER_AMOUNT = "captured_other_amount"
#: Why a message was not sent: how the API's text begins, and the name of ours. The longer of two comes first.
MESSAGE_PROBLEMS = {
    "over the budget of its recipient": "recipient_budget",
    "over SMS_PER_HOUR": "sms_budget",
    "the SMS gateway gave no answer": "sms_silent",
    "the SMS gateway cannot be reached": "sms_unreachable",
    "the SMS gateway failed": "sms_failed",
    "the SMS gateway refused us": "sms_refused_us",
    "the SMS gateway refused the message": "sms_refused",
    "the mail server refused us": "mail_refused_us",
    "the mail server cannot be reached": "mail_unreachable",
    "the mail server refused the address": "mail_refused_address",
    "the mail server refused the mail": "mail_refused",
    "the mail server does not support this address": "mail_unsupported",
    "the address is not allowed in a mail header": "mail_header",
    "the connection to the mail server broke before its answer": "mail_silent",
    "the connection to the mail server broke": "mail_broke",
    "delivery unknown: the sender stopped": "sender_stopped",
    "the message could not be composed": "not_composed",
    "SMTP_URL is not set": "not_configured",
    "SMS_URL is not set": "not_configured",
}
# `the SMS gateway refused us (HTTP 401)`
_IN_BRACKETS = re.compile(r"\(([^()]+)\)$")


@dataclass(frozen=True)
class Failure:
    """Why something failed; `code` is what the provider, the log and the runbook call it, or empty."""

    text: str
    code: str = ""


def payment_failure(code: str | None, texts: Texts) -> Failure | None:
    """Why a payment failed, or is under review; None when no reason is known."""
    if not code:
        return None
    known, _, currency = code.partition(f"{OTHER_AMOUNT}_")
    if currency and not known:
        return Failure(texts(f"desk.payment_failure.{OTHER_AMOUNT}", currency=currency), code)
    return Failure(texts.find(f"desk.payment_failure.{code}") or texts("desk.failure_unknown"), code)


def refund_failure(code: str | None, texts: Texts) -> Failure | None:
    """Why a refund failed; None when no reason is known."""
    if not code:
        return None
    return Failure(texts.find(f"desk.refund_failure.{code}") or texts("desk.failure_unknown"), code)


def message_problem(error: str | None, texts: Texts) -> Failure | None:
    """Why a message was not sent, or not yet; None when nothing is known. An unknown text is shown as it is."""
    if not error:
        return None
    name = next((name for text, name in MESSAGE_PROBLEMS.items() if error.startswith(text)), None)
    if name is None:
        return Failure(error)
    code = _IN_BRACKETS.search(error)
    return Failure(texts(f"desk.message_problem.{name}"), code[1] if code else "")
