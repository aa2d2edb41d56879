"""`order cancel`, `order resolve` and `order restart`: what an operator does with one order."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from services.clock import new_id
from services.commands.order_lookup import OrderName, find_order, number_of, open_orders
from services.commands.order_pages import event_line
from services.commands.repair import recovery_rows
from services.commands.temporal import resolve_order, retry_order, start_order
from services.commands.terminal import errors_as_messages, read_connections, say, user_name
from services.errors import Invalid, InvalidTransition
from services.orders.service import OrderService
from services.orders.status import (
    RECOVERED,
    CancelReason,
    OperatorAction,
    OrderStatus,
    ResolveAction,
    ResolveStep,
)
from services.orders.views import OrderView

#: Seconds between two looks at an order that is waited for.
LOOK_EVERY = 0.5

By = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who does it. Default: the user of this machine.", show_default=False)
]
Wait = Annotated[bool, typer.Option("--wait", help="Print the timeline until the order is closed.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds to wait with --wait; then exit with 1.")]


def cancel(
    order: OrderName,
    reason: Annotated[str, typer.Option(help="Why, in your words; kept with the order.", show_default=False)] = "",
    by: By = None,
    wait: Wait = False,
    timeout: Timeout = 60,
) -> None:
    """Cancel an order: what was paid is sent back, and the goods go back to stock. Safe to repeat.

    Nothing else is to be done: the command to the workflow is stored with the order, and the outbox relay delivers it,
    also when Temporal is away now. A confirmed order is refused.

    Examples: `order cancel 9F3A-21C4 --wait`; `order cancel 9F3A-21C4 --reason "asked by phone"`.
    """
    with errors_as_messages(), open_orders() as (_, orders):
        found = find_order(orders, order)
        note = _checked(reason, 500) or None
        found = orders.request_cancel(found.id, None, CancelReason.OPERATOR_REQUEST, note, _name(by))
        if found.status is OrderStatus.CANCELLING:
            say(f"Order {number_of(found)} is being cancelled. The outbox relay delivers it to the workflow.")
        else:
            say(f"Order {number_of(found)} is {found.status}.")
        if wait:
            _wait(orders, found, timeout)


def resolve(
    order: OrderName,
    action: Annotated[ResolveAction, typer.Argument(help="What to do with the stuck step.", show_default=False)],
    step: Annotated[
        ResolveStep | None, typer.Option(help="Which step. Default: the oldest that is stuck.", show_default=False)
    ] = None,
    reference: Annotated[
        str, typer.Option(help="What you did by hand, or why the loss is taken; no personal data.", show_default=False)
    ] = "",
    by: By = None,
) -> None:
    """Decide about a stuck step: `retry` it now, `mark_done` what you did by hand, or `write_off` the money.

    `mark_done` and `write_off` need --reference. What needs a person for another reason can be retried at once when
    there is something to try: `payment_review`, `workflow_lost`, `no_progress`.

    Examples: `order resolve 9F3A-21C4 retry`; `order resolve 9F3A-21C4 mark_done --reference "bank transfer 4711"`.
    """
    with errors_as_messages(), open_orders() as (database, orders):
        found = find_order(orders, order)
        if action is not ResolveAction.RETRY and not reference:
            raise Invalid(f"{action} needs --reference: what was done by hand, or why the loss is taken.")
        reason, done = found.resolvable_reason(step, action), ""
        if reason in RECOVERED:
            done = retry_order(read_connections(), recovery_rows(database), found.id, reason, _name(by))
        else:
            resolve_order(read_connections(), found.id, reason, action, _checked(reference, 200), _name(by))
    say(f"Order {number_of(found)}: {reason} is decided: {action}. {done}".rstrip())


def restart(order: OrderName, by: By = None) -> None:
    """Start the workflow of an open order again, now; without effect on one whose workflow is open.

    It goes on from the order's row, also when the workflow was terminated (which recovery would cancel).

    Example: `order restart 9F3A-21C4`.
    """
    with errors_as_messages(), open_orders() as (_, orders):
        found = find_order(orders, order)
        if found.closed:
            raise InvalidTransition(f"Order {number_of(found)} is {found.status}: there is nothing to start.")
        name = _name(by)
        before = start_order(read_connections(), found.id, orders.start_input(found.id))
        if before is None or not before.open:
            orders.record_action(found.id, OperatorAction.RESTART, f"restart:{new_id()}", name)
    if before is not None and before.open:
        say(f"The workflow {before.workflow_id} is {before.status}: nothing was started.")
        say(f"`order show {number_of(found)}` says what it waits for.")
    else:
        say(f"Order {number_of(found)}: its workflow was {before.status if before else 'gone'}, and was started again.")


def _wait(orders: OrderService, order: OrderView, timeout: float) -> None:
    ends, seen = time.monotonic() + timeout, 0
    while True:
        closed = orders.get(order.id).closed
        for event in orders.events(order.id, after=seen):
            say(event_line(event))
            seen = event.id
        if closed:
            return
        if time.monotonic() > ends:
            print(f"Not closed after {timeout:g} s; `order show {number_of(order)}` says why.", file=sys.stderr)
            raise typer.Exit(1)
        time.sleep(LOOK_EVERY)


def _name(by: str | None) -> str:
    return _checked(by or user_name(), 100)


def _checked(text: str, most: int) -> str:
    if len(text) > most or not text.isprintable():
        raise Invalid(f"A name, reason or reference is one line of at most {most} characters.")
    return text
