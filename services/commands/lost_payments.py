"""`lost-payments`: money that the provider keeps for orders that a restore has lost."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Annotated

import typer

from services.archive.archive import YOUNGEST_DAYS
from services.commands.order_lookup import order_service
from services.commands.terminal import errors_as_messages, moment, open_database, progress_bar, read_connections, say
from services.errors import Invalid, NotFound, Unavailable
from services.orders.service import OrderService
from services.orders.status import OrderStatus
from services.payment_gateway import make_gateway
from services.payments.gateway import ProviderPayment
from services.payments.lost_payments import LostPayments
from services.payments.service import PaymentService

Chosen = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PROVIDER_ID]…", help="The provider's ids of the payments; without one, all that are lost."
    ),
]


def lost_payments(
    chosen: Chosen = None,
    since: Annotated[
        float, typer.Option(min=0, max=YOUNGEST_DAYS, help="Days for which the provider's list is read.")
    ] = 7,
    refund: Annotated[bool, typer.Option("--refund", help="Send the money back.")] = False,
) -> None:
    """List the money that the provider keeps for orders that are not here, or cancelled; send it back on demand.

    After a restore to an older state, it is that of orders placed later. Look at the list before --refund: another
    system with the shop's credentials may have taken the money. Exits with 1 when some of it could not be sent back.
    """
    settings = read_connections()
    with errors_as_messages(), open_database() as database, closing(make_gateway(settings)) as gateway:
        if refund and settings.payment_receipts == "on":
            raise Invalid("A refund needs a receipt with the order's lines: send it back on the provider's page.")
        lost = LostPayments(database, gateway, PaymentService(database, gateway))
        with progress_bar("payments read") as progress:
            listed = lost.find(timedelta(days=since), progress)
        found = _chosen(listed, chosen or [], order_service(database))
        for each in found:
            say(f"{each.provider_id}  {each.amount.text} {each.amount.currency}  {moment(each.created_at)}")
            say(f"    order {each.order_id}")
        if not found:
            say("The provider keeps no money for orders that are not here.")
        elif refund:
            _send_back(lost, found)


def _chosen(found: list[ProviderPayment], chosen: list[str], orders: OrderService) -> list[ProviderPayment]:
    lost = [each for each in found if _pays_nothing(each, orders)]
    if missing := sorted(set(chosen) - {each.provider_id for each in lost}):
        raise Invalid(f"Not lost, or older than --since: {', '.join(missing)}")
    return [each for each in lost if not chosen or each.provider_id in chosen]


def _pays_nothing(payment: ProviderPayment, orders: OrderService) -> bool:
    """Whether there is no order that the payment pays, or could still pay."""
    if payment.order_id is None:
        return False
    try:
        return orders.get(payment.order_id).status == OrderStatus.CANCELLED
    except NotFound:
        return True


def _send_back(lost: LostPayments, found: list[ProviderPayment]) -> None:
    sent = 0
    for each in found:
        try:
            done = lost.send_back(each).done
        except Unavailable as trouble:
            say(f"{each.provider_id} was not sent back: {trouble.detail}")
            continue
        sent += done
        if not done:
            say(f"{each.provider_id} is not sent back yet: the provider has not accepted it, or still decides.")
    say(f"Sent back: {sent} of {len(found)}.")
    if sent < len(found):
        raise typer.Exit(1)
