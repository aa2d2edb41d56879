"""The health of the shop in sentences, from `GET /operations/overview`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from web.formatting import age, moment, relative
from web.languages import Texts

#: Seconds after which something that waits is shown as a fault: each of them is normally served within seconds.
SLOW = 60
EXTERNAL = ("provider_payments", "provider_refunds", "email", "sms")


@dataclass(frozen=True)
class Sentence:
    """One sentence; `state` is `good`, `wait` or `bad`, the class of its notice."""

    state: str
    text: str


def sentences(overview: Mapping[str, Any], texts: Texts) -> list[Sentence]:
    """Every part of the shop, the reconciler first."""
    queues = overview["queues"]
    return [
        _reconciliation(overview["invariants"], texts),
        _queue("commands", [each for each in queues if each["name"] == "commands"], texts),
        _queue("messages", [each for each in queues if each["name"] != "commands"], texts),
        *_external(overview["externalSystems"], texts),
        *_webhooks(overview["webhooks"], texts),
        _workers(overview["workers"], texts),
    ]


def _reconciliation(results: list[Mapping[str, Any]], texts: Texts) -> Sentence:
    if not results:
        return Sentence("wait", texts("desk.health.never_reconciled"))
    at = moment(min(each["checkedAt"] for each in results), texts.language)
    violated = [_violated(each, texts) for each in results if each["violations"]]
    if violated:
        return Sentence("bad", texts("desk.health.violated", at=at, invariants="; ".join(violated)))
    return Sentence("good", texts("desk.health.reconciled", at=at))


def _violated(result: Mapping[str, Any], texts: Texts) -> str:
    """What does not hold, with the id by which the runbook and the report of `reconcile` name it."""
    words = texts.find(f"desk.invariant.{result['invariant']}")
    return f"{words + ', ' if words else ''}{result['invariant']} ({result['violations']})"


def _queue(name: str, queues: list[Mapping[str, Any]], texts: Texts) -> Sentence:
    waiting = [each for each in queues if each["waiting"]]
    if not waiting:
        return Sentence("good", texts(f"desk.health.no_{name}"))
    count, oldest = sum(each["waiting"] for each in waiting), max(each["oldestSeconds"] for each in waiting)
    return _waiting(f"desk.health.{name}", count, oldest, texts)


def _external(systems: list[Mapping[str, Any]], texts: Texts) -> Iterator[Sentence]:
    by_name = {each["name"]: each for each in systems}
    for name in EXTERNAL:
        system = by_name.get(name)
        if system and system["unanswered"]:
            yield _waiting(f"desk.health.{name}", system["unanswered"], system["oldestSeconds"], texts)
        elif system:
            yield Sentence("good", texts(f"desk.health.{name}_good"))


def _webhooks(found: Mapping[str, int], texts: Texts) -> Iterator[Sentence]:
    """What is wrong with outgoing webhooks, or that nothing is."""
    waiting, overdue = found["waiting"], found["overdueSeconds"]
    if found["disabledEndpoints"]:
        yield Sentence("bad", texts("desk.health.webhooks_disabled", count=found["disabledEndpoints"]))
    if found["failingEndpoints"]:
        yield Sentence("wait", texts("desk.health.webhooks_failing", count=found["failingEndpoints"]))
    if overdue > SLOW:
        text = texts("desk.health.webhooks_overdue", count=waiting, when=relative(-overdue, texts.language))
        yield Sentence("bad", text)
    elif waiting:
        yield Sentence("wait", texts("desk.health.webhooks_waiting", count=waiting))
    if not (waiting or found["disabledEndpoints"] or found["failingEndpoints"]):
        yield Sentence("good", texts("desk.health.webhooks_good"))


def _workers(workers: list[str] | None, texts: Texts) -> Sentence:
    if workers is None:
        return Sentence("bad", texts("desk.health.no_temporal"))
    if not workers:
        return Sentence("bad", texts("desk.health.no_workers"))
    return Sentence("good", texts("desk.health.workers", names=", ".join(workers)))


def _waiting(name: str, count: int, oldest: int, texts: Texts) -> Sentence:
    state = "bad" if oldest > SLOW else "wait"
    return Sentence(state, texts(name, count=count, age=age(oldest, texts.language)))
