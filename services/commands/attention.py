"""`attention`: the orders that need a person, and the command for each."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from services.commands.order_json import attention_json
from services.commands.order_lookup import number_of, open_orders
from services.commands.order_pages import attention_line
from services.commands.terminal import errors_as_messages, say
from services.orders.status import NO_PROGRESS, NO_WORKER, PAYMENT_REVIEW, WORKFLOW_FAILING, WORKFLOW_LOST, UndoStep
from services.orders.views import AttentionView, OrderFilter, OrderView

_NEXT = {
    WORKFLOW_LOST: "order restart {number}",
    WORKFLOW_FAILING: "deploy the release that corrects the code; then it goes on by itself",
    NO_WORKER: "start workers of its build, or move it: runbook, No worker of an order's build",
    NO_PROGRESS: "order show {number}",
    PAYMENT_REVIEW: "order show {number}; nothing to do when it was the provider, else find out who sent the report",
}


def attention(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many orders.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the orders that need a person, why, since when, and the command to use next.

    Exits with 0 also when there are some.
    """
    with errors_as_messages(), open_orders() as (_, orders):
        wanted = OrderFilter(needs_attention=True)
        found = [orders.get(each.id) for each in orders.list_orders(wanted, None, limit)]
    if as_json:
        print(json.dumps([attention_json(order) for order in found], indent=2))
        return
    for order in found:
        _print(order)
    if not found:
        print("No order needs a person.")


def _print(order: OrderView) -> None:
    say(f"{number_of(order)}  {order.status}")
    for each in order.attention:
        say(f"  {attention_line(each)}")
        say(f"    next: {_next(order, each)}")


def _next(order: OrderView, each: AttentionView) -> str:
    number = number_of(order)
    step = UndoStep.of(each.reason)
    if step:
        return f"order resolve {number} retry --step {step}"
    return _NEXT.get(each.reason, "order show {number}").format(number=number)
