"""`lost-payments`: what is listed, what is refused, and what is sent back."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from sandbox.standins.running import StandIns, running_stand_ins
from services.clock import new_id
from services.db import Database
from services.orders.views import OrderView
from services.payments.payment_ids import payment_id
from tests.sandbox.standins.clients import Shop
from tests.services.commands.conftest import Commands
from tests.services.orders.conftest import order, orders

__all__ = ["order", "orders"]  # the fixtures of orders


@pytest.fixture
def standins() -> Iterator[StandIns]:
    with running_stand_ins() as running:
        yield running


@pytest.fixture
def lost(command: Commands, standins: StandIns) -> Commands:
    """The commands, with a provider that has taken nothing yet."""
    shop_id, secret_key = standins.shop
    command.env |= {
        "PAYMENT_GATEWAY_URL": f"{standins.url}/v3",
        "YOOKASSA_SHOP_ID": shop_id,
        "YOOKASSA_SECRET_KEY": secret_key,
    }
    return command


def paid(standins: StandIns, order_id: UUID, card: str = "tok_succeeds") -> str:
    """The provider's id of a payment for an order, which our tables do not have."""
    page = Shop(standins)
    metadata = {"reference": str(payment_id(order_id, 1)), "order": str(order_id)}
    provider_id = str(page.pay(card, metadata=metadata)["id"])
    page.client.close()
    return provider_id


def test_F79_payments_of_orders_that_are_gone_are_listed_and_sent_back(lost: Commands, standins: StandIns) -> None:
    orders = [new_id(), new_id()]
    first, second = [paid(standins, each) for each in orders]
    done = lost("lost-payments")
    assert (done.exit_code, done.stdout.count("100.00 RUB")) == (0, 2)
    assert all(f"    order {each}\n" in done.stdout for each in orders)
    assert lost("lost-payments", first, "--refund").stdout.endswith("Sent back: 1 of 1.\n")
    left = lost("lost-payments").stdout
    assert (first in left, second in left) == (False, True)
    assert lost("lost-payments", "--refund").exit_code == 0
    assert lost("lost-payments").stdout == "The provider keeps no money for orders that are not here.\n"


def test_a_payment_of_an_open_order_is_not_lost(
    lost: Commands, standins: StandIns, order: OrderView, database: Database
) -> None:
    provider_id = paid(standins, order.id)
    assert provider_id not in lost("lost-payments").stdout
    refused = lost("lost-payments", provider_id, "--refund")
    assert (refused.exit_code, refused.stderr) == (2, f"Not lost, or older than --since: {provider_id}\n")
    database.execute("UPDATE orders.orders SET status = 'cancelled' WHERE id = %(id)s", {"id": order.id})
    assert provider_id in lost("lost-payments").stdout


def test_what_the_provider_does_not_send_back_is_counted(lost: Commands, standins: StandIns) -> None:
    provider_id = paid(standins, new_id(), "tok_refund_fails")
    done = lost("lost-payments", "--refund")
    assert done.exit_code == 1
    assert f"{provider_id} is not sent back yet" in done.stdout
    assert done.stdout.endswith("Sent back: 0 of 1.\n")


def test_a_shop_that_sends_receipts_refunds_on_the_providers_page(lost: Commands, standins: StandIns) -> None:
    paid(standins, new_id())
    lost.env |= {"PAYMENT_RECEIPTS": "on", "PAYMENT_VAT_CODE": "4"}
    refused = lost("lost-payments", "--refund")
    assert (refused.exit_code, "on the provider's page" in refused.stderr) == (2, True)
    assert lost("lost-payments").exit_code == 0
