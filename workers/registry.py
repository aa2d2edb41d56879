"""The workflows and activities that a worker serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from activities.failures import FailuresAsCodes
from activities.notifications import NotificationActivities
from activities.orders import OrderActivities, OrderEnds
from activities.outbox import CommandDelivery, OutboxActivities
from activities.payment_sweeps import PaymentSweeps
from activities.payments import PaymentActivities
from activities.polling import Wakeup
from activities.reconciling import ReconcileActivities
from activities.recovery import OrderRuns, RecoveryActivities
from activities.reservations import ReservationActivities
from activities.retention import Deletion, RetentionActivities
from activities.watching import StuckWorkflows, WatchActivities
from activities.webhooks import WebhookActivities
from services.bootstrap import Services
from services.payments.paid_orders import PaidOrders
from services.pg_notify import NOTIFICATIONS, OUTBOX, WEBHOOKS
from services.reconcile.reconciler import Reconciler
from services.reconcile.scope import Scope
from services.reconcile.stalled_orders import StalledOrders
from services.reconcile.workflows import OrderWorkflows
from workers.exhaustion import ExhaustionEndsWorker
from workers.faults import ACTIVITIES, Faults, around, with_faults
from workers.log_context import LogContext
from workflows.maintenance import (
    NotificationDispatchWorkflow,
    OutboxRelayWorkflow,
    PeriodicWorkflow,
    WebhookDispatchWorkflow,
)
from workflows.order import OrderWorkflow
from workflows.refund import RefundWorkflow

WORKFLOWS = [
    OrderWorkflow,
    RefundWorkflow,
    OutboxRelayWorkflow,
    NotificationDispatchWorkflow,
    WebhookDispatchWorkflow,
    PeriodicWorkflow,
]
#: Seconds of each hour for which archived orders are checked.
ARCHIVE_SECONDS = 20.0
#: Outermost first.
INTERCEPTORS = [LogContext(), FailuresAsCodes(), ExhaustionEndsWorker()]


@dataclass(frozen=True)
class Ports:
    """What activities use beside the services: Temporal itself, and the counter of ends."""

    delivery: CommandDelivery
    runs: OrderRuns
    failing: StuckWorkflows
    order_workflows: OrderWorkflows
    ends: OrderEnds


def activities(services: Services, ports: Ports, faults: Faults | None = None) -> list[Callable[..., Any]]:
    """The activity methods, bound to the services that they call; `faults` replaces the points that FAULTS sets."""
    faults = faults or Faults.parse(services.settings.faults, services.settings.data_dir)
    if faults.active:
        services = with_faults(services, faults)
    subscribe = services.pg_listener.subscribe
    transitions = services.order_transitions
    reservations = ReservationActivities(services.database, transitions, services.reservations)
    paid = PaidOrders(services.database, services.payments)
    orders = OrderActivities(services.database, transitions, services.reservations, services.payments, paid, ports.ends)
    payments = PaymentActivities(
        services.database, transitions, services.reservations, services.payments, services.settings.return_url
    )
    sweeps = PaymentSweeps(services.orders, transitions, services.payments, services.reservations)
    recovery = RecoveryActivities(services.order_recovery, transitions, ports.runs)
    watching = WatchActivities(
        services.order_recovery, StalledOrders(services.database), transitions, services.payments, ports.failing
    )
    outbox = OutboxActivities(services.order_outbox, ports.delivery, lambda: Wakeup(subscribe, OUTBOX))
    notifications = NotificationActivities(
        services.database,
        services.order_outbox,
        services.identity,
        services.account_messages,
        services.notifications,
        services.webhooks,
        lambda: Wakeup(subscribe, NOTIFICATIONS),
    )
    webhooks = WebhookActivities(services.webhook_dispatcher, lambda: Wakeup(subscribe, WEBHOOKS))
    hourly = Scope(archive=ARCHIVE_SECONDS)
    reconciler = Reconciler(services.database, ports.order_workflows, services.gateway, hourly)
    reconciling = ReconcileActivities(reconciler, services.invariant_results)
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
        sweeps.continue_refunds,
        recovery.recover_orders,
        watching.watch_orders,
        sweeps.find_provider_refunds,
        sweeps.find_provider_payments,
        outbox.relay_outbox,
        notifications.dispatch_notifications,
        webhooks.dispatch_webhooks,
        RetentionActivities(deletions(services)).delete_old_rows,
        reconciling.reconcile,
    ]
    if not faults.active:
        return served
    return [around(each, each.__name__, faults) if each.__name__ in ACTIVITIES else each for each in served]


def deletions(services: Services) -> dict[str, Deletion]:
    """What deletes old rows, by the kind of rows."""
    identity = services.identity_retention
    return {
        "idempotency keys": services.idempotency.delete_old,
        "rate limits": services.limits.delete_expired,
        "verification codes": identity.delete_codes,
        "password reset tokens": identity.delete_reset_tokens,
        "refresh tokens": identity.delete_refresh_tokens,
        "sessions": identity.delete_sessions,
        "minted tokens": identity.delete_minted_tokens,
        "stream tickets": identity.delete_stream_tickets,
        "login failures": identity.delete_login_failures,
        "webhooks and status reports": services.payments.delete_old_messages,
        "delivered commands": services.order_outbox.delete_done,
        "recipients of messages": services.notifications.delete_recipients,
        "webhook deliveries": services.webhooks.delete_old,
    }
