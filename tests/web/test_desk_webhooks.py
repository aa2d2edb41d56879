"""Outgoing webhooks on the desk, without script, on the real API."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.bootstrap import Services
from services.clock import new_id
from services.webhooks.status import DisabledReason, WebhookEventType
from services.webhooks.views import DeliveryFilter
from tests.services.webhooks.builders import an_event
from tests.web.desk import an_operator
from tests.web.visitor import Visitor, hidden
from web.desk.webhook_words import ERRORS, EVENTS, STATUSES, delivery_text, next_attempt_text, result_text
from web.languages import texts

URL = "http://127.0.0.1:9999/hooks"
LIST, LOG = "/desk/webhooks", "/desk/webhook-deliveries"
SENDING = Path(__file__).resolve().parents[2] / "services" / "webhooks" / "sending.py"


@pytest.fixture
async def operator(visitor: Visitor, services: Services) -> Visitor:
    return await an_operator(visitor, services)


async def add(operator: Visitor, *events: str, url: str = URL, key: str = "") -> str:
    """Add an endpoint by the form; returns the page that answers it."""
    kinds = dict.fromkeys(events or EVENTS, "1")
    answer = await operator.send(LIST, url=url, description="ERP", key=key or str(new_id()), **kinds)
    assert answer.status_code == 200, answer.text
    return answer.text


def secret_of(page: str) -> list[str]:
    return re.findall(r"<code>(whsec_[^<]+)</code>", page)


def queue(services: Services, count: int = 1) -> list[UUID]:
    """Queue events for every endpoint; returns the deliveries, newest first."""
    with services.database.transaction() as tx:
        services.webhooks.queue([an_event(new_id()) for _ in range(count)], tx)
    return [each.id for each in services.webhooks.before(DeliveryFilter(), None, 100)]


def only(services: Services) -> UUID:
    """The one endpoint that there is."""
    (endpoint,) = services.webhook_endpoints.after()
    return endpoint.id


def fail(services: Services, status: int = 503) -> None:
    """Let every delivery have failed for good."""
    services.database.execute(
        "UPDATE webhooks.deliveries SET status = 'failed', tries = 10, attempts = 10, finished_at = now(),"
        " last_status = %(status)s, last_error = 'HTTP 503'",
        {"status": status},
    )


async def test_T226_an_endpoint_is_added_and_its_secret_is_shown_once(operator: Visitor, services: Services) -> None:
    assert "There is no endpoint yet." in await operator.open(LIST)
    page = await add(operator, "order.paid", "order.refunded", key="once")
    [secret] = secret_of(page)
    [endpoint] = services.webhook_endpoints.after()
    assert (endpoint.url, endpoint.description) == (URL, "ERP")
    assert endpoint.event_types == (WebhookEventType.PAID, WebhookEventType.REFUNDED)
    shown = await operator.open(f"{LIST}/{endpoint.id}")
    assert "Payment received, Money returned" in shown
    for later in (shown, await operator.open(LIST), await add(operator, "order.paid", "order.refunded", key="once")):
        assert secret not in later
        assert not secret_of(later)
    assert [each.id for each in services.webhook_endpoints.after()] == [endpoint.id]


@pytest.mark.parametrize(
    ("url", "events", "text"),
    [
        ("http://169.254.169.254/", EVENTS, "The host is, or has, an address that is not public."),
        ("ftp://8.8.8.8/", EVENTS, "This must be a URL with https"),
        (URL, (), "Choose one or more."),
    ],
    ids=["metadata", "scheme", "no-event"],
)
async def test_T220_what_the_api_refuses_is_said_at_its_field(
    operator: Visitor, services: Services, url: str, events: tuple[str, ...], text: str
) -> None:
    answer = await operator.send(LIST, url=url, description="kept", **dict.fromkeys(events, "1"))
    assert answer.status_code == 422
    assert text in answer.text
    assert f'value="{url}"' in answer.text
    assert services.webhook_endpoints.after() == []
    await add(operator)
    changed = await operator.send(f"{LIST}/{only(services)}/change", url=url, **dict.fromkeys(events, "1"))
    assert (changed.status_code, text in changed.text) == (422, True)
    assert services.webhook_endpoints.after()[0].url == URL


async def test_an_endpoint_is_changed_disabled_enabled_and_deleted(operator: Visitor, services: Services) -> None:
    await add(operator)
    one = f"{LIST}/{only(services)}"
    fields = {"url": f"{URL}/2", "description": "", "order.paid": "1"}
    assert (await operator.send(f"{one}/change", **fields)).headers["Location"] == f"{one}?done=change"
    [endpoint] = services.webhook_endpoints.after()
    assert (endpoint.url, endpoint.description, endpoint.event_types) == (f"{URL}/2", "", (WebhookEventType.PAID,))
    assert (await operator.send(f"{one}/disable")).headers["Location"] == f"{one}?done=disable"
    page = await operator.open(f"{one}?done=disable")
    assert "An operator has disabled it" in page
    assert "Send failed messages again" not in page
    assert (await operator.send(f"{one}/enable")).headers["Location"] == f"{one}?done=enable"
    assert services.webhook_endpoints.get(endpoint.id).disabled_reason is None
    queue(services)
    assert (await operator.send(f"{one}/delete")).headers["Location"] == f"{LIST}?done=delete"
    assert services.webhook_endpoints.after() == []
    assert services.webhooks.before(DeliveryFilter(), None, 10) == []
    assert (await operator.http.get(one)).status_code == 404


async def test_a_secret_is_rotated_and_the_one_before_signs_too(operator: Visitor, services: Services) -> None:
    [first] = secret_of(await add(operator))
    one = f"{LIST}/{only(services)}"
    form = {"key": hidden(await operator.open(one), "key"), "hours": "72"}
    [second] = secret_of((await operator.send(f"{one}/secret", **form)).text)
    again = (await operator.send(f"{one}/secret", **form)).text
    assert first != second
    assert not secret_of(again)
    assert "make another one" in again
    until = services.webhook_endpoints.get(only(services)).previous_secret_until
    assert until is not None
    assert abs(until - datetime.now(UTC) - timedelta(hours=72)) < timedelta(minutes=1)
    assert "The previous secret also signs until" in await operator.open(one)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (DisabledReason.GONE, "because it answered 410"),
        (DisabledReason.FAILING, "no attempt succeeded for three days"),
    ],
)
async def test_a_dead_endpoint_says_why_and_since_when(
    operator: Visitor, services: Services, reason: DisabledReason, text: str
) -> None:
    await add(operator)
    services.database.execute(
        "UPDATE webhooks.endpoints SET failing_since = '2026-03-01 09:00Z' WHERE disabled_reason IS NULL"
    )
    page = await operator.open(LIST)
    assert "but no attempt succeeds" in page
    assert "1 Mar 2026, 09:00 UTC" in page
    services.database.execute(
        "UPDATE webhooks.endpoints SET disabled_reason = %(reason)s, disabled_at = '2026-03-04 09:00Z'",
        {"reason": reason},
    )
    for page in (await operator.open(LIST), await operator.open(f"{LIST}/{only(services)}")):
        assert text in page
        assert "4 Mar 2026, 09:00 UTC" in page


async def test_the_log_is_filtered_by_endpoint_and_status(operator: Visitor, services: Services) -> None:
    await add(operator)
    first = only(services)
    queue(services, 2)
    fail(services)
    await add(operator, url=f"{URL}/2")
    second = next(each.id for each in services.webhook_endpoints.after() if each.id != first)
    queue(services)

    async def listed(**query: str) -> int:
        page = (await operator.http.get(LOG, params=query)).text
        return page.count(f'href="{LOG}/')

    assert await listed() == 4
    assert await listed(endpoint=str(first)) == 3
    assert await listed(endpoint=str(second), status="waiting") == 1
    assert await listed(status="failed") == 2
    assert await listed(status="skipped") == 0
    assert await listed(endpoint="x", status="y") == 4
    assert "Failed, 10 attempts. It is not sent again by itself." in await operator.open(LOG)


async def test_more_deliveries_than_a_page_has(
    operator: Visitor, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(operator)
    monkeypatch.setattr("web.desk.webhook_deliveries.PAGE", 2)
    found = queue(services, 3)
    page = await operator.open(f"{LOG}?status=waiting")
    (following,) = re.findall(rf'href="({LOG}\?[^"]+)" rel="next"', page)
    second = await operator.open(following.replace("&amp;", "&"))
    assert [str(each) in page for each in found] == [True, True, False]
    assert [str(each) in second for each in found] == [False, False, True]


async def test_a_delivery_shows_its_attempts_and_is_sent_again(operator: Visitor, services: Services) -> None:
    await add(operator)
    [delivery_id] = queue(services)
    fail(services)
    for number, status, error in ((1, 503, "HTTP 503"), (2, None, "no answer within 15 s")):
        services.database.execute(
            "INSERT INTO webhooks.attempts (delivery_id, number, at, status, duration, error)"
            " VALUES (%(id)s, %(number)s, now(), %(status)s, 120, %(error)s)",
            {"id": delivery_id, "number": number, "status": status, "error": error},
        )
    one = f"{LOG}/{delivery_id}"
    page = await operator.open(one)
    for text in ("The receiver answered 503.", "did not answer in time", "after 120 ms", "&#34;order.paid&#34;"):
        assert text in page
    assert (await operator.send(f"{one}/redeliver")).headers["Location"] == f"{one}?done=redeliver"
    found = services.webhooks.get(delivery_id)[0]
    assert found.status == "waiting"
    assert "It is due now." in await operator.open(f"{one}?done=redeliver")


async def test_nothing_is_sent_to_a_disabled_endpoint(operator: Visitor, services: Services) -> None:
    await add(operator)
    [delivery_id] = queue(services)
    one = f"{LIST}/{only(services)}"
    await operator.send(f"{one}/disable")
    page = await operator.open(f"{LOG}/{delivery_id}")
    assert "The endpoint is disabled. Enable it first." in page
    assert f'action="{LOG}/{delivery_id}/redeliver"' not in page
    for path in (f"{LOG}/{delivery_id}/redeliver", f"{one}/redeliver"):
        refused = await operator.send(path)
        assert (refused.status_code, "This cannot be sent now" in refused.text) == (409, True), path
    operator.http.headers["Accept-Language"] = "ru"
    assert "Сначала включите его." in (await operator.send(f"{one}/redeliver")).text
    assert services.webhooks.get(delivery_id)[0].status == "skipped"


async def test_everything_that_failed_is_sent_again(operator: Visitor, services: Services) -> None:
    await add(operator)
    queue(services, 3)
    fail(services)
    services.database.execute(
        "UPDATE webhooks.deliveries SET created_at = now() - interval '2 days'"
        " WHERE id = (SELECT id FROM webhooks.deliveries ORDER BY id LIMIT 1)"
    )
    one = f"{LIST}/{only(services)}"
    counts = []
    for hours in ("1", "72"):
        answer = await operator.send(f"{one}/redeliver", hours=hours)
        counts.append(answer.headers["Location"])
    assert counts == [f"{one}?done=redeliver&count=2", f"{one}?done=redeliver&count=1"]
    assert "2 messages are sent again." in await operator.open(counts[0])
    assert "0 messages are sent again." in await operator.open(f"{one}?done=redeliver&count=x")


def test_deliveries_in_words() -> None:
    waiting = {
        "status": "waiting",
        "attempts": 1,
        "lastResponseStatus": None,
        "lastError": "the connection was refused",
    }
    assert delivery_text(waiting, texts("en")) == (
        "Not delivered yet, 1 attempt so far. Last attempt: The receiver refused the connection."
    )
    never = {"status": "waiting", "attempts": 0, "lastResponseStatus": None, "lastError": None}
    assert delivery_text(never, texts("ru")) == "Ещё не доставлено, 0 попыток."
    at = (datetime.now(UTC) + timedelta(hours=2, minutes=1)).isoformat()
    assert next_attempt_text({"nextAttemptAt": at}, texts("en")) == "It is sent again in 2 hours."
    soon = (datetime.now(UTC) + timedelta(seconds=61)).isoformat()
    assert next_attempt_text({"nextAttemptAt": soon}, texts("ru")) == "Следующая попытка через 1 минуту."
    assert next_attempt_text({"nextAttemptAt": datetime.now(UTC).isoformat()}, texts("en")) == "It is due now."
    assert next_attempt_text({"nextAttemptAt": None}, texts("en")) is None
    assert result_text(None, "something new", texts("en")) == "No answer: something new."


def test_every_error_that_the_sender_writes_has_a_text() -> None:
    written = re.findall(r'(?:Answer\(None, f?|return )"([a-z][^"{]+)', SENDING.read_text(), re.IGNORECASE)
    assert len(written) == 8
    shown = {text: result_text(None, text, texts("en")) for text in written}
    assert [text for text, words in shown.items() if words.startswith("No answer:")] == []
    assert len(set(shown.values())) == len(ERRORS) == 7


def test_the_desk_knows_every_event_and_status() -> None:
    assert list(EVENTS) == [*WebhookEventType]
    assert set(STATUSES) == {"waiting", "delivered", "failed", "skipped"}
