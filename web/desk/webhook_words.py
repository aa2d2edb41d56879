"""Webhook endpoints and deliveries in the operator's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from web.formatting import relative, seconds_since
from web.languages import Texts

#: What an endpoint can be sent, in the order of an order's life.
EVENTS = ("order.placed", "order.paid", "order.confirmed", "order.cancelled", "order.refunded")
#: Statuses of a delivery.
STATUSES = ("waiting", "delivered", "failed", "skipped")

#: Why an attempt had no answer: how the API's text begins, and the name of ours. The longer of two comes first.
ERRORS = {
    "no answer": "silent",
    "the address is not allowed": "address",
    "the name has no address": "name",
    "the connection was refused": "refused",
    "the connection was cut, or the answer is not HTTP": "protocol",
    "the connection was cut": "cut",
    "the TLS certificate": "tls",
}


@dataclass(frozen=True)
class EndpointState:
    """How an endpoint is: a badge, and a sentence about it; `notice` is the class of its notice."""

    name: str
    notice: str
    text: str
    #: since when it is so (RFC 3339); None: it always was
    since: str | None


def state_of(endpoint: Mapping[str, Any], texts: Texts) -> EndpointState:
    """Whether it takes messages; if not, why and since when."""
    if not endpoint["enabled"]:
        reason = endpoint["disabledReason"]
        notice = "wait" if reason == "operator" else "bad"
        return EndpointState("disabled", notice, texts(f"webhooks.disabled.{reason}"), endpoint["disabledAt"])
    if endpoint["failingSince"]:
        return EndpointState("failing", "wait", texts("webhooks.failing"), endpoint["failingSince"])
    return EndpointState("enabled", "good", texts("webhooks.enabled"), None)


def event_text(kind: str, texts: Texts) -> str:
    """The name of a type of event; a type without a text is shown as it is."""
    return texts.find(f"webhooks.event.{kind.partition('.')[2]}") or kind


def result_text(status: int | None, error: str | None, texts: Texts) -> str:
    """What became of an attempt: the status of the answer, or why there was none."""
    if status is not None:
        return texts("webhooks.answered", status=status)
    if error is None:
        return ""
    known = next((name for text, name in ERRORS.items() if error.startswith(text)), None)
    return texts(f"webhooks.error.{known}") if known else texts("webhooks.error.other", error=error)


def delivery_text(delivery: Mapping[str, Any], texts: Texts) -> str:
    """How far a delivery is, in one sentence."""
    result = result_text(delivery["lastResponseStatus"], delivery["lastError"], texts)
    attempts = texts.counted("webhooks.attempts", delivery["attempts"])
    sentence = texts(f"webhooks.delivery.{delivery['status']}", attempts=attempts)
    # A delivery that is sent again keeps the attempts of its first series.
    return f"{sentence} {texts('webhooks.last_result', result=result)}" if result else sentence


def next_attempt_text(delivery: Mapping[str, Any], texts: Texts) -> str | None:
    """When a delivery that waits is sent next; None for any other."""
    if not delivery["nextAttemptAt"]:
        return None
    seconds = -seconds_since(delivery["nextAttemptAt"])
    if seconds < 1:
        return texts("webhooks.next_now")
    return texts("webhooks.next_in", when=relative(seconds, texts.language))
