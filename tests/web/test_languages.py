"""The texts: the same names in every language, and none missing that a template or the code uses."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from pathlib import Path

import pytest

from api.orders.comparison import ProviderStatus
from services.notifications.status import NotificationChannel, NotificationStatus
from services.notifications.views import OrderEvent
from services.orders.status import (
    FOR_OPERATORS,
    NO_PROGRESS,
    NO_WORKER,
    PAYMENT_REVIEW,
    WORKFLOW_FAILING,
    WORKFLOW_LOST,
    CancelReason,
    OperatorAction,
    OrderEventType,
    OrderStatus,
    ResolveAction,
    ResolveStep,
    UndoStep,
)
from services.payments.status import PaymentStatus, RefundStatus
from services.reservations.status import ReservationStatus
from services.webhooks.status import DeliveryStatus, DisabledReason, WebhookEventType
from web.desk.health import EXTERNAL
from web.desk.webhook_words import ERRORS
from web.desk.webhooks import OVERLAPS, PERIODS
from web.desk.words import LATE_REFUND, step_of
from web.languages import LANGUAGES, language_of, texts

WEB = Path(__file__).resolve().parents[2] / "web"
# Not the first part of a name that is put together.
_USED = re.compile(r'\bt(?:exts)?\(\s*"([a-z_.-]+)"(?!\s*~)')
#: The plural forms that CLDR has for integers.
FORMS = {"en": {"one", "other"}, "ru": {"one", "few", "many", "other"}}


def test_every_language_has_the_same_texts() -> None:
    plural = re.compile(r"\.(one|few|many|other)$")
    names = [{plural.sub("", name) for name in texts(language).by_name} for language in LANGUAGES]
    assert names[0] == names[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_the_same_in_every_language(language: str) -> None:
    english = texts("en").by_name
    for name, text in texts(language).by_name.items():
        reference = english.get(name) or english[name.rpartition(".")[0] + ".other"]
        assert fields(text) == fields(reference), name


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_counted_texts_have_every_form(language: str) -> None:
    for name in (
        "stock.few",
        "basket.gone",
        "desk.units",
        "factor.left",
        "webhooks.attempts",
        "webhooks.done.redeliver",
    ):
        found = {key.rpartition(".")[2] for key in texts(language).by_name if key.startswith(f"{name}.")}
        assert found == FORMS[language]


def test_templates_and_code_use_texts_that_exist() -> None:
    files = [*WEB.rglob("*.html"), *WEB.rglob("*.py")]
    used = {name for file in files for name in _USED.findall(file.read_text())}
    assert len(used) > 50
    assert used <= set(texts("en").by_name)


def test_every_status_reason_and_event_of_the_api_has_a_text() -> None:
    known = texts("en").by_name
    assert {f"status.{status}" for status in OrderStatus} <= set(known)
    assert {f"sentence.{status}" for status in OrderStatus} <= set(known)
    assert {f"sentence.cancelled_{reason}" for reason in CancelReason} <= set(known)
    assert {f"event.{event}" for event in OrderEventType if event not in FOR_OPERATORS} <= set(known)


@pytest.mark.parametrize(
    ("prefix", "codes"),
    [
        ("event", [each for each in OrderEventType if each not in FOR_OPERATORS]),
        ("desk.event", FOR_OPERATORS),
        ("desk.decision", ResolveAction),
        ("desk.action", OperatorAction),
        ("desk.done", [*ResolveAction, "cancel", "refund"]),
        ("desk.reason", [*UndoStep, PAYMENT_REVIEW, WORKFLOW_LOST, WORKFLOW_FAILING, NO_WORKER, NO_PROGRESS]),
        ("desk.advice", [*UndoStep, PAYMENT_REVIEW, WORKFLOW_LOST, WORKFLOW_FAILING, NO_WORKER, NO_PROGRESS]),
        ("desk.retry_consequence", ["undo", *(each for each in ResolveStep if each not in [*UndoStep])]),
        ("desk.cancel_reason", CancelReason),
        ("desk.payment_status", PaymentStatus),
        ("desk.provider_status", ProviderStatus),
        ("desk.refund_status", RefundStatus),
        ("desk.reservation", [*ReservationStatus, "none"]),
        ("desk.template", [f"order_{each}" for each in OrderEvent]),
        ("desk.message", NotificationStatus),
        ("sandbox", NotificationChannel),
        ("desk.health", [*EXTERNAL, *(f"{each}_good" for each in EXTERNAL)]),
        ("desk.health", ["commands", "no_commands", "messages", "no_messages"]),
        ("webhooks.event", [each.partition(".")[2] for each in WebhookEventType]),
        ("webhooks.status", DeliveryStatus),
        ("webhooks.delivery", DeliveryStatus),
        ("webhooks.disabled", DisabledReason),
        ("webhooks.state", ["enabled", "failing", "disabled"]),
        ("webhooks.error", [*ERRORS.values(), "other"]),
        ("webhooks.hours", map(str, {*OVERLAPS, *PERIODS})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_code_that_the_desk_shows_has_a_text(prefix: str, codes: Iterable[str]) -> None:
    assert {f"{prefix}.{code}" for code in codes} <= set(texts("en").by_name)


@pytest.mark.parametrize(
    ("reason", "step"),
    [*((each, each) for each in ResolveStep if each != "refund_late_payment"),
     (f"{LATE_REFUND}1", "refund_late_payment"), (WORKFLOW_FAILING, None), (NO_WORKER, None)],
)  # fmt: skip
def test_the_desk_knows_which_reasons_can_be_resolved(reason: str, step: str | None) -> None:
    assert (step_of(reason), ResolveStep.of(reason)) == (step, step)


@pytest.mark.parametrize(
    ("cookie", "accepted", "expected"),
    [
        (None, None, "ru"),
        (None, "de", "ru"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "ru;q=0.1, en;q=0.2", "en"),
        (None, "en;q=x, ru", "ru"),
        ("en", "ru", "en"),
        ("xx", "en", "en"),
        (None, "en;q=0", "ru"),
    ],
)
def test_the_language_of_a_visitor(cookie: str | None, accepted: str | None, expected: str) -> None:
    assert language_of(cookie, accepted) == expected
