"""`order cancel`, `order resolve`, `order restart` and `attention`, without a worker: what is written and said."""

from __future__ import annotations

import asyncio
import getpass
import json
import os

import pytest

from sandbox.ports import free_port
from sandbox.temporal import TemporalServer
from services.clock import new_id
from services.db import Database
from services.orders.outbox import OrderOutbox
from services.orders.service import OrderService
from services.orders.status import NO_PROGRESS, WORKFLOW_LOST, CancelReason, OrderEventType, OrderStatus
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView
from services.settings import Settings
from tests.services.commands.conftest import Commands
from tests.services.commands.test_orders import asking, number
from tests.services.orders.conftest import drive, order, orders, outbox, steps
from workflows.client import connect
from workflows.order_runs import OrderRuns

__all__ = ["asking", "order", "orders", "outbox", "steps"]  # fixtures


def actions(orders: OrderService, order: OrderView) -> list[str | None]:
    """What operators did, by the timeline."""
    return [event.detail for event in orders.events(order.id) if event.type is OrderEventType.OPERATOR_ACTION]


def note(database: Database, order: OrderView) -> str | None:
    kept: str | None = database.fetch_value("SELECT cancel_note FROM orders.orders WHERE id = %(id)s", {"id": order.id})
    return kept


def test_a_cancelled_order_has_its_command_in_the_outbox(
    command: Commands, order: OrderView, orders: OrderService, outbox: OrderOutbox, database: Database
) -> None:
    done = command("order", "cancel", number(order), "--reason", "asked by phone", "--by", "anna")
    said = f"Order {number(order)} is being cancelled. The outbox relay delivers it to the workflow.\n"
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith(said)  # after the log of the transition, which `main` leaves out
    found = orders.get(order.id)
    assert (found.status, found.cancel_reason) == (OrderStatus.CANCELLING, CancelReason.OPERATOR_REQUEST)
    assert note(database, order) == "asked by phone"
    assert actions(orders, order) == ["cancel by anna, asked by phone"]
    commands = "SELECT name FROM orders.outbox WHERE order_id = %(id)s ORDER BY id"
    assert database.fetch_column(commands, {"id": order.id}) == ["start", "cancel_requested"]
    again = command("order", "cancel", order.id)
    assert (again.exit_code, again.stdout) == (0, said)
    assert len(database.fetch_column(commands, {"id": order.id})) == 2


def test_the_user_of_the_machine_is_on_the_timeline_once_and_only_for_operators(
    command: Commands, order: OrderView, orders: OrderService
) -> None:
    for _ in range(2):
        command("order", "cancel", order.id)
    assert actions(orders, order) == [f"cancel by {getpass.getuser()}"]
    seen_by_buyer = [event.type for event in orders.events(order.id, order.buyer_id)]
    assert seen_by_buyer == [OrderEventType.CREATED, OrderEventType.CANCELLING]


def test_T260_a_user_of_the_machine_without_a_name_cancels_an_order(
    command: Commands, order: OrderView, orders: OrderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 65_533)  # as in a container: no user of /etc/passwd
    done = command("order", "cancel", order.id)
    assert (done.exit_code, done.stderr) == (0, "")
    assert actions(orders, order) == ["cancel by uid 65533"]


def test_a_cancel_waits_until_its_time_is_over(command: Commands, order: OrderView) -> None:
    done = command("order", "cancel", order.id, "--wait", "--timeout", "1")
    assert done.exit_code == 1
    assert [line.split("  ")[1] for line in done.stdout.splitlines()[-3:]] == [
        "created",
        "cancelling",
        "operator_action",
    ]
    assert done.stderr == f"Not closed after 1 s; `order show {number(order)}` says why.\n"


def test_a_confirmed_order_is_neither_cancelled_nor_restarted(
    command: Commands, order: OrderView, steps: OrderTransitions
) -> None:
    drive(steps, order.id, OrderStatus.CONFIRMED)
    refused = command("order", "cancel", order.id)
    assert (refused.exit_code, refused.stderr) == (1, "The order is confirmed: it can no longer be cancelled.\n")
    refused = command("order", "restart", order.id)
    said = f"Order {number(order)} is confirmed: there is nothing to start.\n"
    assert (refused.exit_code, refused.stderr) == (1, said)


def test_an_order_is_restarted_once(
    asking: Commands, order: OrderView, orders: OrderService, temporal: TemporalServer
) -> None:
    done = asking("order", "restart", order.id, "--by", "anna")
    said = f"Order {number(order)}: its workflow was gone, and was started again.\n"
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith(said)  # after the log, which `main` leaves out
    again = asking("order", "restart", number(order))
    assert again.exit_code == 0
    assert again.stdout.startswith(f"The workflow order-{order.id} is running: nothing was started.\n")

    async def end() -> None:
        client = await connect(Settings(app_env="development", temporal_address=temporal.address))
        await client.get_workflow_handle(f"order-{order.id}").terminate()
        seen = await OrderRuns(client).progress(order.id)
        assert seen
        assert (seen.status, seen.open) == ("terminated", False)

    asyncio.run(end())
    done = asking("order", "restart", order.id)
    assert done.stdout.endswith(f"Order {number(order)}: its workflow was terminated, and was started again.\n")
    assert actions(orders, order) == ["restart by anna", f"restart by {getpass.getuser()}"]
    asyncio.run(end())


def test_nothing_is_restarted_without_temporal(command: Commands, order: OrderView) -> None:
    command.env["TEMPORAL_ADDRESS"] = f"127.0.0.1:{free_port()}"
    done = command("order", "restart", order.id)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Temporal does not answer")


def test_what_is_not_stuck_is_not_resolved(asking: Commands, order: OrderView, steps: OrderTransitions) -> None:
    done = asking("order", "resolve", order.id, "retry")
    assert (done.exit_code, done.stderr) == (1, "No step of this order is stuck. The order is created.\n")
    steps.raise_attention(order.id, "refund_payment")
    other = asking("order", "resolve", order.id, "retry", "--step", "release_stock")
    assert (other.exit_code, other.stderr) == (1, "That step is not stuck. Stuck: refund_payment.\n")
    # the row says so, but there is no workflow that could take the decision
    ended = asking("order", "resolve", order.id, "retry")
    assert (ended.exit_code, ended.stderr) == (1, "The workflow has ended. No step is stuck.\n")
    bare = asking("order", "resolve", order.id, "write_off")
    assert (bare.exit_code, bare.stderr.startswith("write_off needs --reference")) == (2, True)
    assert asking("order", "resolve", order.id, "forget").exit_code == 2


def test_what_recovery_can_try_is_tried_at_once(
    asking: Commands, order: OrderView, orders: OrderService, steps: OrderTransitions, temporal: TemporalServer
) -> None:
    steps.raise_attention(order.id, WORKFLOW_LOST)
    shown = asking("order", "show", order.id)
    assert "  next try at 2" in shown.stdout
    assert "retry starts it at once" in shown.stdout
    done = asking("order", "resolve", order.id, "retry", "--by", "anna")
    assert (done.exit_code, done.stderr) == (0, "")
    said = "workflow_lost is decided: retry. Its workflow was gone, and was started again."
    assert done.stdout.endswith(f"Order {number(order)}: {said}\n")
    again = asking("order", "resolve", order.id, "retry")
    assert (again.exit_code, again.stderr.startswith("Its workflow is open, so nothing was started.")) == (1, True)
    assert "  nothing is tried: its workflow is open" in asking("order", "show", order.id).stdout
    refused = asking("order", "resolve", order.id, "write_off", "--reference", "lost")
    assert refused.stderr.startswith("workflow_lost cannot be resolved by write_off. Only goods or money")
    assert [event.detail for event in orders.events(order.id) if event.type is OrderEventType.RESOLVED] == [
        "workflow_lost: retry by anna"
    ]

    async def end() -> None:
        client = await connect(Settings(app_env="development", temporal_address=temporal.address))
        await client.get_workflow_handle(f"order-{order.id}").terminate()

    asyncio.run(end())


def test_orders_that_need_a_person_are_listed_with_the_next_command(
    command: Commands, orders: OrderService, order: OrderView, steps: OrderTransitions
) -> None:
    assert command("attention").stdout == "No order needs a person.\n"
    command.env["TEMPORAL_ADDRESS"] = f"127.0.0.1:{free_port()}"
    late = f"refund-{new_id()}"
    for reason, detail in (("refund_payment", "insufficient_funds"), (late, None), (WORKFLOW_LOST, None)):
        steps.raise_attention(order.id, reason, detail)
    steps.raise_attention(order.id, NO_PROGRESS)
    listed = command("attention")
    assert (listed.exit_code, listed.stderr) == (0, "")
    lines = [line.strip() for line in listed.stdout.splitlines()]
    assert lines[0] == f"{number(order)}  created"
    assert lines[1].startswith("refund_payment since 2")
    assert lines[1].endswith("; last failure: insufficient_funds")
    assert [line for line in lines if line.startswith("next: ")] == [
        f"next: order resolve {number(order)} retry --step refund_payment",
        f"next: order resolve {number(order)} retry --step refund_late_payment",
        f"next: order resolve {number(order)} retry --step workflow_lost",
        f"next: order resolve {number(order)} retry --step no_progress",
    ]
    by_hand = f"or, if it was done by hand: order resolve {number(order)} mark_done --step"
    assert [line for line in lines if line.startswith("or, ")] == [
        f"{by_hand} refund_payment --reference REFERENCE",
        f"{by_hand} refund_late_payment --reference REFERENCE",
    ]
    # Temporal is away: what the tables know is the time of recovery.
    tries = [line for line in lines if "tried" in line or line.startswith("next try")]
    assert tries[:2] == ["when it is tried again is not known"] * 2
    assert tries[2].startswith("next try at 2")
    assert tries[3] == "nothing is tried by itself"
    (found,) = json.loads(command("attention", "--json").stdout)
    assert [each["nextTry"] is None for each in found["attention"]] == [True, True, False, True]
    assert [each["actions"] for each in found["attention"]][1:3] == [["retry", "mark_done", "write_off"], ["retry"]]
    assert [each["reason"] for each in found["attention"]] == ["refund_payment", late, WORKFLOW_LOST, NO_PROGRESS]


def test_a_name_of_several_lines_is_refused(command: Commands, order: OrderView, orders: OrderService) -> None:
    done = command("order", "cancel", order.id, "--by", "anna\nbob")
    assert (done.exit_code, done.stdout) == (2, "")
    assert orders.get(order.id).status is OrderStatus.CREATED
