"""The commands of a workflow's history as lines: what replays compare, without times and ids."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: The number of a repeated call, and the suffix of the local lane.
_CALL = re.compile(r"(-\d+)?(-local)?$")
_SIDE_BY_SIDE = {"local activity release_stock", "local activity refund_payment"}
_OTHERS = (
    "timer_canceled",
    "activity_task_cancel_requested",
    "workflow_execution_update_accepted",
    "workflow_execution_update_completed",
    "workflow_execution_completed",
    "workflow_execution_failed",
    "workflow_execution_continued_as_new",
)


def commands_of(events: Iterable[HistoryEvent]) -> list[str]:
    """One line a command, in the order in which the workflow made them; what happened outside is left out.

    How often a poll is repeated depends on the moment, so one or two lines that are repeated are given once. Local
    undos run side by side and are recorded when they end, so they are sorted.
    """
    lines: list[str] = []
    for event in events:
        lines += [_ID.sub("<id>", line) for line in _lines(event)]
        for length in (1, 2):
            if lines[-length:] == lines[-2 * length : -length]:
                del lines[-length:]
        if {*lines[-2:]} == _SIDE_BY_SIDE:
            lines[-2:] = sorted(_SIDE_BY_SIDE)
    return lines


def _lines(event: HistoryEvent) -> Iterator[str]:
    kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
    if kind == "activity_task_scheduled":
        yield f"activity {_name(event.activity_task_scheduled_event_attributes.activity_id)}"
    elif kind == "marker_recorded":
        yield _marker(event)
    elif kind == "upsert_workflow_search_attributes":
        attributes = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
        yield f"search attributes {' '.join(f'{name}={_text(attributes[name].data)}' for name in sorted(attributes))}"
    elif kind == "timer_started":
        yield f"timer: {_text(event.user_metadata.summary.data)}"
    elif kind in _OTHERS:
        yield kind.replace("_", " ")


def _marker(event: HistoryEvent) -> str:
    marker = event.marker_recorded_event_attributes
    data = {
        name: json.loads(payloads.payloads[0].data) for name, payloads in marker.details.items() if name != "result"
    }
    if marker.marker_name == "core_patch":
        return f"patch {data['patch-data']['id']}"
    return f"local activity {_name(data['data']['activity_id'])}"


def _name(activity_id: str) -> str:
    return _CALL.sub("", activity_id)


def _text(data: bytes) -> str:
    value = json.loads(data) if data else ""
    return value if isinstance(value, str) else json.dumps(value)
