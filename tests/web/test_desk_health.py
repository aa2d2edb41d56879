"""The health of the shop in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from web.desk.health import EXTERNAL, sentences
from web.languages import texts

AT = "2026-01-31T12:00:00Z"
HEALTHY: dict[str, Any] = {
    "queues": [{"name": name, "waiting": 0, "oldestSeconds": 0} for name in ("commands", "events", "email", "sms")],
    "externalSystems": [{"name": name, "unanswered": 0, "oldestSeconds": 0} for name in EXTERNAL],
    "webhooks": {"disabledEndpoints": 0, "failingEndpoints": 0, "waiting": 0, "overdueSeconds": 0},
    "invariants": [{"invariant": "I1", "violations": 0, "checkedAt": AT}],
    "workers": ["1@worker-1", "1@worker-2"],
}


def queue(name: str, waiting: int, oldest: int) -> dict[str, Any]:
    return {"queues": [{"name": name, "waiting": waiting, "oldestSeconds": oldest}]}


def system(name: str, unanswered: int, oldest: int) -> dict[str, Any]:
    return {"externalSystems": [{"name": name, "unanswered": unanswered, "oldestSeconds": oldest}]}


def webhooks(**found: int) -> dict[str, Any]:
    return {"webhooks": {**HEALTHY["webhooks"], **found}}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_when_all_is_well_every_sentence_is_good(language: str) -> None:
    assert [each.state for each in sentences(HEALTHY, texts(language))] == ["good"] * 9


@pytest.mark.parametrize(
    ("change", "state", "text"),
    [
        ({"invariants": []}, "wait", "The reconciler has not run yet."),
        (
            {"invariants": [{"invariant": "I7", "violations": 3, "checkedAt": AT}]},
            "bad",
            "found violations (31 Jan 2026, 12:00 UTC): workflows of orders, I7 (3).",
        ),
        (queue("commands", 4, 5), "wait", "Commands that wait for Temporal: 4, the oldest for 5 seconds."),
        (queue("commands", 4, 240), "bad", "Commands that wait for Temporal: 4, the oldest for 4 minutes."),
        (queue("events", 2, 7200), "bad", "Messages to buyers that wait: 2, the oldest for 2 hours."),
        (system("sms", 1, 90), "bad", "SMS that the gateway has not accepted: 1, the oldest for 2 minutes."),
        (system("provider_payments", 1, 10), "wait", "has not answered: 1, the oldest for 10 seconds."),
        (webhooks(disabledEndpoints=2), "bad", "because they failed or asked for no more messages: 2."),
        (webhooks(failingEndpoints=1), "wait", "Webhook endpoints that take no message at present: 1."),
        (webhooks(waiting=3, overdueSeconds=60), "wait", "Webhooks that wait for their first or next attempt: 3."),
        (webhooks(waiting=3, overdueSeconds=240), "bad", "the oldest one should have been sent 4 minutes ago."),
        ({"workers": []}, "bad", "No worker asks Temporal for work."),
        ({"workers": None}, "bad", "Temporal does not answer."),
    ],
)
def test_what_is_not_well(change: dict[str, Any], state: str, text: str) -> None:
    shown = [each for each in sentences({**HEALTHY, **change}, texts("en")) if each.state != "good"]
    assert [each.state for each in shown] == [state]
    assert text in shown[0].text
