"""The model of the workflow makes the steps of the recorded histories, which are replayed on the workflow itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure as FailureProto
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from activities.converting import DATA_CONVERTER
from activities.messages import OrderState, PaymentState, RefundState, ReservedOrder
from tests.lifecycle.driver import At, Failure, Refusal, Run
from tests.workflows.record import HISTORIES

#: The steps that decide what comes next, and their results; a run makes others to ask for attention.
RESULTS: dict[str, type] = {
    "reserve_stock": ReservedOrder,
    "charge_payment": PaymentState,
    "refresh_payment": PaymentState,
    "confirm_order": OrderState,
    "begin_cancel": OrderState,
    "release_stock": type(None),
    "refund_payment": RefundState,
    "finish_cancel": OrderState,
}

#: The orders that the first release recorded, by every release since.
STORIES = {path.name for path in (HISTORIES / "0.1.0").glob("*.json")}
PATHS = sorted(path for path in HISTORIES.glob("*/*.json") if path.name in STORIES)


def decoded(payload: Payload, kind: type) -> object:
    value: object = DATA_CONVERTER.payload_converter.from_payload(payload, kind)
    return value


def failed(failure: FailureProto) -> object:
    while failure.HasField("cause"):
        failure = failure.cause
    info = failure.application_failure_info
    return Refusal(info.type) if info.non_retryable else Failure()


class Follower:
    """Follows a history with a run of the model."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._scheduled: dict[int, str] = {}

    def follow(self, event: HistoryEvent) -> None:
        match event.event_type:
            case EventType.EVENT_TYPE_MARKER_RECORDED:
                self._local(event)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                name = event.activity_task_scheduled_event_attributes.activity_type.name
                self._scheduled[event.event_id] = name
                assert name in self.run.steps or name not in RESULTS
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                done = event.activity_task_completed_event_attributes
                self._ended(self._scheduled[done.scheduled_event_id], done.result.payloads[0])
            case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
                ended = event.activity_task_failed_event_attributes
                self._ended(self._scheduled[ended.scheduled_event_id], failed(ended.failure))
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                if event.workflow_execution_signaled_event_attributes.signal_name == "cancel_requested":
                    self.run = self.run.interrupted()
            case EventType.EVENT_TYPE_TIMER_FIRED if self.run.at is At.WAIT_FOR_METHOD:
                self.run = self.run.interrupted()

    def _local(self, event: HistoryEvent) -> None:
        marker = event.marker_recorded_event_attributes
        if marker.marker_name != "core_local_activity":
            return  # a patch
        data = json.loads(marker.details["data"].payloads[0].data)
        results = list(marker.details["result"].payloads) if "result" in marker.details else []
        self._ended(data["activity_type"], results[0] if results else failed(marker.failure))

    def _ended(self, step: str, result: object) -> None:
        if step not in RESULTS:
            return
        assert step in self.run.steps
        self.run = self.run.after(step, decoded(result, RESULTS[step]) if isinstance(result, Payload) else result)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_model_follows_a_recorded_history(path: Path) -> None:
    history = WorkflowHistory.from_json("", path.read_text())
    started = history.events[0].workflow_execution_started_event_attributes
    follower = Follower(Run(has_method=bool(json.loads(started.input.payloads[0].data)["has_method"])))
    for event in history.events:
        follower.follow(event)
    assert follower.run.at is At.COMPLETED
