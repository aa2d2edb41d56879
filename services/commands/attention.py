"""`attention`: the orders that need a person, and the command for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated

import typer

from services.commands.order_json import attention_json
from services.commands.order_lookup import number_of, open_orders
from services.commands.order_pages import attention_line, next_try_line
from services.commands.repair import recovery_rows
from services.commands.temporal import next_tries
from services.commands.terminal import errors_as_messages, read_connections, say
from services.orders.status import NO_WORKER, PAYMENT_REVIEW, WORKFLOW_FAILING, ResolveStep, UndoStep
from services.orders.views import AttentionView, OrderFilter, OrderView

_NEXT = {
    WORKFLOW_FAILING: "deploy the release that corrects the code; then it goes on by itself",
    NO_WORKER: "start workers of its build, or move it: runbook, No worker of an order's build",
    PAYMENT_REVIEW: "order show {number}; nothing to do when it was the provider, else find out who sent the report",
}


def attention(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many orders.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the orders that need a person, why, since when, when it is tried again, and what to do next.

    Exits with 0 also when there are some.
    """
    with errors_as_messages(), open_orders() as (database, orders):
        wanted = OrderFilter(needs_attention=True)
        found = [orders.get(each.id) for each in orders.list_orders(wanted, None, limit)]
        tries = next_tries(read_connections(), recovery_rows(database), found) if found else []
    if as_json:
        print(json.dumps([attention_json(*each) for each in zip(found, tries, strict=True)], indent=2))
        return
    for each in zip(found, tries, strict=True):
        _print(*each)
    if not found:
        print("No order needs a person.")


def _print(order: OrderView, tries: Mapping[str, datetime]) -> None:
    say(f"{number_of(order)}  {order.status}")
    for each in order.attention:
        say(f"  {attention_line(each)}")
        say(f"    {next_try_line(each, tries.get(each.reason))}")
        for text in _next(order, each):
            say(f"    {text}")


def _next(order: OrderView, each: AttentionView) -> Iterator[str]:
    number, step = number_of(order), ResolveStep.of(each.reason)
    if text := _NEXT.get(each.reason):
        yield f"next: {text.format(number=number)}"
    elif step is None:
        yield f"next: order show {number}"
    else:
        yield f"next: order resolve {number} retry --step {step}"
        if UndoStep.of(each.reason):
            yield f"or, if it was done by hand: order resolve {number} mark_done --step {step} --reference REFERENCE"
