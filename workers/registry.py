"""The workflows and activities that a worker serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from activities.failures import FailuresAsCodes
from activities.notifications import NotificationActivities
from activities.orders import OrderActivities
from activities.outbox import CommandDelivery, OutboxActivities
from activities.payments import PaymentActivities
from activities.polling import Wakeup
from activities.reservations import ReservationActivities
from services.bootstrap import Services
from services.pg_notify import NOTIFICATIONS, OUTBOX
from workers.faults import ACTIVITIES, Faults, around, with_faults
from workflows.maintenance import NotificationDispatchWorkflow, OutboxRelayWorkflow, SweepWorkflow
from workflows.order import OrderWorkflow
from workflows.refund import RefundWorkflow

WORKFLOWS = [OrderWorkflow, RefundWorkflow, OutboxRelayWorkflow, NotificationDispatchWorkflow, SweepWorkflow]
INTERCEPTORS = [FailuresAsCodes()]


def activities(services: Services, delivery: CommandDelivery, faults: Faults | None = None) -> list[Callable[..., Any]]:
    """The activity methods, bound to the services that they call; `faults` replaces the points that FAULTS sets."""
    faults = faults or Faults.parse(services.settings.faults, services.settings.data_dir)
    if faults.active:
        services = with_faults(services, faults)
    subscribe = services.pg_listener.subscribe
    transitions = services.order_transitions
    reservations = ReservationActivities(services.database, transitions, services.reservations)
    orders = OrderActivities(services.database, transitions, services.reservations)
    payments = PaymentActivities(
        services.database, transitions, services.reservations, services.payments, services.settings.public_url
    )
    outbox = OutboxActivities(services.order_outbox, delivery, lambda: Wakeup(subscribe, OUTBOX))
    notifications = NotificationActivities(
        services.database,
        services.order_outbox,
        services.identity,
        services.account_messages,
        services.notifications,
        lambda: Wakeup(subscribe, NOTIFICATIONS),
    )
    served: list[Callable[..., Any]] = [
        reservations.reserve_stock,
        reservations.release_stock,
        reservations.sweep_reservations,
        orders.confirm_order,
        orders.begin_cancel,
        orders.finish_cancel,
        orders.raise_attention,
        orders.clear_attention,
        payments.charge_payment,
        payments.refresh_payment,
        payments.refund_payment,
        payments.refund_late_payment,
        payments.record_resolution,
        payments.continue_refunds,
        outbox.relay_outbox,
        notifications.dispatch_notifications,
    ]
    if not faults.active:
        return served
    return [around(each, each.__name__, faults) if each.__name__ in ACTIVITIES else each for each in served]
