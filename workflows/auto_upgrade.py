"""The background workflows of versioned workers: they move to the current version with their next task."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.messages import PeriodicJob
    from workflows.maintenance import (
        NotificationDispatchWorkflow,
        OutboxRelayWorkflow,
        PeriodicWorkflow,
        WebhookDispatchWorkflow,
    )

_AUTO_UPGRADE = VersioningBehavior.AUTO_UPGRADE


# A behavior in the definition of a workflow breaks unversioned workers, whose tasks the server then refuses. So
# versioned workers register these classes instead.


@workflow.defn(name="OutboxRelayWorkflow", versioning_behavior=_AUTO_UPGRADE)
class UpgradedOutboxRelay(OutboxRelayWorkflow):
    """`outbox-relay` of a versioned worker."""

    @workflow.run
    async def run(self) -> None:
        """Deliver the commands of the outbox; never ends."""
        await super().run()


@workflow.defn(name="NotificationDispatchWorkflow", versioning_behavior=_AUTO_UPGRADE)
class UpgradedNotificationDispatch(NotificationDispatchWorkflow):
    """`notification-dispatch` of a versioned worker."""

    @workflow.run
    async def run(self) -> None:
        """Queue and send notifications; never ends."""
        await super().run()


@workflow.defn(name="WebhookDispatchWorkflow", versioning_behavior=_AUTO_UPGRADE)
class UpgradedWebhookDispatch(WebhookDispatchWorkflow):
    """`webhook-dispatch` of a versioned worker."""

    @workflow.run
    async def run(self) -> None:
        """Send webhooks; never ends."""
        await super().run()


@workflow.defn(name="PeriodicWorkflow", versioning_behavior=_AUTO_UPGRADE)
class UpgradedPeriodicWorkflow(PeriodicWorkflow):
    """A periodic job of a versioned worker."""

    @workflow.init
    def __init__(self, job: PeriodicJob) -> None:
        super().__init__(job)

    @workflow.run
    async def run(self, job: PeriodicJob) -> None:
        """Run the job, wait, and again."""
        await super().run(job)


_UPGRADED: dict[type, type] = {
    OutboxRelayWorkflow: UpgradedOutboxRelay,
    NotificationDispatchWorkflow: UpgradedNotificationDispatch,
    WebhookDispatchWorkflow: UpgradedWebhookDispatch,
    PeriodicWorkflow: UpgradedPeriodicWorkflow,
}


def of_versioned_worker(workflow_class: type) -> type:
    """The class that a versioned worker registers instead: orders and refunds are pinned, which is its default."""
    return _UPGRADED.get(workflow_class, workflow_class)
