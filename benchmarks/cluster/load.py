"""Buyers who place orders through the load balancer, and visitors of the pages, while parts are killed or restarted."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx2
import psycopg

from benchmarks.cluster.system import Cluster
from benchmarks.plan import Case
from benchmarks.shop import ADDRESS, Baskets, Shop, Shopper
from benchmarks.shop_setup import make_shop
from services.clock import new_id

BUYERS, VISITORS = 6, 1
#: Seconds for which a request is repeated, and between two tries.
GIVEN_UP_AFTER, PAUSE = 120.0, 0.5
#: Answers after which the same request is sent again, as clients do.
REPEATED = {429, 502, 503, 504}


class Load:
    """What happened to requests: how often each was refused or cut off, and which were given up."""

    def __init__(self, cluster: Cluster) -> None:
        with psycopg.connect(cluster.addresses.database, autocommit=True) as connection:
            self._shop: Shop = make_shop(connection, cluster.addresses, BUYERS, new_id().hex)
        self._api, self._web = cluster.addresses.api, cluster.pages
        self._ends, self._lock = threading.Event(), threading.Lock()
        self.placed = self.opened = 0
        #: tries that failed and whose repetition succeeded, by what and why
        self.repeated: Counter[str] = Counter()
        #: what no repetition could mend
        self.failed: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests during the block, and end those that are under way after it."""
        with ThreadPoolExecutor(BUYERS + VISITORS, "buyer") as pool:
            tasks = [pool.submit(self._buy, buyer, number) for number, buyer in enumerate(self._shop.buyers)]
            tasks += [pool.submit(self._visit) for _ in range(VISITORS)]
            try:
                yield
            finally:
                self._ends.set()
            for task in tasks:
                task.result()

    def wait_for(self, more: int, within: float = GIVEN_UP_AFTER) -> None:
        """Wait until so many more orders were placed, or requests were given up meanwhile."""
        wanted, deadline = self.placed + more, time.monotonic() + within
        while self.placed < wanted and time.monotonic() < deadline and not self.failed:
            time.sleep(0.05)
        if self.placed < wanted:
            self.failed.append(f"no {more} orders were placed within {within:g} s")

    def _buy(self, buyer: Shopper, number: int) -> None:
        baskets = Baskets(self._shop, seed=number)
        headers = {"Authorization": f"Bearer {buyer.token}", "Prefer": "wait=5", "Content-Type": "application/json"}
        with httpx2.Client(base_url=self._api, timeout=40, trust_env=False) as client:
            while not self._ends.is_set():
                items = [{"productId": str(each), "quantity": 1} for each in baskets.choose(Case.REST)]
                body = json.dumps({"items": items, "card": self._shop.card, **ADDRESS})
                request = client.build_request(
                    "POST", "/api/v1/orders", content=body, headers={**headers, "Idempotency-Key": str(new_id())}
                )
                self._repeat("order", partial(client.send, request))
                with self._lock:
                    self.placed += 1

    def _visit(self) -> None:
        with httpx2.Client(base_url=self._web, timeout=40, trust_env=False) as client:
            while not self._ends.wait(0.2):
                self._repeat("page", lambda: client.get("/"))
                self.opened += 1

    def _repeat(self, what: str, request: Callable[[], httpx2.Response]) -> None:
        deadline, causes = time.monotonic() + GIVEN_UP_AFTER, []
        while True:
            cause = _try(request)
            if cause is None:
                break
            causes.append(f"{what}: {cause}")
            if time.monotonic() > deadline or cause.startswith("!"):
                with self._lock:
                    self.failed.append(causes[-1])
                return
            time.sleep(PAUSE)
        with self._lock:
            self.repeated.update(causes)


def _try(request: Callable[[], httpx2.Response]) -> str | None:
    """Why a request must be sent again; with `!` when that is of no use."""
    try:
        response = request()
    except httpx2.TransportError as error:
        return type(error).__name__
    if response.status_code in REPEATED or "idempotency-in-progress" in response.text:
        return str(response.status_code)
    return None if response.status_code in (200, 201) else f"! {response.status_code} {response.text[:200]}"
