"""The test cards run: places one order with each test card and phone and reads the provider's ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2

from sandbox.demo.buyers import Buyer, Order, UnexpectedResponse, expect, get_order, wait_until_final
from sandbox.demo.card_results import REFUND_BEHAVIOURS, CardCase, CardResult
from sandbox.standins.controls import LedgerItem
from sandbox.standins.provider.test_cards import Behaviour, Method
from services import db

#: Orders in flight; most of them wait.
MAX_CONCURRENT = 14
#: Seconds to wait for a condition of an order.
TIMEOUT = 60.0
#: Seconds between two decisions of the operator. After an error the provider is not called for five seconds.
RESOLVE_INTERVAL = 5.5
#: Suffix of a card token that is charged after 3 s, so that its order can be cancelled before.
DELAYED = "_3"
#: Reference of the operator's manual refund.
MANUAL_REFUND = "bank transfer 4711"
_MANUAL_REFUNDS = (
    "SELECT order_id::text, sum(amount_minor)::bigint FROM payments.refunds"
    " WHERE manual_reference IS NOT NULL GROUP BY order_id"
)


@dataclass(frozen=True)
class CardRun:
    """The system under test: API client, buyer, product id, sandbox URL, database URL, operator's access token."""

    http: httpx2.Client
    buyer: Buyer
    product: str
    sandbox: str
    database: str
    operator_token: str

    def run(self, cases: list[CardCase], finished: Callable[[], object]) -> list[CardResult]:
        """Place one order for each case and wait until it is final.

        Args:
            cases: the cards and phones.
            finished: called after each order.

        Returns:
            One result for each case; an order that does not become final has a result that does not balance.
        """

        def one(case: CardCase) -> Order:
            order = self._run_case(case)
            finished()
            return order

        with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
            orders = list(pool.map(one, cases))
        manual = _manual_refunds(self.database)
        return [
            CardResult(case, order, self._charges(order), manual.get(order["id"], 0))
            for case, order in zip(cases, orders, strict=True)
        ]

    def _run_case(self, case: CardCase) -> Order:
        order_id = self._place(case)
        try:
            if case.behaviour is Behaviour.CONFIRMS_ON_PAGE:
                self._approve(order_id)
            if case.behaviour in REFUND_BEHAVIOURS:
                self._cancel(order_id)
            if case.behaviour is Behaviour.REFUND_FAILS:
                self._resolve(order_id, action="mark_done", reference=MANUAL_REFUND)
            if case.behaviour is Behaviour.REFUND_FAILS_TWICE:
                self._resolve(order_id, action="retry")
            return wait_until_final(self.http, self.buyer, order_id)
        except UnexpectedResponse:
            return get_order(self.http, self.buyer, order_id)

    def _place(self, case: CardCase) -> str:
        body = {
            "productId": self.product,
            "country": "GB",
            "region": "England",
            "city": "London",
            "street": "1 Test Street",
            case.method: case.value,
        }
        headers = self.buyer.headers(key=f"test-card-{case.value}")
        return str(expect(self.http.post("/orders", json=body, headers=headers), 201)["orderId"])

    def _approve(self, order_id: str) -> None:
        url = _confirmation_url(self._wait_for(order_id, lambda order: bool(_confirmation_url(order))))
        httpx2.post(url, data={"decision": "approve"})

    def _cancel(self, order_id: str) -> None:
        self._wait_for(order_id, lambda order: order["status"] == "payment_pending")
        expect(self.http.post(f"/orders/{order_id}/cancel", json={}, headers=self.buyer.headers()), 200, 202)

    def _resolve(self, order_id: str, **decision: str) -> None:
        """Resolve the order as an operator, again while it needs attention, until it is cancelled."""
        operator = Buyer("operator", email=None, phone=None, token=self.operator_token)
        while True:
            order = self._wait_for(order_id, _needs_decision, operator)
            if order["status"] == "cancelled":
                return
            # 409: the order no longer needs a decision
            resolved = self.http.post(f"/orders/{order_id}/resolve", json=decision, headers=operator.headers())
            expect(resolved, 200, 409)
            time.sleep(RESOLVE_INTERVAL)

    def _wait_for(self, order_id: str, condition: Callable[[Order], bool], reader: Buyer | None = None) -> Order:
        """The order as `reader` (by default the buyer) sees it, once the condition is true."""
        deadline = time.monotonic() + TIMEOUT
        while not condition(order := get_order(self.http, reader or self.buyer, order_id)):
            if time.monotonic() > deadline:
                raise UnexpectedResponse(f"order {order_id} is still {order['status']} after {TIMEOUT:.0f} s")
            time.sleep(0.1)
        return order

    def _charges(self, order: Order) -> list[LedgerItem]:
        if order["payment"] is None:
            return []
        response = httpx2.get(f"{self.sandbox}/ledger", params={"reference": order["payment"]["paymentId"]})
        charges: list[LedgerItem] = response.json()["items"]
        return charges


def card_cases(test_cards: list[dict[str, str]]) -> list[CardCase]:
    """The first card and phone of each behaviour; cards with a refund behaviour are charged with a delay."""
    found: dict[tuple[str, str], CardCase] = {}
    for card in test_cards:
        case = CardCase(card["value"], Method(card["method"]), Behaviour(card["behaviour"]))
        found.setdefault((case.method, case.behaviour), case)
    return [_delayed(case) for case in found.values()]


def _delayed(case: CardCase) -> CardCase:
    if case.method is Method.PHONE or case.behaviour not in REFUND_BEHAVIOURS:
        return case
    return CardCase(case.value + DELAYED, case.method, case.behaviour)


def _needs_decision(order: Order) -> bool:
    return bool(order.get("needsAttention")) or order["status"] == "cancelled"


def _confirmation_url(order: Order) -> str:
    return (order["payment"] and order["payment"].get("confirmationUrl")) or ""


def _manual_refunds(database: str) -> dict[str, int]:
    """Manually refunded minor units by order id, from our tables."""
    tables = db.connect(database, pool_size=1)
    try:
        return {order_id: int(minor) for order_id, minor in tables.fetch_all(_MANUAL_REFUNDS)}
    finally:
        tables.close()
