"""Everything that a worker serves, in one list, wired from one house."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from activities.failures import FailuresAsCodes
from activities.faults import Faults
from activities.notifications import NotificationActivities
from activities.orders import OrderActivities
from activities.outbox import Courier, OutboxActivities
from activities.payments import PaymentActivities
from activities.polling import Alarm
from activities.reservations import ReservationActivities
from services.bootstrap import Services
from services.notifications.views import NewMessage, OrderNotification
from services.payments.views import Charge
from services.pg_notify import NOTIFICATIONS, OUTBOX
from services.reservations.views import Item
from workflows.maintenance import NotificationDispatchWorkflow, OutboxRelayWorkflow, SweepWorkflow
from workflows.order import OrderWorkflow
from workflows.refund import RefundWorkflow

WORKFLOWS = [OrderWorkflow, RefundWorkflow, OutboxRelayWorkflow, NotificationDispatchWorkflow, SweepWorkflow]
INTERCEPTORS = [FailuresAsCodes()]


def activities(services: Services, courier: Courier, faults: Faults | None = None) -> list[Callable[..., Any]]:
    """The activity methods, bound to the services that they call; `faults` instead of those of the settings."""
    faults = faults or Faults.parse(services.settings.faults, services.settings.data_dir)
    subscribe = services.wakeups.subscribe
    reservations = ReservationActivities(services.order_transitions, services.reservations, Item, faults)
    orders = OrderActivities(services.order_transitions, services.reservations, faults)
    payments = PaymentActivities(
        services.order_transitions,
        services.reservations,
        services.payments,
        Charge,
        services.settings.public_url,
        faults,
    )
    outbox = OutboxActivities(services.order_outbox, courier, lambda: Alarm(subscribe, OUTBOX))
    notifications = NotificationActivities(
        services.order_outbox,
        services.identity,
        services.account_messages,
        services.notifications,
        OrderNotification,
        NewMessage.for_account,
        lambda: Alarm(subscribe, NOTIFICATIONS),
        faults,
    )
    return [
        reservations.reserve_stock,
        reservations.release_stock,
        reservations.sweep_reservations,
        orders.confirm_order,
        orders.begin_cancel,
        orders.finish_cancel,
        orders.raise_attention,
        payments.charge_payment,
        payments.refresh_payment,
        payments.refund_payment,
        payments.refund_late_payment,
        payments.record_resolution,
        payments.continue_refunds,
        outbox.relay_outbox,
        notifications.dispatch_notifications,
    ]
