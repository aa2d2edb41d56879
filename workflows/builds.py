"""The builds of versioned workers as Temporal knows them, and the open workflows that are pinned to each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType, WorkerDeploymentVersionStatus
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from services.errors import InvalidTransition
from workflows.client import TASK_QUEUE

#: The name of the workers' deployment in Temporal, when they are versioned.
DEPLOYMENT = "marketplace-orders"
#: A worker asks for tasks once a minute or more often; a build that nobody asked for during this time has no worker.
SILENT = timedelta(seconds=120)
#: How long Temporal may take to answer. Calls about a deployment are repeated within it: after a few at once Temporal
#: refuses more for a moment.
CALL = timedelta(seconds=10)
#: Seconds between two looks for a worker.
LOOK_AGAIN = 0.2
_PINNED = (
    'ExecutionStatus="Running" AND TemporalWorkflowVersioningBehavior="Pinned"'
    ' AND TemporalWorkerDeploymentVersion="{deployment}:{build}"'
)


@dataclass(frozen=True)
class Build:
    """One version of the workers' deployment."""

    build_id: str
    #: `current`, `ramping`, `draining`, `drained`, `inactive` (never made the current one) …
    status: str
    #: whether a worker of it asks for tasks
    has_worker: bool


class Builds:
    """The versions of the workers' deployment; each method raises RPCError when Temporal is away."""

    def __init__(self, client: Client, silent: timedelta = SILENT) -> None:
        """`silent`: a build that no worker polled for during this time has none."""
        self._client = client
        self._silent = silent

    async def all(self) -> list[Build]:
        """Every build that Temporal knows, the current one first; none when no worker was ever versioned."""
        request = DescribeWorkerDeploymentRequest(namespace=self._client.namespace, deployment_name=DEPLOYMENT)
        try:
            described = await self._client.workflow_service.describe_worker_deployment(
                request, retry=True, timeout=CALL
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return []
            raise
        polled = await self._polled()
        versions = described.worker_deployment_info.version_summaries
        builds = [
            Build(each.deployment_version.build_id, _name(each.status), each.deployment_version.build_id in polled)
            for each in sorted(versions, key=lambda version: version.create_time.ToDatetime(), reverse=True)
        ]
        return sorted(builds, key=lambda build: build.status != "current")

    async def pinned(self, build_id: str) -> int:
        """How many open workflows are pinned to a build; the list of workflows is some seconds old."""
        return (await self._client.count_workflows(_pinned(build_id), rpc_timeout=CALL)).count

    async def without_worker(self) -> AsyncIterator[tuple[str, str]]:
        """The id and the build of every open workflow that is pinned to a build without a worker."""
        for build in await self.all():
            if not build.has_worker:
                async for workflow in self._client.list_workflows(_pinned(build.build_id), page_size=1000):
                    yield workflow.id, build.build_id

    async def make_current(self, build_id: str, wait: float) -> None:
        """Send new orders to a build, once a worker of it asks for tasks; `wait`: seconds until then.

        Raises InvalidTransition when none does, or when Temporal refuses for as long, for example because the workers
        of the build do not serve a task queue that those of the current one serve.
        """
        ends = asyncio.get_running_loop().time() + wait
        while refusal := await self._refusal(build_id):
            if asyncio.get_running_loop().time() > ends:
                raise InvalidTransition(refusal)
            await asyncio.sleep(LOOK_AGAIN)

    async def _refusal(self, build_id: str) -> str | None:
        """Make the build the current one; returns why it cannot be, a sentence."""
        if not any(each.build_id == build_id and each.has_worker for each in await self.all()):
            return f"No worker of build {build_id} asks for tasks: start one first."
        request = SetWorkerDeploymentCurrentVersionRequest(
            namespace=self._client.namespace,
            deployment_name=DEPLOYMENT,
            build_id=build_id,
            identity=self._client.identity,
        )
        try:
            await self._client.workflow_service.set_worker_deployment_current_version(request, retry=True, timeout=CALL)
        except RPCError as error:
            if error.status is not RPCStatusCode.FAILED_PRECONDITION:
                raise
            return f"Temporal refuses: {error.message}."
        return None

    async def _polled(self) -> set[str]:
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        described = await self._client.workflow_service.describe_task_queue(request, timeout=CALL)
        since = datetime.now(UTC) - self._silent
        return {
            poller.deployment_options.build_id
            for poller in described.pollers
            if poller.deployment_options.deployment_name == DEPLOYMENT
            and poller.last_access_time.ToDatetime(UTC) > since
        }


def _pinned(build_id: str) -> str:
    return _PINNED.format(deployment=DEPLOYMENT, build=build_id)


def _name(status: WorkerDeploymentVersionStatus.ValueType) -> str:
    return WorkerDeploymentVersionStatus.Name(status).removeprefix("WORKER_DEPLOYMENT_VERSION_STATUS_").lower()
