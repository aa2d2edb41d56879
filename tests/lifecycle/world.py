"""One order with the real activities, services and tables; only the payment provider and the clock are fakes."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from prometheus_client import CollectorRegistry

from activities.messages import (
    BeginCancel,
    CancelReason,
    ChargePayment,
    ConfirmOrder,
    FinishCancel,
    RecordResolution,
    RefreshPayment,
    RefundLatePayment,
    RefundPayment,
    ReleaseStock,
    ReserveStock,
)
from activities.orders import OrderActivities
from activities.payment_outcomes import PaymentOutcomes
from activities.payment_sweeps import PaymentSweeps
from activities.payments import PaymentActivities
from activities.reservations import ReservationActivities
from api.payments.refund_ends import RefundEnds
from api.payments.reporting import PaymentReports
from services.bootstrap import Services, open_services
from services.clock import new_id
from services.db import Database
from services.errors import Refused, Unavailable
from services.money import Money
from services.orders.status import UndoStep
from services.orders.views import PaymentMethod, Policy, Product
from services.payments.call_budget import CallBudget
from services.payments.charging import PaymentIntent
from services.payments.gateway import Outcome
from services.payments.paid_orders import PaidOrders
from services.payments.repository import PaymentRepository
from services.payments.views import Charge
from services.settings import Settings
from tests.builders import KEY, an_order
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import WEBHOOK_SOURCE, Behaviour, FaultyGateway, Killed
from tests.lifecycle.driver import Failure, Refusal
from tests.lifecycle.events import Event
from tests.lifecycle.outside import Provider, RecordingClient
from tests.lifecycle.rows import Rows, RowStore, parsed
from tests.lifecycle.scenarios import Scenario
from tests.lifecycle.state import CURRENT, PREVIOUS, State, state_of
from workers.metrics.orders import OrderEndMetrics
from workflows.order_commands import OrderCommands
from workflows.refund import RefundWorkflow

#: When each run started, in seconds since 1970: of two runs the later one holds the order.
STARTED = {CURRENT: 2000.0, PREVIOUS: 1000.0}
HOLD_SECONDS = 1200
#: Events that change the provider or the clock, and no rows.
OUTSIDE_TABLES = ("provider_decides", "provider_decides_refund", "claims_run_out", "hold_runs_out")
PRICE = Money.parse("10.00", "RUB")
#: Units of the one product that is ordered, and what they cost in minor units.
ORDERED = 2
TOTAL = PRICE.minor * ORDERED


@dataclass(frozen=True)
class Delivered:
    """A command was delivered: the signal to the order's workflow, or the start of the refund of a late payment."""

    signal: str | None
    refund: bool = False


@dataclass(frozen=True)
class Snapshot:
    """Everything that an event depends on."""

    rows: Rows
    gateway: Provider
    now: datetime


ENDS = OrderEndMetrics(CollectorRegistry())


class World:
    """Places one order, and makes events happen to it."""

    def __init__(self, services: Services, gateway: FaultyGateway, clock: FakeClock, store: RowStore) -> None:
        self.services = services
        self._gateway = gateway
        self._clock = clock
        self._store = store
        self._present: Rows = store.capture()
        self._version = store.version()
        database, orders = services.database, services.order_transitions
        self._reservations = ReservationActivities(database, orders, services.reservations)
        paid = PaidOrders(database, services.payments)
        self._orders = OrderActivities(database, orders, services.reservations, services.payments, paid, ENDS)
        self._payments = PaymentActivities(database, orders, services.reservations, services.payments, "http://shop")
        self._reports = PaymentReports(
            services.orders, services.payments, RefundEnds(orders, services.reservations, services.payments)
        )
        self._sweeps = PaymentSweeps(services.orders, orders, services.payments, services.reservations)
        self._last = Event("placed")
        self.order_id = UUID(int=0)

    @property
    def provider(self) -> Provider:
        assert isinstance(self._gateway.inner, Provider)
        return self._gateway.inner

    def place(self, scenario: Scenario) -> None:
        """Store the order and its stock."""
        product = Product(new_id(), "Lantern", PRICE, is_active=True)
        self.services.reservations.add_stocks([(product.id, scenario.units)])
        card = "tok_any" if scenario.has_method else None
        self.order_id = self.services.orders.place(an_order(product, quantity=ORDERED, card=card)).order.id

    def capture(self) -> tuple[Snapshot, State]:
        """The present state, to be restored later, and its abstraction."""
        self._version, self._present = self._store.version(), self._store.capture()
        snapshot = Snapshot(self._present, copy.deepcopy(self.provider), self._clock.at)
        return snapshot, state_of(parsed(snapshot.rows), snapshot.gateway, snapshot.now)

    def has_changed(self) -> bool:
        """Whether rows were written, the provider was asked or has decided, or time has passed since the last capture.

        Most events are refused, and then there is nothing to capture.
        """
        return self._store.version() != self._version or self._touched

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a state that was captured."""
        self._store.restore(snapshot.rows, self._present)
        self._version, self._present = self._store.version(), snapshot.rows
        self._gateway.inner = copy.deepcopy(snapshot.gateway)
        self._clock.move(seconds=(snapshot.now - self._clock.at).total_seconds())

    def happen(self, event: Event) -> object:
        """Make an event happen; returns the result of a step, or a Refusal or Failure."""
        self._gateway.calls.clear()
        self._last = event
        self.provider.behaviour = Behaviour(event.how) if event.how in [*Behaviour] else Behaviour.SUCCEEDS
        self.provider.refunds_behave = Behaviour(event.refund) if event.refund else Behaviour.SUCCEEDS
        try:
            return getattr(self, f"_{event.name}")(event)
        except Refused as refused:
            return Refusal(refused.code)
        except (Unavailable, Killed):
            return Failure()

    @property
    def _touched(self) -> bool:
        return bool(self._gateway.calls) or self._last.name in OUTSIDE_TABLES

    def calls(self) -> list[str]:
        """The calls to the provider that the last event made."""
        return [*self._gateway.calls]

    # The steps of the order's workflow.

    def _reserve_stock(self, event: Event) -> object:
        message = ReserveStock(self.order_id, event.run, HOLD_SECONDS, STARTED[event.run], 900)
        return self._reservations.reserve_stock(message)

    def _charge_payment(self, event: Event) -> object:
        return self._payments.charge_payment(ChargePayment(self.order_id, event.attempt, event.run))

    def _refresh_payment(self, event: Event) -> object:
        message = RefreshPayment(self.order_id, self._payment(event.attempt), event.attempt, event.run)
        return self._payments.refresh_payment(message)

    def _confirm_order(self, event: Event) -> object:
        return self._orders.confirm_order(ConfirmOrder(self.order_id, event.run))

    def _begin_cancel(self, event: Event) -> object:
        reason = CancelReason.PAYMENT_EXPIRED
        return self._orders.begin_cancel(BeginCancel(self.order_id, event.run, reason, STARTED[event.run]))

    def _release_stock(self, _: Event) -> object:
        return self._reservations.release_stock(ReleaseStock(self.order_id))

    def _refund_payment(self, _: Event) -> object:
        return self._payments.refund_payment(RefundPayment(self.order_id))

    def _finish_cancel(self, event: Event) -> object:
        return self._orders.finish_cancel(FinishCancel(self.order_id, event.run))

    def _refund_late_payment(self, event: Event) -> object:
        return self._payments.refund_late_payment(RefundLatePayment(self.order_id, self._payment(event.attempt)))

    def _hanging_charge_goes_on(self, event: Event) -> object:
        """A call whose intent was committed at some time reaches the provider now, and its answer is recorded."""
        record = PaymentRepository(self.services.database).find_attempt(self.order_id, event.attempt)
        assert record is not None
        amount, method = record.view.amount, record.view.method
        charge = Charge(self.order_id, event.attempt, amount.minor, amount.currency, method, card_token="tok_any")
        intent = PaymentIntent(charge, record, is_new=True)
        outcomes = PaymentOutcomes(self.services.order_transitions, self.services.reservations, self.services.payments)
        return outcomes.finish(self.services.payments.charge_intent(intent, outcomes.record))

    # People.

    def _buyer_cancels(self, _: Event) -> object:
        return self.services.orders.request_cancel(self.order_id, None).status

    def _buyer_gives_method(self, _: Event) -> object:
        return self.services.orders.give_method(self.order_id, None, PaymentMethod(card="tok_any"))

    def _operator_resolves(self, event: Event) -> object:
        return self._payments.record_resolution(
            RecordResolution(self.order_id, UndoStep.REFUND_PAYMENT, event.how, "by hand")
        )

    # The provider.

    def _provider_decides(self, event: Event) -> None:
        self.provider.decide(self._payment(event.attempt), Outcome(event.how))

    def _provider_decides_refund(self, event: Event) -> None:
        self.provider.decide_pending(Outcome(event.how))

    def _webhook(self, event: Event) -> Delivered:
        """It arrives twice; the relay then delivers what it caused."""
        provider_id = self.provider.payments[self._payment(event.attempt)][0].provider_id
        body = json.dumps({"id": f"{event.how}:{new_id()}", "payment": provider_id}).encode()
        for _ in range(2):
            self._reports.accept_webhook("fake", {}, body, WEBHOOK_SOURCE)
        return self._deliver_commands()

    # Time, and what Temporal does.

    def _claims_run_out(self, _: Event) -> None:
        self._clock.move(seconds=6)

    def _hold_runs_out(self, _: Event) -> None:
        self._clock.move(seconds=HOLD_SECONDS + 1)

    def _continue_refunds(self, _: Event) -> object:
        return self._sweeps.continue_refunds()

    def _sweep_reservations(self, _: Event) -> object:
        return self._reservations.sweep_reservations()

    def _deliver_commands(self) -> Delivered:
        """As the relay; returns what became of the newest command."""
        client, outbox = RecordingClient(), self.services.order_outbox
        self.services.database.execute("UPDATE orders.outbox SET due_at = now() WHERE done_at IS NULL")
        while commands := outbox.claim_commands(1, 0):
            client.started.clear()
            outcome = asyncio.run(OrderCommands(client).deliver(commands[0]))  # type: ignore[arg-type]  # it records instead
            outbox.finish_commands({commands[0].id: outcome})
        ((workflow, signal),) = client.started or [(None, None)]
        return Delivered(signal, refund=workflow == RefundWorkflow.run)

    def _run_is_followed(self, _: Event) -> None:
        """A later run starts: the current one is the previous one from now on."""
        self.services.database.execute(
            "UPDATE orders.orders SET claimed_by = CASE claimed_by WHEN %(current)s THEN %(previous)s ELSE 'older' END,"
            " claimed_since = to_timestamp(CASE claimed_by WHEN %(current)s THEN %(started)s ELSE 0 END)"
            " WHERE claimed_by IS NOT NULL",
            {"current": CURRENT, "previous": PREVIOUS, "started": STARTED[PREVIOUS]},
        )

    def _payment(self, attempt: int) -> UUID:
        payments = self.services.payments.of_order(self.order_id)
        return next(each.id for each in payments if each.attempt == attempt)


@contextmanager
def open_world(database: Database, url: str, data_dir: Path, scenario: Scenario) -> Iterator[World]:
    """A world with an order that was just placed, in a database that holds nothing else."""
    settings = Settings(app_env="development", database_url=url, secrets_key=KEY, data_dir=data_dir)
    gateway, clock = FaultyGateway(Provider()), FakeClock(datetime.now(UTC) + timedelta(hours=1))
    policy = Policy(max_unpaid=0, payment_attempts=scenario.attempts)
    budget = CallBudget(refund_retry_delay=0)
    store = RowStore(url)
    try:
        with open_services(
            settings, clock=clock, gateway=gateway, database=database, call_budget=budget, policy=policy
        ) as services:
            world = World(services, gateway, clock, store)
            world.place(scenario)
            yield world
    finally:
        store.close()
