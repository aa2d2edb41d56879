"""A shop for workflow tests: real services, database, Temporal and worker; only the payment provider is a fake."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.messages import OrderOutcome
from services.bootstrap import Services, open_services
from services.clock import new_id
from services.db import Database
from services.errors import Unavailable
from services.money import Money
from services.orders.status import OrderStatus
from services.orders.views import NewOrder, OrderView, Policy, Product
from services.payments.call_budget import CallBudget
from services.payments.views import PaymentStatusReport
from services.settings import Settings
from tests.builders import KEY
from tests.fakes.gateway import FakeGateway
from workers.faults import Faults
from workers.serving import make_worker
from workflows.background import ensure_background_work
from workflows.ids import order_workflow_id
from workflows.order import OrderWorkflow
from workflows.order_commands import OrderCommands


@dataclass(frozen=True)
class Gates(Faults):
    """Fault points at which a test stops a step, does something, and lets it continue; and steps that fail."""

    armed: dict[tuple[str, str], tuple[threading.Event, threading.Event]] = field(default_factory=dict)
    #: steps that fail as if the database were away
    failing: set[str] = field(default_factory=set)

    @property
    def active(self) -> bool:
        return True

    def arm(self, step: str, point: str) -> tuple[threading.Event, threading.Event]:
        """The next step that reaches the point sets the first event and waits for the second."""
        self.armed[step, point] = made = (threading.Event(), threading.Event())
        return made

    def reach(self, step: str, point: str) -> None:
        if step in self.failing:
            raise Unavailable("The database is away or busy.")
        gate = self.armed.pop((step, point), None)
        if gate:
            gate[0].set()
            gate[1].wait(10)


Order = WorkflowHandle[OrderWorkflow, OrderOutcome]


@dataclass
class Shop:
    """Places orders, moves time, and checks that money and goods agree."""

    services: Services
    provider: FakeGateway
    client: Client
    skipper: TimeSkipper
    gates: Gates

    def product(self, units: int = 10, price: str = "10.00") -> Product:
        """A product with so many in stock."""
        product = Product(new_id(), "Lantern", Money.parse(price, "RUB"), is_active=True)
        self.services.reservations.add_stocks([(product.id, units)])
        return product

    async def place(self, new: NewOrder, *, start: bool = True) -> OrderView:
        """Store an order and start its workflow on a clock that can be moved."""
        placed = await asyncio.to_thread(self.services.orders.place, new)
        if start:
            stored = self.services.orders.start_input(placed.order.id)
            await OrderCommands(self.skipper.client).start(placed.order.id, stored)
        return placed.order

    def workflow(self, order_id: UUID) -> Order:
        return self.client.get_workflow_handle_for(OrderWorkflow.run, order_workflow_id(order_id))

    async def outcome(self, order_id: UUID) -> OrderOutcome:
        """How the order's workflow ended; waits 20 s at most."""
        return await asyncio.wait_for(self.workflow(order_id).result(), 20)

    async def forward(self, order_id: UUID, seconds: float) -> None:
        """Let so much time pass for the order's workflow."""
        await self.skipper.fast_forward(self.workflow(order_id), seconds)

    async def until(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        """Wait for a condition. Raises TimeoutError."""
        ends = time.monotonic() + seconds
        while not await asyncio.to_thread(condition):
            if time.monotonic() > ends:
                raise TimeoutError("the condition did not come true")
            await asyncio.sleep(0.02)

    async def until_status(self, order_id: UUID, status: OrderStatus) -> None:
        await self.until(lambda: self.services.orders.get(order_id).status == status)

    async def until_cancelled(self, order: OrderView) -> None:
        """Let time pass until the order's workflow has ended with its cancellation; 30 s at most."""
        async with asyncio.timeout(30):
            while not (await asyncio.to_thread(self.services.orders.get, order.id)).closed:
                with suppress(RPCError):  # it may have ended already
                    await self.forward(order.id, 60)
        assert (await self.outcome(order.id)).status == OrderStatus.CANCELLED

    async def cancel(self, order: OrderView) -> None:
        """Cancel as the buyer does; the relay brings the word to the workflow."""
        await asyncio.to_thread(self.services.orders.request_cancel, order.id, order.buyer_id)

    def events(self, order_id: UUID) -> list[str]:
        return [event.type for event in self.services.orders.events(order_id)]

    def payment_id(self, order_id: UUID) -> UUID:
        return self.services.payments.of_order(order_id)[-1].id

    def check(self, order: OrderView, status: OrderStatus) -> None:
        """The order ended so, and money and goods agree with it in all three books (I2, I4, I5)."""
        assert self.services.orders.get(order.id).status == status
        confirmed = status == OrderStatus.CONFIRMED
        payments = self.services.payments.of_order(order.id)
        kept = order.total.minor if confirmed else 0
        assert sum(payment.captured_minor - payment.refunded_minor for payment in payments) == kept
        assert sum(self.provider.kept(payment.id) for payment in payments) == kept
        reservation = self.services.reservations.find(order.id)
        assert (reservation is not None and reservation.status == "confirmed") == confirmed
        sold = {line.product_id: line.quantity for line in order.lines} if confirmed else {}
        for product_id, stock in self.services.reservations.stocks([line.product_id for line in order.lines]).items():
            assert (stock.reserved, stock.sold) == (0, sold.get(product_id, 0))


@asynccontextmanager
async def open_shop(
    client: Client,
    database_url: str,
    database: Database,
    data_dir: Path,
    policy: Policy | None = None,
    build_id: str | None = None,
) -> AsyncIterator[Shop]:
    """A shop whose worker runs, relay and dispatcher included; with a `build_id` it is a versioned worker."""
    settings = Settings(
        app_env="development", database_url=database_url, secrets_key=KEY, data_dir=data_dir, orders_max_unpaid=0
    )
    provider, gates = FakeGateway(), Gates()
    budget = CallBudget(call=0.04, claim=0.05, refund_retry_delay=0.05)
    with open_services(settings, gateway=provider, database=database, call_budget=budget, policy=policy) as services:
        services.pg_listener.start()
        with ThreadPoolExecutor(settings.worker_threads) as executor:
            async with make_worker(client, services, executor=executor, faults=gates, build_id=build_id):
                await ensure_background_work(client)
                skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
                yield Shop(services, provider, client, skipper, gates)


def returned(shop: Shop, order: OrderView) -> list[int]:
    """Minor units of each refund in the order's timeline."""
    events = shop.services.orders.events(order.id)
    return [event.amount.minor for event in events if event.type == "refunded" and event.amount]


def report(shop: Shop, payment_id: UUID, status: str, amount: Money | None = None) -> None:
    """What `POST /payments/{paymentId}/notify` does."""
    key = f"report:{new_id()}"
    _, received = shop.services.payments.receive_report(key, payment_id, PaymentStatusReport(status, amount))
    assert received is not None
    shop.services.orders.notice_payment(received.order_id, payment_id, key, late=received.late)
