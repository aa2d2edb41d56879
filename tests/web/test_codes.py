"""No code is shown raw: what the system, the payment provider and the senders of messages can say has words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.access.operations import OPERATIONS
from sandbox.standins.provider import scenarios
from services.bootstrap import Services
from services.notifications.budget import OVER_RECIPIENT, OVER_SHOP
from services.notifications.ports import UnconfiguredSender
from services.notifications.rendering import Templates
from services.notifications.views import OrderEvent, OrderNotification
from services.orders.status import CancelReason, OperatorAction, OrderEventType, ResolveAction, ResolveStep
from services.payments.status import FailureCode
from tests.api.shop import pay, reserve, undo
from tests.web.desk import an_operator, an_order
from tests.web.visitor import Visitor
from web.api_operations import TEMPLATES
from web.desk.failures import MESSAGE_PROBLEMS, Failure, message_problem, payment_failure, refund_failure
from web.desk.words import entry
from web.languages import LANGUAGES, Texts, texts

ROOT = Path(__file__).resolve().parents[2]
NOTIFICATIONS = sorted((ROOT / "services" / "notifications").glob("*.py"))
#: https://yookassa.ru/developers/payment-acceptance/after-the-payment/declined-payments
PAYMENT_REASONS = [
    "3d_secure_failed",
    "call_issuer",
    "canceled_by_merchant",
    "card_expired",
    "country_forbidden",
    "deal_expired",
    "expired_on_capture",
    "expired_on_confirmation",
    "fraud_suspected",
    "general_decline",
    "identification_required",
    "insufficient_funds",
    "internal_timeout",
    "invalid_card_number",
    "invalid_csc",
    "issuer_unavailable",
    "payment_method_limit_exceeded",
    "payment_method_restricted",
    "permission_revoked",
    "unsupported_mobile_operator",
]
#: https://yookassa.ru/developers/payment-acceptance/after-the-payment/refunds
REFUND_REASONS = [
    "general_decline",
    "insufficient_funds",
    "rejected_by_payee",
    "rejected_by_timeout",
    "yoo_money_account_closed",
    "payment_basket_id_not_found",
    "payment_article_number_not_found",
    "payment_tru_code_not_found",
    "too_many_refunding_articles",
    "some_articles_already_refunded",
]
#: Codes of error responses that reject a request (https://yookassa.ru/developers/using-api/response-handling).
REJECTIONS = ["invalid_request", "not_supported", "not_found"]
OF_REFUNDS = [FailureCode.CANCELED, FailureCode.WRITTEN_OFF]
OF_PAYMENTS = [
    f"{code}_USD" if code is FailureCode.CAPTURED_OTHER_AMOUNT else str(code)
    for code in FailureCode
    if code is not FailureCode.WRITTEN_OFF
]
SIMULATED = re.findall(r'Status\.CANCELED, "(\w+)"', Path(scenarios.__file__).read_text())

each_language = pytest.mark.parametrize("language", LANGUAGES)


@each_language
@pytest.mark.parametrize(
    ("explain", "codes"),
    [
        (payment_failure, [*OF_PAYMENTS, *PAYMENT_REASONS, *REJECTIONS, *SIMULATED]),
        (refund_failure, [*OF_REFUNDS, *REFUND_REASONS, *REJECTIONS]),
    ],
    ids=["payment", "refund"],
)
def test_every_code_of_a_failure_has_words(language: str, explain: Any, codes: list[str]) -> None:
    words = {code: explain(code, texts(language)) for code in codes}
    unknown = texts(language)("desk.failure_unknown")
    assert [code for code, failure in words.items() if failure.text == unknown or code in failure.text] == []
    assert {code: failure.code for code, failure in words.items()} == {code: code for code in codes}
    assert explain("something_new", texts(language)) == Failure(unknown, "something_new")
    assert (explain(None, texts(language)), explain("", texts(language))) == (None, None)


def test_there_is_no_text_for_a_code_that_does_not_exist() -> None:
    codes = {
        "payment": [*OF_PAYMENTS, *PAYMENT_REASONS, *REJECTIONS],
        "refund": [*OF_REFUNDS, *REFUND_REASONS, *REJECTIONS],
    }
    for kind, known in codes.items():
        prefix = f"desk.{kind}_failure."
        named = {name.removeprefix(prefix) for name in texts("en").by_name if name.startswith(prefix)}
        assert named == {code.removesuffix("_USD") for code in known}


def test_the_same_word_of_the_provider_means_something_else_for_a_refund() -> None:
    """`insufficient_funds` is the buyer's money for a payment, and the shop's for a refund."""
    found = [explain("insufficient_funds", texts("en")) for explain in (payment_failure, refund_failure)]
    assert [failure.text for failure in found if failure] == [
        "The buyer has too little money.",
        "The shop's account at the payment provider has too little money.",
    ]


def delivery_problems() -> Iterator[str]:
    """Every text with which the senders of messages explain a failure; `x` stands for what is put into it."""
    yield from (OVER_RECIPIENT, OVER_SHOP)
    for variable in ("SMTP_URL", "SMS_URL"):
        yield str(UnconfiguredSender(variable).send(None).reason)
    for path in NOTIFICATIONS:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "DeliveryResult" and len(call.args) > 1:
                text = call.args[1]
                if isinstance(text, ast.Constant):
                    yield str(text.value)
                elif isinstance(text, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in text.values)


@each_language
def test_every_reason_why_a_message_is_not_sent_has_words(language: str) -> None:
    problems = list(delivery_problems())
    assert len(problems) == 19
    shown = {problem: message_problem(problem, texts(language)) for problem in problems}
    assert [problem for problem, failure in shown.items() if failure is None or failure.text == problem] == []
    assert len({failure.text for failure in shown.values() if failure}) == len(set(MESSAGE_PROBLEMS.values()))
    refused = message_problem("the mail server refused the address (550 5.1.1)", texts("en"))
    assert refused == Failure("The mail server refused the address.", "550 5.1.1")
    assert message_problem("something new", texts(language)) == Failure("something new")


@each_language
def test_every_invariant_has_a_name(language: str) -> None:
    checked = {
        found
        for path in (ROOT / "services" / "reconcile").rglob("*.py")
        for found in re.findall(r'"(I\d+)"', path.read_text())
    }
    assert len(checked) == 12
    assert {f"desk.invariant.{each}" for each in checked} == {
        name for name in texts(language).by_name if name.startswith("desk.invariant.")
    }


@each_language
def test_every_problem_that_the_pages_can_get_has_words(language: str) -> None:
    reached = {name: row for name, row in OPERATIONS.items() if name.partition(" ")[2] in TEMPLATES}
    assert len(reached) > len(TEMPLATES)
    named = {f"problem.{slug}.title" for row in reached.values() for slug in row.all_problems}
    assert named <= set(texts(language).by_name)


def timeline() -> Iterator[tuple[OrderEventType, str]]:
    """Every type of event, with the details that the system writes."""
    reasons = [*ResolveStep, "refund-1", "workflow_failing", "no_worker"]
    details = {
        OrderEventType.CANCELLING: [*CancelReason],
        OrderEventType.PAYMENT_FAILED: [*OF_PAYMENTS, *PAYMENT_REASONS],
        OrderEventType.REFUND_FAILED: [*OF_REFUNDS, *REFUND_REASONS],
        OrderEventType.ATTENTION_RAISED: [*reasons, *(f"refund_payment: {code}" for code in REFUND_REASONS)],
        OrderEventType.ATTENTION_CLEARED: reasons,
        OrderEventType.RESOLVED: [
            f"{step}: {action} by anna, 4711" for step in ResolveStep for action in ResolveAction
        ],
        OrderEventType.OPERATOR_ACTION: [f"{action} by anna, asked by phone" for action in OperatorAction],
    }
    for kind in OrderEventType:
        for detail in details.get(kind, [""]):
            yield kind, str(detail)


@each_language
def test_no_entry_of_the_timeline_shows_a_code_as_its_text(language: str) -> None:
    for kind, detail in timeline():
        shown = entry({"type": str(kind), "detail": detail}, texts(language))
        assert not re.search(r"[a-z]_[a-z]|refund-", f"{shown.text} {shown.note} {shown.who}"), (kind, detail)
        assert shown.text[0].isupper(), (kind, detail)
        if language == "ru":
            assert re.search("[а-я]", shown.text), (kind, detail)


@each_language
def test_the_messages_name_every_reason_of_a_cancellation(language: str) -> None:
    templates = Templates("Shop")
    order = {"firstName": "", "orderId": str(UUID(int=1)), "totalAmount": "1.00", "currency": "RUB"}
    mails = {templates.email("order_cancelled", language, {**order, "reason": each}).text for each in CancelReason}
    texts_of_sms = {templates.sms("order_cancelled", language, {**order, "reason": each}) for each in CancelReason}
    assert (len(mails), len(texts_of_sms)) == (len(CancelReason), len(CancelReason))
    assert not [text for text in mails | texts_of_sms if re.search(r"[a-z]_[a-z]", text)]


async def declined(visitor: Visitor, services: Services) -> UUID:
    """An order whose payment the provider declined."""
    order_id = await an_order(visitor, services, method="card:tok_declines")
    reserve(services, order_id)
    payment = pay(services, order_id)
    services.order_transitions.note(
        order_id, OrderEventType.PAYMENT_FAILED, "payment_failed:1", detail=payment.failure_code
    )
    undo(services, order_id, CancelReason.PAYMENT_DECLINED)
    return order_id


@each_language
async def test_the_desk_shows_words_and_the_code_beside_them(
    visitor: Visitor, stranger: Visitor, services: Services, language: str
) -> None:
    operator = await an_operator(stranger, services)
    await visitor.register()
    order_id = await declined(visitor, services)
    total = services.orders.get(order_id).total
    notice = OrderNotification(order_id, OrderEvent.CANCELLED, language, "a@example.com", (), "Anna", total)
    services.notifications.queue_order_notifications([notice])
    services.database.execute(
        "UPDATE notifications.notifications SET status = 'failed', error_message = 'the mail server refused us (530)'"
    )
    operator.http.headers["Accept-Language"] = language
    page, t = await operator.open(f"/desk/orders/{order_id}"), texts(language)
    assert page.count(t("desk.payment_failure.insufficient_funds")) == 2
    assert "insufficient_funds" not in re.sub(r"<code[^>]*>insufficient_funds</code>", "", page)
    assert f'{t("desk.message_problem.mail_refused_us")} <code class="quiet">530</code>' in page
    assert "refused us (530)" not in page


def test_texts_of_failures_are_sentences() -> None:
    for language in LANGUAGES:
        found: Texts = texts(language)
        for name, text in found.by_name.items():
            if name.startswith(("desk.payment_failure.", "desk.refund_failure.", "desk.message_problem.")):
                assert text.endswith("."), name
