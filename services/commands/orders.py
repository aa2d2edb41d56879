"""The commands of `order`; `order show` and `order list`: what is known of orders."""

from __future__ import annotations

import json
from typing import Annotated
from uuid import UUID

import typer

from services.commands.order_actions import cancel, resolve, restart
from services.commands.order_json import report_json, summary_json
from services.commands.order_lookup import OrderName, find_order, open_orders
from services.commands.order_pages import print_list, print_report
from services.commands.order_report import report_of
from services.commands.terminal import errors_as_messages
from services.commands.user_lookup import open_identity
from services.db import Database
from services.orders.views import OrderFilter, OrderStatus

app = typer.Typer(no_args_is_help=True, help="Look at orders, cancel them, and resolve what is stuck.")
app.command()(cancel)
app.command()(resolve)
app.command()(restart)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(order: OrderName, as_json: AsJson = False) -> None:
    """Show an order: what our row, the provider and the goods say, the last failure, its workflow, its timeline.

    Examples: `order show 9F3A-21C4`; `order show 9F3A-21C4 --json`. An operator's view, without the address.
    """
    with errors_as_messages(), open_orders() as (database, orders):
        report = report_of(database, orders, find_order(orders, order))
    if as_json:
        print(json.dumps(report_json(report), indent=2))
    else:
        print_report(report)


@app.command("list")
def list_orders(
    status: Annotated[OrderStatus | None, typer.Option(help="Only orders with this status.")] = None,
    attention: Annotated[bool, typer.Option("--attention", help="Only orders that need a person.")] = False,
    buyer: Annotated[
        str | None, typer.Option(metavar="EMAIL|PHONE|ID", help="Only orders of this user.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List orders, the newest first; `!` marks those that need a person. `--json` has their ids.

    Examples: `order list --status payment_pending`; `order list --buyer anna@example.com`.
    """
    with errors_as_messages(), open_orders() as (database, orders):
        wanted = OrderFilter(
            buyer_id=_buyer_id(database, buyer) if buyer else None, status=status, needs_attention=attention or None
        )
        found = orders.list_orders(wanted, None, limit)
    if as_json:
        print(json.dumps([summary_json(each) for each in found], indent=2))
    elif found:
        print_list(found)
    else:
        print("There are no such orders.")


def _buyer_id(database: Database, name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        pass
    with open_identity(database) as identity:
        return identity.account(name).id
