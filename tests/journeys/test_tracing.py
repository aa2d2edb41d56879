"""One trace for each order: from the page or request through the workflow and its steps to SQL and the provider."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from sandbox.ports import LOOPBACK
from sandbox.settings import StackSettings
from tests.fakes.span_receiver import ReceivedSpan, SpanReceiver
from tests.journeys.canaries import events, logs
from tests.journeys.conftest import running
from tests.journeys.customers import ADDRESS, PASSWORD, Customer, answered
from tests.journeys.shop import CHEAP_PASSWORDS, Shop
from tests.journeys.waiting import TIMEOUT, until
from tests.monitoring.pages import pages
from tests.web.visitor import SAME_ORIGIN, hidden

#: Lines of an order with many of them.
LINES = 12
STEPS = ("reserve_stock", "charge_payment", "confirm_order")
#: A trace that a client would like to be part of.
FORGED = "4bf92f3577b34da6a3ce929d0e0e4736"
FORGING = {"traceparent": f"00-{FORGED}-00f067aa0ba902b7-01"}
#: The address of clients that are not in TRACE_SOURCES; all others of this machine are.
OUTSIDE = "127.0.0.2"
#: The address of the pages for buyers; this machine reaches them by their port.
PAGES = "http://127.0.0.1:8080"
#: What a visitor of the pages sends, and no span may have.
SEARCHED, TOKEN = "looked-for-on-a-page", "reset-token-of-a-person"


@pytest.fixture(scope="module")
def receiver() -> Iterator[SpanReceiver]:
    with SpanReceiver() as opened:
        yield opened


@pytest.fixture(scope="module")
def traced(receiver: SpanReceiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Workers and API as separate processes, both traced."""
    env = {**CHEAP_PASSWORDS, **tracing(receiver), "TRACE_SOURCES": LOOPBACK, "SHOP_ORIGINS": PAGES}
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("traced"))
    with running(replace(settings, separate=True, env=env)) as shop:
        yield shop
        assert shop.violations() == []


def tracing(receiver: SpanReceiver) -> dict[str, str]:
    """The settings of a traced process."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}


def moved_outside(customer: Customer) -> Customer:
    """The same customer, at an address that is not in TRACE_SOURCES."""
    before, transport = customer.http, httpx2.HTTPTransport(local_address=OUTSIDE)
    customer.http = httpx2.Client(
        transport=transport, base_url=before.base_url, headers=before.headers, timeout=TIMEOUT
    )
    before.close()
    return customer


def test_T240_one_trace_leads_from_the_request_to_sql_and_the_provider(traced: Shop, receiver: SpanReceiver) -> None:
    customer = moved_outside(traced.customer())
    headers = {**FORGING, "X-Request-Id": "mine"}
    answer = customer.post_order(traced.product(), card=traced.paying("card", "succeeds"), headers=headers)
    order_id = str(answered(answer, 201)["orderId"])
    assert answer.headers["x-request-id"] == "mine"
    assert customer.wait_for_end(order_id)["status"] == "confirmed"

    spans = _finished_trace(receiver, order_id)
    by_name = {span.name: span for span in spans.values()}
    root = by_name["POST /api/v1/orders"]
    assert (root.process, root.kind, root.parent_id) == ("marketplace-api", 2, "")
    assert root.attributes["http.route"] == "/api/v1/orders"
    assert root.attributes["http.response.status_code"] == 201
    assert _path(spans, by_name["RunWorkflow:OrderWorkflow"]) == ["StartWorkflow:OrderWorkflow", root.name]
    assert by_name["RunWorkflow:OrderWorkflow"].process == "marketplace-workers"
    for step in STEPS:
        path = _path(spans, by_name[f"RunActivity:{step}"])
        assert path[:2] == [f"StartActivity:{step}", "RunWorkflow:OrderWorkflow"]
    assert _path(spans, by_name["POST payments"])[0] == "RunActivity:charge_payment"
    above = {(_path(spans, span)[0], span.name) for span in spans.values() if "db.query.text" in span.attributes}
    assert (root.name, "INSERT orders.orders") in above
    assert ("RunActivity:reserve_stock", "INSERT reservations.reservations") in above
    assert {name for name, _ in above} >= {root.name, *(f"RunActivity:{step}" for step in STEPS)}
    assert receiver.trace(FORGED) == {}

    # The log lines of the order have the id of the trace.
    lines = [line for name in ("api.log", "workers.log") for line in _lines(traced, name)]
    ids = {(line["event"], line["trace_id"]) for line in lines if line.get("order_id") == order_id}
    assert ids == {(f"order.{step}", root.trace_id) for step in ("placed", "reserved", "payment_pending", "paid")} | {
        ("order.confirmed", root.trace_id)
    }


def test_T250_an_order_of_many_lines_takes_as_many_statements_as_one_of_one_line(
    traced: Shop, receiver: SpanReceiver
) -> None:
    customer, card = traced.customer(), traced.paying("card", "succeeds")
    products = [traced.product() for _ in range(LINES)]
    placed = [customer.place_many(chosen, card=card) for chosen in (products[:1], products)]
    assert [customer.wait_for_end(order_id)["status"] for order_id in placed] == ["confirmed"] * 2
    of_one, of_many = (_finished_trace(receiver, order_id).values() for order_id in placed)
    assert _statements(of_many) == _statements(of_one)
    assert _statements(of_one)["INSERT reservations.reservations"] == 1


def test_a_start_that_the_relay_delivers_belongs_to_the_trace_of_the_request(
    traced: Shop, receiver: SpanReceiver
) -> None:
    customer = traced.customer()
    product, card = traced.product(), traced.paying("card", "succeeds")
    traced.stack.stop("temporal")
    order_id = customer.place(product, card=card)
    traced.stack.stop("api")
    for component in ("temporal", "api"):
        traced.stack.start(component)
    assert customer.wait_for_end(order_id)["status"] == "confirmed"
    spans = _finished_trace(receiver, order_id)
    (run,) = [span for span in spans.values() if span.name == "RunWorkflow:OrderWorkflow"]
    assert _path(spans, run) == ["StartWorkflow:OrderWorkflow", "POST /api/v1/orders"]
    assert spans[run.parent_id].process == "marketplace-workers"


def test_a_webhook_and_a_problem_lead_to_the_trace_of_the_order(traced: Shop, receiver: SpanReceiver) -> None:
    customer = traced.customer()
    order_id = customer.place(traced.product(), card=traced.paying("card", "answers_later"))
    customer.wait_for_end(order_id)
    trace_id = _root(receiver, order_id).trace_id
    webhook = until(lambda: [span for span in receiver.spans() if trace_id in span.links])[0]
    assert webhook.name == "POST /api/v1/payments/webhooks/{gateway}"
    assert webhook.trace_id != trace_id

    problem = customer.http.get("/orders/01890a5d-ac96-774b-bcce-b302099a8057").json()
    until(lambda: receiver.trace(problem["traceId"]))


def test_T241_no_span_names_a_person_or_has_a_secret(traced: Shop, receiver: SpanReceiver) -> None:
    customer = traced.customer(phone="+79161234509")
    card = traced.paying("card", "declines")
    order_id = customer.place(traced.product(), card=card)
    assert customer.wait_for_end(order_id)["status"] == "cancelled"
    ticket = answered(customer.http.post(f"/orders/{order_id}/events/ticket"), 201)["ticket"]
    with customer.http.stream("GET", f"/orders/{order_id}/events?ticket={ticket}&q=Petrova"):
        pass
    customer.http.get("/products", params={"q": "looked-for-by-a-person"})
    customer.http.post("/auth/register/email", json={**customer.identifier, "password": PASSWORD})
    _finished_trace(receiver, order_id)
    until(lambda: [span for span in receiver.spans() if span.name == "POST /api/v1/auth/register/email"])
    token = customer.http.headers["Authorization"].removeprefix("Bearer ")
    secrets = traced.stack.environment
    values = [
        *(customer.address, customer.address.removeprefix("+"), PASSWORD, "Petrova", "Anna", card, token, ticket),
        *ADDRESS.values(),
        *("looked-for-by-a-person", "127.0.0.1:", "python-httpx"),
        *(secrets["SECRETS_KEY"], secrets["YOOKASSA_SECRET_KEY"]),
    ]
    text = "\n".join(span.text for span in receiver.spans())
    assert len(receiver.spans()) > 100
    assert [value for value in values if len(value) > 2 and value in text] == []


def test_T245_one_trace_leads_from_a_page_through_the_api_to_sql_and_the_provider(
    traced: Shop, receiver: SpanReceiver
) -> None:
    with pages(traced, WEB_URL=PAGES, **tracing(receiver)) as (visitor, _):
        visitor.headers.update({**SAME_ORIGIN, **FORGING, "Accept-Language": "en"})
        email = "anna.petrova.of.pages@example.com"
        person = {"firstName": "Anna", "lastName": "Petrova", "identifier": email, "password": PASSWORD}
        assert visitor.post("/register", data=person).status_code == 303
        assert visitor.post("/basket/add", data={"product": traced.product(), "quantity": "1"}).status_code == 303
        basket, card = visitor.get("/basket").text, traced.paying("card", "succeeds")
        form = {**ADDRESS, "method": f"card:{card}", "key": hidden(basket, "key"), "total": hidden(basket, "total")}
        placed = visitor.post("/orders", data=form)
        assert placed.status_code == 303, placed.text
        order_id = placed.headers["location"].rpartition("/")[2]
        assert traced.outcome(order_id) == "confirmed"
        for path in (f"/?q={SEARCHED}", f"/reset?token={TOKEN}", f"/orders/{order_id}", f"/{SEARCHED}"):
            visitor.get(path)
        visitor.post("/sign-in", data={"identifier": email, "password": f"not {PASSWORD}"})
        session = [*visitor.cookies.values()]

        spans = _finished_trace(receiver, order_id)
        until(lambda: [span for span in _of_pages(receiver) if span.name == "POST /sign-in"])

    root = _root(receiver, order_id)
    assert (root.process, root.name, root.kind) == ("marketplace-web", "POST /orders", 2)
    (placing,) = [s for s in spans.values() if s.process == "marketplace-api" and s.name == "POST /api/v1/orders"]
    call = spans[placing.parent_id]
    assert (call.process, call.name, call.kind, call.parent_id) == ("marketplace-web", placing.name, 3, root.span_id)
    assert call.attributes["url.template"] == placing.attributes["http.route"] == "/api/v1/orders"
    (run,) = [span for span in spans.values() if span.name == "RunWorkflow:OrderWorkflow"]
    assert _path(spans, run) == ["StartWorkflow:OrderWorkflow", placing.name, call.name, root.name]
    assert {span.process for span in spans.values()} == {"marketplace-web", "marketplace-api", "marketplace-workers"}
    assert {*(f"RunActivity:{step}" for step in STEPS), "INSERT orders.orders", "POST payments"} <= {
        span.name for span in spans.values()
    }

    assert receiver.trace(FORGED) == {}
    names = {span.name for span in _of_pages(receiver)}
    assert {"GET /", "GET /reset", "GET /orders/{order_id}", "GET /api/v1/orders/{orderId}", "GET"} <= names
    assert not {name for name in names if "readyz" in name or "static" in name}
    values = [email, "Anna", "Petrova", PASSWORD, card, SEARCHED, TOKEN, *ADDRESS.values(), *session, "python-httpx"]
    text = "\n".join(span.text for span in receiver.spans())
    assert [value for value in values if len(value) > 2 and value in text] == []
    assert order_id not in "\n".join(span.text for span in _of_pages(receiver))


def test_background_work_is_not_traced(traced: Shop, receiver: SpanReceiver) -> None:
    traced.wait_for_delivery()
    names = {span.name for span in receiver.spans()}
    rounds = {"relay_outbox", "dispatch_notifications", "dispatch_webhooks"}
    assert not {name for name in names if name.partition(":")[2] in rounds}
    assert not {name for name in names if "Periodic" in name or "readyz" in name}


def _of_pages(receiver: SpanReceiver) -> list[ReceivedSpan]:
    return [span for span in receiver.spans() if span.process == "marketplace-web"]


def _root(receiver: SpanReceiver, order_id: str) -> ReceivedSpan:
    def placing() -> list[ReceivedSpan]:
        runs = [s for s in receiver.spans() if s.attributes.get("temporalWorkflowID") == f"order-{order_id}"]
        traces = {span.trace_id for span in runs}
        return [span for span in receiver.spans() if span.trace_id in traces and not span.parent_id]

    (root,) = until(placing)
    return root


def _finished_trace(receiver: SpanReceiver, order_id: str) -> dict[str, ReceivedSpan]:
    """The trace of an order whose workflow has ended, by span; every parent is part of it."""
    trace_id = _root(receiver, order_id).trace_id

    def complete() -> bool:
        spans = receiver.trace(trace_id)
        ended = any(span.name == "RunWorkflow:OrderWorkflow" for span in spans.values())
        return ended and all(not span.parent_id or span.parent_id in spans for span in spans.values())

    until(complete)
    return receiver.trace(trace_id)


def _statements(spans: Iterable[ReceivedSpan]) -> Counter[str]:
    """How often each kind of statement was run, without those of the rate limits: a request takes several at once."""
    names = [span.name for span in spans if "db.query.text" in span.attributes]
    return Counter(name for name in names if " limits." not in name)


def _path(spans: dict[str, ReceivedSpan], span: ReceivedSpan) -> list[str]:
    """The names of the spans above one, nearest first."""
    names = []
    while span.parent_id:
        span = spans[span.parent_id]
        names.append(span.name)
    return names


def _lines(shop: Shop, name: str) -> list[dict[str, object]]:
    return [*events(logs(Path(shop.stack.settings.data_dir))[name])]
