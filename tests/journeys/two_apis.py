"""Clients of two APIs under load: a request that one of them does not answer is repeated at the other one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import httpx2

from tests.journeys.customers import ADDRESS, PASSWORD, Customer, answered
from tests.journeys.shop import Shop
from tests.journeys.waiting import until

#: Buyers, and persons who sign in or refresh their session, again and again.
BUYERS, PERSONS = 4, 2
#: How often a request is sent at most.
ATTEMPTS = 5


class Client:
    """A person with a session; `done` counts what was answered."""

    def __init__(self, customer: Customer, apis: Sequence[str]) -> None:
        self.customer, self._apis = customer, list(apis)
        #: requests that were sent again
        self.repeated = 0
        login = answered(self.send("POST", "/auth/login/email", {**customer.identifier, "password": PASSWORD}), 200)
        self.refresh_token = str(login["refreshToken"])
        self.done = 0
        #: answers that no client should get
        self.unexpected: list[str] = []

    def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        """Send a request until it is answered: by the other API, or again when the database is busy (503).

        What a killed process has locked is free once PostgreSQL has noticed that it is gone.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                answer = self.customer.http.request(method, path, json=body, headers=headers)
            except httpx2.TransportError:
                self._apis.reverse()
                self.customer.use_api(self._apis[0])
            else:
                if answer.status_code != 503:
                    return answer
                threading.Event().wait(0.5)
            self.repeated += 1
        return self.customer.http.request(method, path, json=body, headers=headers)

    def expect(self, answer: httpx2.Response, *statuses: int) -> bool:
        """Whether the answer has one of the statuses; any other is kept."""
        if answer.status_code not in statuses:
            self.unexpected.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}")
        return answer.status_code in statuses

    def refresh(self) -> None:
        """Exchange the refresh token, and use the new access token."""
        answer = self.send("POST", "/auth/refresh", {"refreshToken": self.refresh_token})
        if self.expect(answer, 200):
            self.refresh_token = answer.json()["refreshToken"]
            self.customer.http.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        self.expect(self.send("GET", "/users/me"), 200)

    def sign_in(self) -> None:
        """Sign in, in a session of its own."""
        body = {**self.customer.identifier, "password": PASSWORD}
        self.expect(self.send("POST", "/auth/login/email", body), 200)


class TwoApis:
    """Buyers, sign-ins and refreshes; everybody uses the first API until it does not answer."""

    def __init__(self, shop: Shop, apis: Sequence[str]) -> None:
        self.product, self._card = shop.product(), shop.paying("card", "succeeds")
        self.clients = [Client(shop.customer(api=apis[0]), apis) for _ in range(BUYERS + 2 * PERSONS)]
        kinds = [self._buy] * BUYERS + [Client.refresh] * PERSONS + [Client.sign_in] * PERSONS
        self._work: list[tuple[Client, Callable[[Client], None]]] = list(zip(self.clients, kinds, strict=True))
        self._stopped = threading.Event()
        #: the ids of the orders that were answered with 201, one for each key
        self.orders: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everybody goes on during the block; no request is left without an answer after it."""
        with ThreadPoolExecutor(len(self._work)) as pool:
            running = [pool.submit(self._go_on, client, once) for client, once in self._work]
            try:
                yield
            finally:
                self._stopped.set()
            for each in running:
                each.result()

    def wait_for_all(self, times: int) -> None:
        """Wait until everybody was answered so many times more. Raises TimeoutError."""
        before = [client.done for client in self.clients]
        until(
            lambda: min(now.done - then for now, then in zip(self.clients, before, strict=True)), lambda n: n >= times
        )

    @property
    def repeated(self) -> int:
        """How many requests were repeated."""
        return sum(client.repeated for client in self.clients)

    @property
    def unexpected(self) -> list[str]:
        """Answers that no client should get."""
        return [line for client in self.clients for line in client.unexpected]

    def _go_on(self, client: Client, once: Callable[[Client], None]) -> None:
        while not self._stopped.is_set():
            once(client)
            client.done += 1

    def _buy(self, client: Client) -> None:
        body = {"items": [{"productId": self.product, "quantity": 1}], **ADDRESS, "card": self._card}
        answer = client.send("POST", "/orders", body, **{"Idempotency-Key": str(uuid4())})
        if client.expect(answer, 201, 429) and answer.status_code == 201:  # 429: five orders are not paid yet
            self.orders.append(answer.json()["orderId"])
        client.expect(client.send("GET", "/orders/me"), 200)
