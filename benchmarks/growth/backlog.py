"""Dispatch and sweep with a backlog: events whose messages were never queued, and holds that have expired."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import psycopg
from temporalio.client import Client

from benchmarks.plan import Case, Round
from benchmarks.process import NotMeasured
from benchmarks.results import percentile
from benchmarks.running_system import DRAIN_TIMEOUT, RunningSystem
from sandbox.process import wait_until
from workflows.background import JOBS
from workflows.maintenance import PeriodicWorkflow

#: The workflow that sweeps, and how many of its sweeps are measured.
SWEEP_ID = "sweep-reservations"
SWEEPS = 5

# The messages of old orders exist already, and a message is queued once a key: without them they are queued again.
_UNNOTIFY = """
    WITH chosen AS (
        SELECT id, order_id FROM orders.events
         WHERE type = 'created' AND notified_at IS NOT NULL ORDER BY id LIMIT %s
    ), unsent AS (
        DELETE FROM notifications.notifications n USING chosen
         WHERE n.order_id = chosen.order_id AND n.template = 'order_created'
    )
    UPDATE orders.events e SET notified_at = NULL FROM chosen WHERE e.id = chosen.id"""
_END_DISPATCH = (
    "UPDATE orders.events SET notified_at = now() WHERE notified_at IS NULL",
    "UPDATE notifications.notifications SET status = 'sent', variables = NULL, sent_at = now() WHERE status = 'queued'",
)
_EXPIRE = """
    WITH chosen AS (SELECT id FROM reservations.reservations WHERE status = 'confirmed' ORDER BY id LIMIT %s),
    expired AS (
        UPDATE reservations.reservations r
           SET status = 'reserved', pinned = false, closed_at = NULL, expires_at = now() - interval '1 hour'
          FROM chosen WHERE r.id = chosen.id RETURNING r.id
    ), held AS (
        SELECT l.product_id, sum(l.quantity) AS units
          FROM reservations.lines l JOIN expired ON expired.id = l.reservation_id GROUP BY l.product_id
    )
    UPDATE reservations.stocks s SET sold = sold - held.units, reserved = reserved + held.units
      FROM held WHERE held.product_id = s.product_id"""


@dataclass(frozen=True)
class Work:
    """What background work did with a backlog."""

    backlog: int
    done: int
    seconds: float
    #: processor milliseconds for each unit of work, all processes
    cpu_ms: float
    #: minutes until the backlog is gone at this pace
    minutes: float


@dataclass(frozen=True)
class OrdersMeanwhile:
    """Orders placed while the backlog of messages was dispatched."""

    per_second: float
    p50_ms: float
    p99_ms: float


def dispatch(system: RunningSystem, backlog: int, seconds: float) -> tuple[Work, OrdersMeanwhile]:
    """Measure the dispatcher for some seconds with a backlog of events, and then orders beside it; ends the backlog.

    Raises NotMeasured.
    """
    with system.connection.transaction():
        system.connection.execute(_UNNOTIFY, [backlog])
    waiting, used, started = system.count_undelivered(), _all_seconds(system), time.monotonic()
    if not wait_until(lambda: system.count_undelivered() < waiting, DRAIN_TIMEOUT):
        raise NotMeasured(f"no message of {backlog} events was sent within {DRAIN_TIMEOUT:g} s")
    time.sleep(max(0.0, started + seconds - time.monotonic()))
    done, elapsed = waiting - system.count_undelivered(), time.monotonic() - started
    cpu = 1000 * (_all_seconds(system) - used) / max(done, 1)
    orders = system.measure(Round(Case.SAGA, 16, seconds))
    latencies = [1000 * latency for latency in orders.latencies]
    meanwhile = OrdersMeanwhile(len(latencies) / orders.elapsed, percentile(latencies, 50), percentile(latencies, 99))
    for statement in _END_DISPATCH:
        system.connection.execute(statement.encode())
    return Work(backlog, done, elapsed, cpu, backlog / max(done, 1) * elapsed / 60), meanwhile


def sweep(system: RunningSystem, backlog: int) -> Work:
    """Measure sweeps with a backlog of expired holds.

    The holds are those of confirmed orders: afterwards the tables do not fit together, so this comes last.
    """
    _expire(system.connection, backlog)
    used, started = _all_seconds(system), time.monotonic()
    ended = asyncio.run(_sweeps(system.temporal, system.stack.settings.temporal_namespace))
    elapsed = time.monotonic() - started
    cpu = 1000 * (_all_seconds(system) - used) / max(sum(ended), 1)
    return Work(backlog, sum(ended), elapsed, cpu, backlog / max(ended) * JOBS[SWEEP_ID].every / 60)


def _expire(connection: psycopg.Connection, backlog: int) -> None:
    connection.execute(_EXPIRE, [backlog])
    connection.execute("ANALYZE reservations.reservations")


async def _sweeps(address: str, namespace: str) -> list[int]:
    client = await Client.connect(address, namespace=namespace)
    sweeps = client.get_workflow_handle(SWEEP_ID)
    before = len(await sweeps.query(PeriodicWorkflow.results))
    for number in range(1, SWEEPS + 1):
        await sweeps.signal(PeriodicWorkflow.run_now)
        while len(results := await sweeps.query(PeriodicWorkflow.results)) < before + number:
            await asyncio.sleep(0.1)
    return [ended or 0 for ended in results[before:]]


def _all_seconds(system: RunningSystem) -> float:
    return sum(system.processor_seconds().values())
