"""Links from e-mails to pages of the shop."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from services.return_urls import ORDER_ID

#: What is replaced by the reset token, and by the code, in the addresses of these pages.
TOKEN, CODE = "{token}", "{code}"


@dataclass(frozen=True)
class ShopLinks:
    """Addresses of the shop's pages with what is replaced in them; empty: messages have no such link."""

    #: shows an order; with `{orderId}`
    order: str = ""
    #: takes a new password; with `{token}`
    reset: str = ""
    #: takes a code; may have `{code}`
    verify: str = ""

    def order_page(self, order_id: str) -> str:
        """The page of an order, by the order's id."""
        return self.order.replace(ORDER_ID, quote(order_id, safe=""))

    def reset_page(self, token: str) -> str:
        """The page that sets a new password."""
        return self.reset.replace(TOKEN, quote(token, safe=""))

    def verify_page(self, code: str) -> str:
        """The page that confirms an address.

        Every digit of the code is percent-encoded, so that its message has one run of six digits (contract, section 2).
        """
        return self.verify.replace(CODE, "".join(f"%{byte:02X}" for byte in code.encode()))


NO_LINKS = ShopLinks()
