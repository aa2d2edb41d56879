"""What the e-mails of an order say beside the variables of their template: its goods, address and next step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from jinja2 import pass_context
from jinja2.runtime import Context

from services.links import without_links
from services.money import Money
from services.notifications import formatting
from services.notifications.views import Goods, OrderEvent, OrderNotification

#: Most characters of a product's name in a message.
MAX_NAME = 100


@dataclass(frozen=True)
class GoodsLine:
    """One product in a message, its amounts in the language of the message."""

    name: str
    quantity: int
    price: str
    total: str


def email_details(notification: OrderNotification) -> Mapping[str, str]:
    """The details of an order for its e-mails, by the names of `DETAILS`; those that are empty are left out."""
    refunded, order_total = notification.event is OrderEvent.REFUNDED, notification.order_total
    details = {
        "goods": "\n".join(map(_goods_text, notification.goods)),
        "moreGoods": str(notification.more_goods or ""),
        "address": _address_line(notification.address, notification.country, notification.language),
        "orderTotal": order_total.text if refunded and order_total else "",
        "payWithin": str(max(notification.pay_within // 60, 1)) if notification.pay_within else "",
    }
    return {name: value for name, value in details.items() if value}


@pass_context
def goods_lines(context: Context, goods: str, currency: str) -> tuple[GoodsLine, ...]:
    """Template filter: the lines of the detail `goods`."""
    return _lines(goods, currency, context["language"])


# Cached for the text and the HTML of one e-mail.
@lru_cache(maxsize=64)
def _lines(goods: str, currency: str, language: str) -> tuple[GoodsLine, ...]:
    return tuple(_line(line, currency, language) for line in goods.splitlines())


def _line(line: str, currency: str, language: str) -> GoodsLine:
    number, minor, name = line.split("|", 2)
    price, quantity = int(minor), int(number)
    shown = [formatting.amount(Money(each, currency), language) for each in (price, price * quantity)]
    return GoodsLine(name, quantity, *shown)


def _goods_text(goods: Goods) -> str:
    name = " ".join(goods.name.split())
    return f"{goods.quantity}|{goods.price.minor}|{name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + '…'}"


def _address_line(parts: Sequence[str], country: str, language: str) -> str:
    """The address on one line. It is the buyer's text: a part that programs would show as a link is changed."""
    name = Locale.parse(language).territories.get(country, country)
    return ", ".join(dict.fromkeys(filter(None, (*map(without_links, parts), name))))
