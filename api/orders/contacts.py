"""Whom an operator talks to about an order: masked, enough to recognise the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from api.dependencies import Identity, Orders
from services.identity.service import IdentityService
from services.masking import masked_email, masked_phone
from services.orders.service import OrderService
from services.orders.views import OrderView


@dataclass(frozen=True)
class OrderContacts:
    """The contacts of orders, over orders and identity."""

    orders: OrderService
    identity: IdentityService

    def masked(self, order: OrderView) -> str | None:
        """The phone given with the order, or else the phone or the e-mail address of the account; None without one."""
        if phone := self.orders.contact_phone(order.id):
            return masked_phone(phone)
        account = self.identity.contacts([order.buyer_id]).get(order.buyer_id)
        if account and account.phone:
            return masked_phone(account.phone)
        return masked_email(account.email) if account and account.email else None


async def _contacts(orders: Orders, identity: Identity) -> OrderContacts:
    return OrderContacts(orders, identity)


Contacts = Annotated[OrderContacts, Depends(_contacts)]
