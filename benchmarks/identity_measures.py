"""The measurements of signing in; all times are in seconds."""

from __future__ import annotations

import random
import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from benchmarks.identity_system import PASSWORD, Client, IdentityApi, unregistered_emails
from benchmarks.results import percentile
from services.identity.passwords import Argon2Profile, PasswordHasher

#: Concurrent logins in the load measurement.
LOGINS_IN_FLIGHT = 8
#: Requests that are measured under the load of logins.
OTHER_PATHS = ("/products?limit=20", "/users/me")
WRONG_PASSWORD = PASSWORD + "?"


@dataclass(frozen=True)
class Endpoint:
    """An operation that takes an e-mail address, and the status that known and unknown addresses get."""

    name: str
    path: str
    status: int


ENDPOINTS = (
    Endpoint("login", "/auth/login/email", 401),
    Endpoint("reset", "/auth/password/reset/request", 202),
    Endpoint("verify", "/auth/verify/email/send", 202),
)


@dataclass(frozen=True)
class SignIn:
    """Times of sequential logins and of password hashes, measured alternately."""

    logins: list[float]
    hashes: list[float]

    @property
    def ratio(self) -> float:
        """Median of the logins relative to the median of the hashes."""
        return statistics.median(self.logins) / statistics.median(self.hashes)


@dataclass(frozen=True)
class LoginLoad:
    """Times of other requests without and with logins in flight, and of these logins."""

    alone: list[float]
    under_load: list[float]
    logins: list[float]

    @property
    def ratio(self) -> float:
        """99th percentile under load relative to the one without load."""
        return percentile(self.under_load, 99) / percentile(self.alone, 99)


def sign_ins(api: IdentityApi, count: int) -> SignIn:
    """Measure logins of different accounts, alternating with hashes in this process under the same conditions."""
    logins, hashes = [], []
    with api.client() as client, PasswordHasher(api.profile) as hasher:
        password_hash = hasher.hash(PASSWORD).text
        for number in range(count + 2):
            hashes.append(_timed(lambda: hasher.verify(password_hash, PASSWORD)))
            logins.append(api.sign_in(client, api.emails[number % len(api.emails)]).seconds)
    return SignIn(logins[2:], hashes[2:])


def hashes(profile: Argon2Profile, count: int) -> list[float]:
    """Measure sequential hashes."""
    with PasswordHasher(profile) as hasher:
        return [_timed(lambda: hasher.hash(PASSWORD)) for _ in range(count + 2)][2:]


def _timed(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def measure_login_load(api: IdentityApi, rounds: int, requests: int) -> LoginLoad:
    """Measure sequential requests, alternating between rounds without and with logins in flight."""
    alone: list[float] = []
    under_load: list[float] = []
    logins: list[float] = []
    with api.client(signed_in=True) as client:
        _measure_other_requests(client, 50)
        for _ in range(rounds):
            alone += _measure_other_requests(client, requests)
            with _login_load(api) as done:
                under_load += _measure_other_requests(client, requests)
            logins += done
    return LoginLoad(alone, under_load, logins)


def _measure_other_requests(client: Client, count: int) -> list[float]:
    return [client.expect(200, "GET", OTHER_PATHS[number % len(OTHER_PATHS)]).seconds for number in range(count)]


@contextmanager
def _login_load(api: IdentityApi) -> Iterator[list[float]]:
    done: list[float] = []
    stop = threading.Event()

    def log_in_repeatedly(number: int) -> None:
        with api.client() as client:
            while not stop.is_set():
                done.append(api.sign_in(client, api.emails[number]).seconds)

    with ThreadPoolExecutor(LOGINS_IN_FLIGHT) as pool:
        clients = [pool.submit(log_in_repeatedly, number) for number in range(1, LOGINS_IN_FLIGHT + 1)]
        while len(done) < 2 and not any(one.done() for one in clients):
            stop.wait(0.01)
        try:
            yield done
        finally:
            stop.set()
    for one in clients:
        one.result()


def pairs(api: IdentityApi, endpoint: Endpoint, count: int) -> tuple[list[float], list[float]]:
    """Measure known and unknown addresses, in random order within each pair.

    Each address is used once for each operation, so that rate limits of an account have no effect.
    """
    known: list[float] = []
    unknown: list[float] = []
    order, unregistered = random.Random(endpoint.path), unregistered_emails(len(endpoint.path))
    with api.client() as client:

        def measure(email: str) -> float:
            body = {"email": email, "password": WRONG_PASSWORD} if endpoint.status == 401 else {"email": email}
            return client.expect(endpoint.status, "POST", endpoint.path, body).seconds

        for _ in range(3):
            measure(next(unregistered))
        for email in api.emails[:count]:
            requests: list[tuple[list[float], str]] = [(known, email), (unknown, next(unregistered))]
            order.shuffle(requests)
            for times, address in requests:
                times.append(measure(address))
    return known, unknown


def auc(first: Sequence[float], second: Sequence[float]) -> float:
    """Probability that a value of `first` is greater than one of `second` (Mann-Whitney); 0.5 is no difference."""
    wins = sum((a > b) + (a == b) / 2 for a in first for b in second)
    return wins / (len(first) * len(second))
