"""`order show` and `order list`: orders by number and id, what does not answer, and nothing about a person."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import pytest

from sandbox.ports import free_port
from sandbox.temporal import TemporalServer
from services.clock import new_id
from services.db import Database
from services.order_number import order_number
from services.orders.service import OrderService
from services.orders.status import CancelReason
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView
from services.settings import Settings
from tests.builders import ADDRESS, an_order
from tests.services.commands.conftest import Commands
from tests.services.orders.conftest import order, orders, steps
from workflows.client import connect

__all__ = ["order", "orders", "steps"]  # the fixtures of orders


@pytest.fixture
def asking(command: Commands, temporal: TemporalServer) -> Commands:
    """Commands that reach Temporal, and a provider that does not answer."""
    provider = f"http://127.0.0.1:{free_port()}/v3"
    command.env |= {"TEMPORAL_ADDRESS": temporal.address, "PAYMENT_GATEWAY_URL": provider, "YOOKASSA_SHOP_ID": "1"}
    return command


def number(order: OrderView) -> str:
    return order_number(str(order.id))


def test_an_order_is_shown_by_its_number_and_by_its_id(asking: Commands, order: OrderView) -> None:
    for name in (number(order), number(order).lower().replace("-", ""), order.id):
        shown = asking("order", "show", name)
        assert (shown.exit_code, shown.stderr) == (0, "")
        assert f"Order {number(order)}    {order.id}\n" in shown.stdout
        assert "created; total 20.00 RUB" in shown.stdout
        assert f"Workflow order-{order.id}: Temporal has none\n" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_an_order_is_shown_without_what_is_about_a_person(asking: Commands, orders: OrderService) -> None:
    placed = orders.place(an_order(card=None, phone="+79031112233")).order
    for words in (["order", "show", placed.id], ["order", "show", placed.id, "--json"], ["order", "list"]):
        shown = asking(*words)
        assert number(placed) in shown.stdout
        assert [text for text in (ADDRESS.street, ADDRESS.city, "79031112233") if text in shown.stdout] == []


def test_the_report_as_json(asking: Commands, order: OrderView, steps: OrderTransitions) -> None:
    steps.raise_attention(order.id, "release_stock", "took-too-long")
    report = json.loads(asking("order", "show", number(order), "--json").stdout)
    assert (report["id"], report["number"]) == (str(order.id), number(order))
    assert (report["status"], report["total"], report["currency"]) == ("created", "20.00", "RUB")
    assert [item["quantity"] for item in report["items"]] == [1, 1]
    assert [(each["reason"], each["detail"]) for each in report["attention"]] == [("release_stock", "took-too-long")]
    assert (report["payments"], report["goods"], report["workflow"], report["unanswered"]) == ([], None, None, [])
    assert report["agrees"] == {"provider": True, "goods": True}
    assert [event["type"] for event in report["timeline"]] == ["created", "attention_raised"]


def test_an_order_is_shown_without_temporal(command: Commands, order: OrderView) -> None:
    command.env |= {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}"}
    shown = command("order", "show", order.id)
    assert shown.exit_code == 0
    assert "Temporal does not answer: check that it is running" in shown.stdout
    assert "YOOKASSA_SHOP_ID is not set" in shown.stdout
    report = json.loads(command("order", "show", order.id, "--json").stdout)
    assert len(report["unanswered"]) == 2
    assert report["agrees"]["provider"] is None


def test_the_goods_of_an_order_that_do_not_agree_are_marked(
    asking: Commands, order: OrderView, database: Database
) -> None:
    database.execute("UPDATE orders.orders SET status = 'confirmed' WHERE id = %(id)s", {"id": order.id})
    shown = asking("order", "show", order.id)
    (goods,) = [line for line in shown.stdout.splitlines() if "goods" in line]
    assert "not reserved" in goods
    assert "NO" in goods


def test_two_orders_with_one_number_are_listed(asking: Commands, order: OrderView, database: Database) -> None:
    twin = UUID(str(new_id())[:-8] + order.id.hex[-8:])
    columns = "buyer_id, status, total_minor, currency, country, region, city, street, language, start_input"
    copy = "INSERT INTO orders.orders (id, {0}) SELECT %(twin)s, {0} FROM orders.orders"
    database.execute(copy.format(columns), {"twin": twin})
    shown = asking("order", "show", number(order))
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert shown.stderr.startswith(f"2 orders have the number {number(order)}. Give the id of one:\n{twin}\n")


def test_names_that_find_nothing(asking: Commands) -> None:
    missing = asking("order", "show", "AAAA-BBBB")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert missing.stderr.startswith("No order has the number AAAA-BBBB")
    unknown = asking("order", "show", new_id())
    assert (unknown.exit_code, unknown.stderr) == (1, "There is no such order.\n")
    wrong = asking("order", "show", "lamp")
    assert (wrong.exit_code, wrong.stderr.startswith("This is no order number")) == (2, True)


def test_orders_are_listed_newest_first(asking: Commands, orders: OrderService, steps: OrderTransitions) -> None:
    first, second = orders.place(an_order()).order, orders.place(an_order()).order
    steps.raise_attention(first.id, "no_progress")
    listed = asking("order", "list")
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [number(second), number(first)]
    (marked,) = [line for line in listed.stdout.splitlines() if "!" in line]
    assert number(first) in marked
    needing = json.loads(asking("order", "list", "--attention", "--json").stdout)
    assert [(each["number"], each["needsAttention"]) for each in needing] == [(number(first), True)]
    of_buyer = json.loads(asking("order", "list", "--buyer", second.buyer_id, "--json").stdout)
    assert [each["id"] for each in of_buyer] == [str(second.id)]
    unknown = asking("order", "list", "--buyer", "nobody@example.com")
    assert (unknown.exit_code, unknown.stderr) == (1, "There is no such user.\n")
    assert asking("order", "list", "--status", "confirmed").stdout == "There are no such orders.\n"
    assert asking("order", "list", "--status", "lost").exit_code == 2


@pytest.mark.parametrize("note", ["[/urgent] call back", "see [ticket 4711]", "[red]", "[/]"])
def test_T260_what_an_operator_wrote_is_shown_as_it_is(
    asking: Commands, order: OrderView, orders: OrderService, note: str
) -> None:
    orders.request_cancel(order.id, None, CancelReason.OPERATOR_REQUEST, note, "anna")
    shown = asking("order", "show", order.id)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert note.split()[-1] in shown.stdout


def test_the_link_to_the_web_ui(asking: Commands, order: OrderView, temporal: TemporalServer) -> None:
    asking("order", "restart", order.id)
    plain = asking("order", "show", order.id)
    assert f"  temporal workflow show -w order-{order.id}\n" in plain.stdout
    asking.env["TEMPORAL_UI_URL"] = "https://temporal.example.com/"
    link = f"https://temporal.example.com/namespaces/market/workflows/order-{order.id}"
    assert f"  {link}\n" in asking("order", "show", order.id).stdout
    report = json.loads(asking("order", "show", order.id, "--json").stdout)
    assert (report["workflow"]["status"], report["workflow"]["url"]) == ("running", link)
    asyncio.run(terminate(temporal, order))


async def terminate(temporal: TemporalServer, order: OrderView) -> None:
    """End the workflow, so that it is no open one of the next test."""
    client = await connect(Settings(app_env="development", temporal_address=temporal.address))
    await client.get_workflow_handle(f"order-{order.id}").terminate()
