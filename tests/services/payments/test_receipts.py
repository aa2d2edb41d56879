"""Fiscal receipts: every one sums to its payment or refund, and a fiscal shop's provider takes nothing without."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sandbox.standins.running import StandIns, running_stand_ins
from services.bootstrap import Services, open_services
from services.catalog.views import ProductDraft
from services.clock import new_id
from services.db import Database
from services.errors import Invalid
from services.identity.views import RegisterUser
from services.money import Money
from services.orders.views import Address, NewOrder, PaymentMethod, Product
from services.payments.receipts import portion, shares
from services.payments.status import FailureCode, PaymentMethodType, PaymentStatus, RefundStatus
from services.payments.views import Charge, PaymentView, ReceiptLine
from services.payments.yookassa.gateway import YooKassa
from services.payments.yookassa.http import BoundedTransport
from services.payments.yookassa.method_rules import live_methods, with_receipts
from services.settings import Settings

PASSWORD = "four unrelated words together"
MINOR = st.integers(min_value=1, max_value=10**9)


@pytest.fixture(scope="module")
def fiscal() -> Iterator[StandIns]:
    with running_stand_ins(FISCAL_SHOP="on", PAYMENT_LIMITS="live") as running:
        yield running


@dataclass
class Recording(httpx2.BaseTransport):
    """The real transport, and the bodies that went through it."""

    inner: BoundedTransport = field(default_factory=BoundedTransport)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            self.bodies.append(json.loads(request.read()))
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


@contextmanager
def a_shop(
    standins: StandIns, database: Database, data_dir: Path, receipts: Literal["on", "off"]
) -> Iterator[tuple[Services, Recording]]:
    settings = Settings(
        app_env="development", data_dir=data_dir, payment_receipts=receipts, payment_vat_code=1,
        argon2_time_cost=1, argon2_memory_kib=8, argon2_parallelism=1, database_url="postgresql://unused",
    )  # fmt: skip
    transport = Recording()
    methods = with_receipts(live_methods(3600, 3900))
    gateway = YooKassa(f"{standins.url}/v3", *standins.shop, methods, transport=transport)
    with closing(gateway), open_services(settings, database=database, gateway=gateway) as services:
        yield services, transport


def sold(services: Services, *lines: tuple[str, int, dict[str, Any]], phone: str | None = None) -> PaymentView:
    """The payment of a new order of these products: price, quantity, attributes."""
    email = None if phone else f"{new_id().hex}@example.com"
    buyer = services.identity.register(RegisterUser("Anna", "Ivanova", email, phone, PASSWORD))
    drafts = [
        ProductDraft(new_id().hex, f"Lantern {price}", Money.parse(price, "RUB"), attributes=attributes)
        for price, _, attributes in lines
    ]
    ids = services.catalog.import_products(drafts).ids
    products = {ids[each.sku]: Product(ids[each.sku], each.name, each.price, is_active=True) for each in drafts}
    quantities = {ids[draft.sku]: quantity for draft, (_, quantity, _) in zip(drafts, lines, strict=True)}
    address = Address("RU", "Москва", "Москва", "Тверская, 1")
    new = NewOrder(buyer.id, quantities, lambda _tx, _ids: products, address, PaymentMethod(card="tok"))
    order = services.orders.place(new).order
    return services.payments.charge(
        Charge(order.id, 1, order.total.minor, "RUB", PaymentMethodType.CARD, card_token="tok")
    )


def items_of(body: dict[str, Any]) -> list[tuple[str, str, str, int]]:
    """Description, quantity, price and VAT code of each line of the receipt."""
    return [
        (each["description"], each["quantity"], each["amount"]["value"], each["vat_code"])
        for each in body["receipt"]["items"]
    ]


def test_T176_a_payment_and_its_refund_carry_receipts(fiscal: StandIns, database: Database, tmp_path: Path) -> None:
    with a_shop(fiscal, database, tmp_path, "on") as (services, provider):
        payment = sold(services, ("12.00", 2, {"vatCode": 4}), ("9.99", 1, {}))
        assert payment.status is PaymentStatus.SUCCEEDED
        with database.transaction() as tx:  # the refund has the names and VAT codes of the payment
            tx.execute("UPDATE catalog.products SET attributes = '{}', name = 'Lamp'")
        undone = services.payments.undo(payment.order_id)

    assert undone.done
    assert undone.refunded_minor == 33_99
    charged, refunded = provider.bodies
    lines = [("Lantern 12.00", "2.000", "12.00", 4), ("Lantern 9.99", "1.000", "9.99", 1)]
    assert items_of(charged) == items_of(refunded) == lines
    assert charged["receipt"]["customer"] == refunded["receipt"]["customer"]
    assert charged["receipt"]["customer"]["email"].endswith("@example.com")


def test_T176_a_buyer_without_an_email_address_gets_it_by_phone(
    fiscal: StandIns, database: Database, tmp_path: Path
) -> None:
    with a_shop(fiscal, database, tmp_path, "on") as (services, provider):
        assert sold(services, ("12.00", 1, {}), phone="+79991234567").status is PaymentStatus.SUCCEEDED
    assert provider.bodies[0]["receipt"]["customer"] == {"phone": "79991234567"}


def test_T176_a_fiscal_shop_takes_no_payment_without_a_receipt(
    fiscal: StandIns, database: Database, tmp_path: Path
) -> None:
    with a_shop(fiscal, database, tmp_path, "off") as (services, _), capture_logs() as logs:
        payment = sold(services, ("12.00", 1, {}))
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, FailureCode.PAYMENT_UNAVAILABLE)
    errors = [(each["event"], each["parameter"]) for each in logs if each["log_level"] == "error"]
    assert errors == [("payments.refused", "receipt")]


def test_T176_I10_the_customer_is_neither_logged_nor_stored_with_the_payment(
    fiscal: StandIns, database: Database, tmp_path: Path
) -> None:
    with a_shop(fiscal, database, tmp_path, "on") as (services, provider), capture_logs() as logs:
        payment = sold(services, ("12.00", 1, {}))
        services.payments.undo(payment.order_id)
    address = provider.bodies[0]["receipt"]["customer"]["email"]
    assert address not in str(logs)
    with database.transaction() as tx:
        rows = tx.fetch_all(
            "SELECT p::text AS payment, r::text AS refund FROM payments.payments p"
            " JOIN payments.refunds r ON r.payment_id = p.id"
        )
    assert len(rows) == 1
    assert address not in str(rows)


def test_T177_partial_refunds_carry_receipts_that_sum_to_them(
    fiscal: StandIns, database: Database, tmp_path: Path
) -> None:
    with a_shop(fiscal, database, tmp_path, "on") as (services, provider):
        payment = sold(services, ("10.00", 3, {}), ("0.01", 1, {}), ("69.99", 1, {"vatCode": 2}))
        amounts = (33_33, 1, 66_66)
        made = [services.payments.refund(payment.order_id, payment.id, Money(each, "RUB")) for each in amounts]

    assert [each.status for each in made] == [RefundStatus.SUCCEEDED] * 3
    _, *refunds = provider.bodies
    assert [each["amount"]["value"] for each in refunds] == ["33.33", "0.01", "66.66"]
    assert items_of(refunds[0]) == [
        ("Lantern 10.00", "1.000", "10.00", 1),
        ("Lantern 69.99", "1.000", "23.33", 2),
    ]
    returned: Counter[str] = Counter()
    for body in refunds:
        for description, quantity, price, _ in items_of(body):
            returned[description] += Money.parse(price, "RUB").minor * int(float(quantity))
    assert returned == {"Lantern 10.00": 30_00, "Lantern 0.01": 1, "Lantern 69.99": 69_99}


@given(st.lists(MINOR, min_size=1, max_size=20), st.data())
def test_T177_all_parts_of_a_payment_together_are_its_lines(totals: list[int], data: st.DataObject) -> None:
    left = list(totals)
    for _ in range(4):
        amount = data.draw(st.integers(min_value=0, max_value=sum(left)))
        split = shares(left, amount)
        assert sum(split) == amount
        assert all(0 <= share <= total for share, total in zip(split, left, strict=True))
        left = [total - share for total, share in zip(left, split, strict=True)]
    assert shares(left, sum(left)) == left


@given(st.lists(st.tuples(st.integers(1, 1000), MINOR), min_size=1, max_size=10), st.integers(1, 10**12))
def test_T177_a_receipt_sums_to_any_amount(goods: list[tuple[int, int]], amount: int) -> None:
    """Also to one that the lines do not reach, as when the provider has captured more than was asked for."""
    lines = [ReceiptLine("Lantern", quantity, price, 1) for quantity, price in goods]
    totals = [line.total_minor for line in lines]
    taken = portion(lines, totals, amount)
    assert sum(line.total_minor for line in taken) == amount
    assert portion(lines, totals, sum(totals)) == tuple(lines)
    assert portion(lines, [0] * len(lines), sum(totals)) == tuple(lines)


def test_T176_an_order_of_more_products_than_a_receipt_has_lines_is_refused(
    fiscal: StandIns, database: Database, tmp_path: Path
) -> None:
    with a_shop(fiscal, database, tmp_path, "on") as (services, _):
        services.payments.check_method("card", Money(10_000, "RUB"), 80, "/card")
        with pytest.raises(Invalid, match="at most 80 products"):
            services.payments.check_method("card", Money(10_000, "RUB"), 81, "/card")
