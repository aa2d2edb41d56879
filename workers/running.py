"""Runs one worker until the process is asked to stop, and finds out before whether Temporal serves its namespace."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from workers.health import WorkerStatus

#: How long Temporal may take to describe the namespace.
CALL = timedelta(seconds=5)
#: Seconds between two looks whether the worker has begun.
LOOK = 0.02

_log = structlog.get_logger("workers")


async def serves_namespace(client: Client) -> bool:
    """Whether Temporal serves the client's namespace.

    It does not while its store is away, before the namespace is created, and for a key or certificate without access;
    a worker that is started then ends at once.
    """
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        await client.workflow_service.describe_namespace(request, timeout=CALL)
    except RPCError as error:
        _log.warning("worker.waiting_for_namespace", namespace=client.namespace, status=error.status.name)
        return False
    return True


async def run_until(stop: asyncio.Event, worker: Worker, status: WorkerStatus) -> bool:
    """Run the worker until `stop` is set; False when it could not begin, and another one has to be made.

    That one needs a connection of its own: the SDK keeps a worker that could not begin registered with its connection.
    Raises what ends a worker that has begun to take tasks.
    """
    running, stopping = asyncio.ensure_future(worker.run()), asyncio.ensure_future(stop.wait())
    try:
        if not await _has_begun(worker, running, stopping):
            return stop.is_set()
        status.worker = worker
        _log.info("worker.ready")
        await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        await worker.shutdown()
        await running
    finally:
        stopping.cancel()
        await _end(running)
    return True


async def _has_begun(worker: Worker, running: asyncio.Future[Any], stopping: asyncio.Future[Any]) -> bool:
    """False when the worker could not begin, or was asked to stop before."""
    while not (worker.is_running or running.done() or stopping.done()):
        await asyncio.sleep(LOOK)
    return worker.is_running


async def _end(running: asyncio.Future[Any]) -> None:
    """End what never began; its error says that Temporal does not answer for the namespace."""
    if not running.done():
        running.cancel()
    with suppress(RuntimeError, asyncio.CancelledError):
        await running
