"""What codes of the API mean, in the operator's language; a code without a text is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from web.desk.failures import Failure, payment_failure, refund_failure
from web.formatting import money
from web.languages import Texts

#: Start of the reasons of late refunds, which are the ids of their workflows.
LATE_REFUND = "refund-"
#: `refund_payment: mark_done by anna, transfer 4711`
_DECISION = re.compile(r"(?P<step>\S+): (?P<action>[a-z_]+)(?: by (?P<by>[^,]+))?(?:, (?P<reference>.*))?", re.DOTALL)
#: `cancel by anna, asked by phone`
_ACTION = re.compile(r"(?P<action>[a-z_]+) by (?P<by>[^,]+)(?:, (?P<note>.*))?", re.DOTALL)
#: `299.00 RUB`, the note of a refund
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ([A-Z]{3})")
#: What an operator can resolve, by the attention reasons.
STEPS = ("release_stock", "refund_payment", "payment_review", "workflow_lost", "no_progress")
#: Those of them that are tried at once by recovery.
RECOVERED = ("workflow_lost", "no_progress")
#: Attention reasons for which nothing is tried by itself when there is no time of the next try.
NOT_BY_ITSELF = ("no_worker", "no_progress", "workflow_lost")


def step_of(reason: str) -> str | None:
    """The step that `POST /orders/{orderId}/resolve` takes for an attention reason; None: there is none to resolve."""
    if reason.startswith(LATE_REFUND):
        return "refund_late_payment"
    return reason if reason in STEPS else None


def reason_text(reason: str, texts: Texts) -> str:
    """Why an order needs an operator."""
    return texts.find(f"desk.reason.{step_of(reason) or reason}") or reason


def next_try_text(reason: str, texts: Texts) -> str:
    """What stands in place of the time at which it is tried again, when there is none."""
    return texts("desk.not_by_itself" if reason in NOT_BY_ITSELF else "desk.unknown")


def advice_text(reason: str, texts: Texts) -> str | None:
    """What is tried by itself, and what an operator can do; None for a reason that is not known here."""
    return texts.find(f"desk.advice.{step_of(reason) or reason}")


@dataclass(frozen=True)
class Entry:
    """An entry of the timeline as the desk shows it; `who` and `note` are empty when nobody and nothing is known."""

    data: Mapping[str, Any]
    text: str
    who: str = ""
    note: str = ""
    #: what the provider calls the reason in the note
    code: str = ""
    #: the id of the operator's account, when `who` is its name
    account: str = ""


def entry(event: Mapping[str, Any], texts: Texts) -> Entry:
    """What happened, and which operator did it."""
    kind, detail = str(event["type"]), str(event["detail"] or "")
    known = texts.find(f"desk.event.{kind}") or texts.find(f"event.{kind}") or kind
    if kind == "resolved" and (decision := _DECISION.fullmatch(detail)):
        action = texts.find(f"desk.decision.{decision['action']}") or decision["action"]
        text = f"{action}: {reason_text(decision['step'], texts)}"
        return _by_operator(event, text, decision["by"] or "", decision["reference"] or "")
    if kind == "operator_action" and (done := _ACTION.fullmatch(detail)):
        text = texts.find(f"desk.action.{done['action']}") or done["action"]
        return _by_operator(event, text, done["by"], _note(done["note"] or "", texts))
    if kind in ("attention_raised", "attention_cleared"):
        reason, _, code = detail.partition(": ")
        return _failed(event, f"{known}: {reason_text(reason, texts)}", refund_failure(code, texts))
    if kind in ("payment_failed", "refund_failed"):
        return _failed(event, known, (payment_failure if kind == "payment_failed" else refund_failure)(detail, texts))
    if kind == "cancelling":
        return Entry(event, known, note=texts.find(f"desk.cancel_reason.{detail}") or detail)
    return Entry(event, known, note=detail)


def _note(note: str, texts: Texts) -> str:
    """What an operator typed; the amount of a refund as people of the language read it."""
    amount = _AMOUNT.fullmatch(note)
    return money(amount[1], amount[2], texts.language) if amount else note


def _failed(event: Mapping[str, Any], text: str, failure: Failure | None) -> Entry:
    return Entry(event, text, note=failure.text, code=failure.code) if failure else Entry(event, text)


def _by_operator(event: Mapping[str, Any], text: str, by: str, note: str) -> Entry:
    """By the operator's name and address where the API knows the account, else by what the entry says."""
    operator = event.get("operator")
    if not operator:
        return Entry(event, text, by, note)
    who = f"{operator['name']} ({operator['email']})" if operator["email"] else operator["name"]
    return Entry(event, text, who, note, account=operator["id"])
