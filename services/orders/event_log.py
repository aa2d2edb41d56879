"""The log of orders: one line for each thing that happens to an order."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import structlog

from services.db import Executor
from services.order_number import order_number

_log = structlog.get_logger(__name__)


def log_event(tx: Executor, order_id: UUID, event: str, **fields: str | int | None) -> None:
    """Log `order.<event>` once `tx` is committed; fields that are None are left out.

    The line has the workflow that did it, or the order's own. It holds ids, codes and minor units, and nothing that a
    person wrote.
    """
    known = {name: value for name, value in fields.items() if value is not None}
    tx.after_commit(partial(_write, order_id, event, known))


def _write(order_id: UUID, event: str, fields: dict[str, str | int]) -> None:
    context = structlog.contextvars.get_contextvars()
    _log.info(
        f"order.{event}",
        order_id=str(order_id),
        number=order_number(str(order_id)),
        workflow_id=context.get("workflow_id", f"order-{order_id}"),
        **fields,
    )
