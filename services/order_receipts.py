"""Fiscal receipts of orders: lines from orders and catalog, the customer's address from identity."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.catalog.rules import is_vat_code
from services.catalog.service import CatalogService
from services.catalog.views import ProductView
from services.identity.service import IdentityService
from services.orders.service import OrderService
from services.payments.views import Receipt, ReceiptLine


@dataclass(frozen=True)
class OrderReceipts:
    """A `ReceiptSource`; `vat_code` is that of products without a `vatCode` among their attributes."""

    orders: OrderService
    catalog: CatalogService
    identity: IdentityService
    vat_code: int
    tax_system: int | None = None
    #: the shop's own e-mail address: receipts of an order whose buyer was erased go there, because each needs one
    shop_email: str | None = None

    def of_order(self, order_id: UUID) -> Receipt:
        """The receipt of the whole order, for the buyer's e-mail address, or else phone. Raises NotFound."""
        order = self.orders.get(order_id)
        products = self.catalog.prices([line.product_id for line in order.lines])
        lines = tuple(
            ReceiptLine(line.name, line.quantity, line.price.minor, self._vat_code(products.get(line.product_id)))
            for line in order.lines
        )
        contact = self.identity.contacts([order.buyer_id]).get(order.buyer_id)
        email, phone = (contact.email, contact.phone) if contact else (self.shop_email, None)
        return Receipt(lines, email, phone, self.tax_system)

    def _vat_code(self, product: ProductView | None) -> int:
        given = product.attributes.get("vatCode") if product else None
        return given if is_vat_code(given) else self.vat_code
