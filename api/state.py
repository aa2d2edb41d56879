"""The state of one application: what its requests share, in one typed object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import FastAPI

from api.shutdown import Shutdown
from services.bootstrap import Services

if TYPE_CHECKING:
    from api.access.rate_limits import OperationLimits
    from api.identity.password_queue import PasswordThreads
    from api.ops.database_check import DatabaseCheck
    from api.ops.metrics import HttpMetrics
    from api.orders.retrying import OrderRetries
    from api.orders.starting import WorkflowStarter, WorkflowStarts
    from api.orders.streams import OrderStreams
    from api.orders.waiting import LongPolling
    from api.requests.client_address import TrustedProxies
    from api.requests.cursors import Cursors


@dataclass(frozen=True)
class AppState:
    """Everything that handlers, routes and middleware of one application share."""

    services: Services
    #: None: orders are started by the outbox relay only, and none can be resolved
    starter: WorkflowStarter | None
    #: None: nothing is tried again at once, and when it is tried by itself is not known
    retries: OrderRetries | None
    cursors: Cursors
    metrics: HttpMetrics
    password_threads: PasswordThreads
    proxies: TrustedProxies
    limits: OperationLimits
    long_polling: LongPolling
    order_streams: OrderStreams
    order_starts: WorkflowStarts
    database_check: DatabaseCheck
    shutdown: Shutdown
    #: whether this application is served on METRICS_PORT, which the public cannot reach
    internal: bool = False


def set_state(app: FastAPI, state: AppState) -> None:
    """Give the application its state."""
    app.state.market = state


def state_of(app: FastAPI) -> AppState:
    """The state of an application: `state_of(request.app)`."""
    state: AppState = app.state.market
    return state
