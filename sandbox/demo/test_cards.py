"""One order by every test card and phone, seen to its end, and what the provider's own ledger says of its money."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2
from sqlalchemy import text

from sandbox.demo.buyers import Buyer, Refusal, ended, expect
from sandbox.standins.provider.test_cards import Behaviour, Method
from services import db
from services.db import Sessions
from services.money import Money

#: Orders under way at once; most of them only wait.
AT_ONCE = 14
#: Seconds that anything may take.
PATIENCE = 60.0
#: Seconds from one decision of an operator to the next: the provider is left alone for five after an error.
BETWEEN_TRIES = 5.5
#: What makes a card that pays at once wait, so that there is time to cancel its order.
WAITS = "_3"
#: How an operator gives money back that the provider will not.
BY_HAND = "bank transfer 4711"

REFUNDED = (Behaviour.REFUND_FAILS_TWICE, Behaviour.REFUND_FAILS)
CANCELLED = (Behaviour.DECLINES, Behaviour.WRONG_AMOUNT, *REFUNDED)


@dataclass(frozen=True)
class Trial:
    """One card or phone."""

    value: str
    method: Method
    behaviour: Behaviour

    @property
    def ends(self) -> str:
        """How an order paid by it has to end here: those whose refunds are looked at are cancelled."""
        return "cancelled" if self.behaviour in CANCELLED else "confirmed"


@dataclass(frozen=True)
class Result:
    """An order of a trial and the provider's charges for it; `by_hand` is what a person gave back, in minor units."""

    trial: Trial
    order: dict[str, Any]
    charges: list[dict[str, Any]]
    by_hand: int = 0

    @property
    def captures(self) -> int:
        """How often the provider took money."""
        return sum(int(charge["captures"]) for charge in self.charges)

    @property
    def charged(self) -> int:
        """Minor units that the provider took."""
        return sum(self._minor(charge["amount"]) * int(charge["captures"]) for charge in self.charges)

    @property
    def refunded(self) -> int:
        """Minor units that the provider gave back."""
        refunds = (refund for charge in self.charges for refund in charge["refunds"])
        return sum(self._minor(refund["amount"]) for refund in refunds if refund["status"] == "succeeded")

    @property
    def kept(self) -> int:
        """Minor units that the buyer is without."""
        return self.charged - self.refunded - self.by_hand

    @property
    def balances(self) -> bool:
        """Whether the order ended as it had to, was charged once at most, and its total is kept, or nothing."""
        owed = self._minor(self.order["totalAmount"]) if self.order["status"] == "confirmed" else 0
        return self.order["status"] == self.trial.ends and self.captures <= 1 and self.kept == owed

    def _minor(self, amount: str) -> int:
        return Money.parse(amount, self.order["currency"]).minor


@dataclass(frozen=True)
class Range:
    """Where trials are held: the API, a buyer, a product, the neighbours, the database, an operator's token."""

    http: httpx2.Client
    buyer: Buyer
    product: str
    sandbox: str
    database: str
    operator: str


def trials(scripts: list[dict[str, str]]) -> list[Trial]:
    """The first card and phone of each behaviour; cards whose refunds are looked at have to wait first."""
    found: dict[tuple[str, str], Trial] = {}
    for script in scripts:
        trial = Trial(script["value"], Method(script["method"]), Behaviour(script["behaviour"]))
        found.setdefault((trial.method, trial.behaviour), trial)
    return [_waiting(trial) for trial in found.values()]


def _waiting(trial: Trial) -> Trial:
    if trial.method is Method.PHONE or trial.behaviour not in REFUNDED:
        return trial
    return Trial(trial.value + WAITS, trial.method, trial.behaviour)


def try_all(where: Range, wanted: list[Trial], tried: Callable[[], object]) -> list[Result]:
    """Holds every trial; `tried` is called after each. A trial that does not end is a result that does not balance."""

    def one(trial: Trial) -> dict[str, Any]:
        order = _hold(where, trial)
        tried()
        return order

    with ThreadPoolExecutor(AT_ONCE) as pool:
        orders = list(pool.map(one, wanted))
    settled = _settled_by_hand(where.database)
    return [
        Result(trial, order, _charges(where.sandbox, order), settled.get(order["id"], 0))
        for trial, order in zip(wanted, orders, strict=True)
    ]


def _hold(where: Range, trial: Trial) -> dict[str, Any]:
    order_id = _place(where, trial)
    try:
        if trial.behaviour is Behaviour.CONFIRMS_ON_PAGE:
            _approve(where, order_id)
        if trial.behaviour in REFUNDED:
            _cancel(where, order_id)
        if trial.behaviour is Behaviour.REFUND_FAILS:
            _resolve(where, order_id, action="mark_done", reference=BY_HAND)
        if trial.behaviour is Behaviour.REFUND_FAILS_TWICE:
            _resolve(where, order_id, action="retry")
        return ended(where.http, where.buyer, order_id)
    except Refusal:
        return _order(where, order_id)


def _place(where: Range, trial: Trial) -> str:
    body = {
        "productId": where.product,
        "country": "GB",
        "region": "England",
        "city": "London",
        "street": "1 Trial Street",
        trial.method: trial.value,
    }
    headers = where.buyer.headers(key=f"trial-{trial.value}")
    return str(expect(where.http.post("/orders", json=body, headers=headers), 201)["orderId"])


def _approve(where: Range, order_id: str) -> None:
    waiting = _once(where, order_id, lambda order: bool((order["payment"] or {}).get("confirmationUrl")))
    httpx2.post(waiting["payment"]["confirmationUrl"], data={"decision": "approve"})


def _cancel(where: Range, order_id: str) -> None:
    _once(where, order_id, lambda order: order["status"] == "payment_pending")
    expect(where.http.post(f"/orders/{order_id}/cancel", json={}, headers=where.buyer.headers()), 200, 202)


def _resolve(where: Range, order_id: str, **decision: str) -> None:
    """As an operator does who is asked to: again and again, until the order is over, unless it is so by itself."""
    bearer = {"Authorization": f"Bearer {where.operator}"}
    while True:
        order = _once(where, order_id, lambda order: order["needsAttention"] or order["status"] == "cancelled")
        if order["status"] == "cancelled":
            return
        # 409: it went on by itself in between
        expect(where.http.post(f"/orders/{order_id}/resolve", json=decision, headers=bearer), 200, 409)
        time.sleep(BETWEEN_TRIES)


def _once(where: Range, order_id: str, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    ends = time.monotonic() + PATIENCE
    while not good(order := _order(where, order_id)):
        if time.monotonic() > ends:
            raise Refusal(f"order {order_id} is still {order['status']} after {PATIENCE:.0f} s")
        time.sleep(0.1)
    return order


def _order(where: Range, order_id: str) -> dict[str, Any]:
    return expect(where.http.get(f"/orders/{order_id}", headers=where.buyer.headers()), 200)


def _charges(sandbox: str, order: dict[str, Any]) -> list[dict[str, Any]]:
    if order["payment"] is None:
        return []
    answer = httpx2.get(f"{sandbox}/ledger", params={"reference": order["payment"]["paymentId"]})
    charges: list[dict[str, Any]] = answer.json()["items"]
    return charges


def _settled_by_hand(database: str) -> dict[str, int]:
    """Minor units by order that our books say a person gave back."""
    statement = (
        "SELECT order_id::text, sum(amount_minor)::bigint FROM payments.refunds"
        " WHERE manual_reference IS NOT NULL GROUP BY order_id"
    )
    engine = db.connect(database, pool_size=1)
    try:
        with Sessions(engine).begin() as session:
            return {order_id: int(minor) for order_id, minor in session.execute(text(statement))}
    finally:
        engine.dispose()
