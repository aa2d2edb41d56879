"""The current details of a workflow in the Web UI, in Markdown: what needs a person, what happens, what may be done.

Setting them costs neither a command nor an event: the Web UI asks for them by a query.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from services.orders.status import PAYMENT_REVIEW, UndoStep
    from workflows.durations import duration

#: What an undo does, as the start of a sentence, and how it is done by hand.
_RELEASE = ("Releasing the goods", "you have released the goods yourself")
_REFUND = ("Sending the money back", "you have sent the money back yourself")


@dataclass(frozen=True)
class State:
    """What happens now, and what an operator may do about it while no person is needed."""

    now: str
    advice: str = "nothing is needed."


class CurrentDetails:
    """The details of one workflow: what needs a person comes first."""

    def __init__(self, attention_after: int) -> None:
        """`attention_after`: seconds after which an undo asks for a person."""
        self._attention_after = attention_after
        self._state = State("")
        self._reasons: Sequence[str] = ()

    def show(self, state: State) -> None:
        """The workflow has come to this state."""
        self._state = state
        self._set()

    def show_needed(self, reasons: Sequence[str]) -> None:
        """The reasons for which a person is needed; none: nobody is."""
        self._reasons = tuple(reasons)
        self._set()

    def _set(self) -> None:
        workflow.set_current_details(details(self._state, self._reasons, self._attention_after))


def details(state: State, reasons: Sequence[str], attention_after: int) -> str:
    """The whole text; `attention_after` in seconds."""
    if not reasons:
        return _text(state.now, f"**What you may do:** {state.advice}")
    return _text(*[_needed(reason, attention_after) for reason in reasons], state.now)


def _needed(reason: str, attention_after: int) -> str:
    heading = f"### A person is needed: `{reason}`"
    if reason == PAYMENT_REVIEW:
        return _text(
            heading,
            "The provider took, or reported, another amount than the order's. The order is being cancelled, and what "
            "was taken is sent back. The reason disappears when that is done.",
            "**What to do:** compare the payment with the provider's own page. To ask the provider at once: *More "
            f"Actions*, *Send an Update*, `resolve`.\n{_input(reason, 'retry')}",
        )
    doing, done = _RELEASE if reason == UndoStep.RELEASE_STOCK else _REFUND
    return _text(
        heading,
        f"{doing} has failed for {duration(attention_after)}, and is still repeated. *Pending Activities* and the "
        "order's timeline (`GET /orders/{orderId}/events`) say why.",
        "**What to do:** *More Actions*, *Send an Update*, `resolve`, with one of these inputs:",
        f"The cause is gone: try again now.\n{_input(reason, 'retry')}",
        f"It is done: {done}; `reference` says how.\n{_input(reason, 'mark_done', 'bank transfer 4711')}",
        f"It will not be done: take the loss; `reference` says why.\n{_input(reason, 'write_off', 'card is closed')}",
        "Write nothing about the buyer into `reference`: it stays in the history.",
    )


def _input(step: str, action: str, reference: str = "") -> str:
    shown = json.dumps({"step": step, "action": action})
    if reference:
        # On two lines: the Web UI does not wrap code.
        shown = f"{shown[:-1]},\n {json.dumps({'reference': reference, 'by': 'your name'})[1:]}"
    return f"```json\n{shown}\n```"


def _text(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs)
