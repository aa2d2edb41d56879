"""Waits, after the faults, until everything has ended; an operator and the buyers do what they would do by then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from typing import Any

import httpx2
from temporalio.client import Client
from temporalio.service import RPCError

from sandbox.standins.provider.test_cards import Behaviour
from services.orders.status import UndoStep
from tests.soak.buyers import Placed
from tests.soak.system import System

#: Seconds until everything must have ended, and between two looks.
WITHIN, EVERY = 420.0, 3.0
JOBS = ("recover-orders", "continue-refunds", "sweep-reservations", "find-provider-payments", "find-provider-refunds")
_LEFT = """
    SELECT (SELECT count(*) FROM orders.orders WHERE status NOT IN ('confirmed', 'cancelled')) AS orders,
           (SELECT count(*) FROM orders.orders WHERE needs_attention) AS attention,
           (SELECT count(*) FROM orders.outbox WHERE done_at IS NULL) AS commands,
           (SELECT count(*) FROM orders.events WHERE notified_at IS NULL) AS events,
           (SELECT count(*) FROM notifications.notifications WHERE status = 'queued') AS messages
    """
_PAYMENTS = "SELECT id::text, order_id::text FROM payments.payments"
_ATTENTION = "SELECT id, attention_reasons FROM orders.orders WHERE needs_attention"
_RUNNING = 'WorkflowType IN ("OrderWorkflow", "RefundWorkflow") AND ExecutionStatus = "Running"'


@dataclass
class Draining:
    """Waits until no order, workflow, command or message is open."""

    system: System
    placed: Sequence[Placed]
    token: str
    report: Callable[[str], None]

    def wait(self) -> str | None:
        """Returns None when everything has ended, otherwise what is left after seven minutes."""
        started, never, shown = time.monotonic(), Event(), ""
        while True:
            left = self._left()
            if not left:
                return None
            if left != shown:
                self.report(f"{time.monotonic() - started:6.1f} s after the faults: {left}")
                shown = left
            if time.monotonic() - started > WITHIN:
                return f"after {WITHIN:g} s there are still {left}"
            self._decide_pages()
            self._resolve()
            asyncio.run(self._run_jobs())
            never.wait(EVERY)

    def _left(self) -> str:
        (row,) = self.system.rows(_LEFT)
        left = dict(zip(row._fields, row, strict=True)) | {"workflows": asyncio.run(self._workflows())}
        return ", ".join(f"{count} {name}" for name, count in left.items() if count)

    async def _workflows(self) -> int:
        return (await (await self.system.temporal()).count_workflows(_RUNNING)).count

    def _decide_pages(self) -> None:
        """Buyers decide on the confirmation pages that are still open, with or without an open order."""
        waiting = {one.order_id: one for one in self.placed if one.planned.behaviour is Behaviour.CONFIRMS_ON_PAGE}
        orders = {row.id: row.order_id for row in self.system.rows(_PAYMENTS)}
        for payment in self.system.ledger():
            placed = waiting.get(orders.get(str(payment["reference"]), ""))
            if payment["status"] == "pending" and placed:
                decision = "approve" if placed.planned.approves else "decline"
                self.system.sandbox.post(f"/confirm/{payment['paymentId']}", data={"decision": decision})

    def _resolve(self) -> None:
        """An operator returns the money of cards whose refunds always fail, and asks for another attempt otherwise."""
        by_hand = {one.order_id for one in self.placed if one.planned.behaviour is Behaviour.REFUND_FAILS}
        for row in self.system.rows(_ATTENTION):
            order_id, reasons = str(row.id), row.attention_reasons
            for reason in filter(UndoStep.of, reasons):
                done = order_id in by_hand and UndoStep.is_refund(reason)
                body = {"action": "mark_done", "reference": "bank transfer"} if done else {"action": "retry"}
                self._post(f"/orders/{order_id}/resolve", {**body, "step": str(UndoStep.of(reason))})

    def _post(self, path: str, body: dict[str, Any]) -> None:
        with suppress(httpx2.TransportError):  # the next look tries again
            httpx2.post(
                f"{self.system.stack.addresses.api}/api/v1{path}",
                json=body,
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=30,
            )

    async def _run_jobs(self) -> None:
        client: Client = await self.system.temporal()
        for job in JOBS:
            with suppress(RPCError):
                await client.get_workflow_handle(job).signal("run_now")
