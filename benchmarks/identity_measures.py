"""The three questions about signing in, each answered in seconds as they were measured."""

from __future__ import annotations

import random
import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from benchmarks.identity_scene import PASSWORD, Client, Place, strangers
from benchmarks.results import percentile
from services.identity.passwords import Argon2Profile, PasswordHasher

#: Logins that are always under way in a storm.
IN_FLIGHT = 8
#: What somebody who is not signing in asks meanwhile.
OTHERS = ("/products?limit=20", "/users/me")
WRONG = PASSWORD + "?"


@dataclass(frozen=True)
class Door:
    """Where an address is named that has an account or has none, and what both are answered."""

    name: str
    path: str
    status: int


DOORS = (
    Door("login", "/auth/login/email", 401),
    Door("reset", "/auth/password/reset/request", 202),
    Door("verify", "/auth/verify/email/send", 202),
)


@dataclass(frozen=True)
class SignIn:
    """Seconds of logins, one at a time, and of the bare hash in turn with them."""

    logins: list[float]
    hashes: list[float]

    @property
    def ratio(self) -> float:
        return statistics.median(self.logins) / statistics.median(self.hashes)


@dataclass(frozen=True)
class Storm:
    """Seconds of other requests, without and with logins in flight, and of those logins."""

    alone: list[float]
    meanwhile: list[float]
    logins: list[float]

    @property
    def ratio(self) -> float:
        return percentile(self.meanwhile, 99) / percentile(self.alone, 99)


def sign_ins(at: Place, count: int) -> SignIn:
    """Logins by different people in turn with hashes made here, so that both meet the same machine."""
    logins, hashes = [], []
    with at.client() as client, PasswordHasher(at.profile) as hasher:
        made = hasher.hash(PASSWORD).text
        for number in range(count + 2):
            hashes.append(_timed(lambda: hasher.verify(made, PASSWORD)))
            logins.append(at.sign_in(client, at.emails[number % len(at.emails)]).seconds)
    return SignIn(logins[2:], hashes[2:])


def hashes(profile: Argon2Profile, count: int) -> list[float]:
    """Seconds of hashes made one after the other."""
    with PasswordHasher(profile) as hasher:
        return [_timed(lambda: hasher.hash(PASSWORD)) for _ in range(count + 2)][2:]


def _timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def a_storm(at: Place, rounds: int, requests: int) -> Storm:
    """Other requests, one after the other: a round alone, a round in the storm, and so on."""
    alone: list[float] = []
    meanwhile: list[float] = []
    logins: list[float] = []
    with at.client(signed_in=True) as client:
        _others(client, 50)
        for _ in range(rounds):
            alone += _others(client, requests)
            with _storming(at) as done:
                meanwhile += _others(client, requests)
            logins += done
    return Storm(alone, meanwhile, logins)


def _others(client: Client, count: int) -> list[float]:
    return [client.expect(200, "GET", OTHERS[number % len(OTHERS)]).seconds for number in range(count)]


@contextmanager
def _storming(at: Place) -> Iterator[list[float]]:
    done: list[float] = []
    over = threading.Event()

    def keep_on(place: int) -> None:
        with at.client() as client:
            while not over.is_set():
                done.append(at.sign_in(client, at.emails[place]).seconds)

    with ThreadPoolExecutor(IN_FLIGHT) as people:
        storming = [people.submit(keep_on, number) for number in range(1, IN_FLIGHT + 1)]
        while len(done) < 2 and not any(one.done() for one in storming):
            over.wait(0.01)
        try:
            yield done
        finally:
            over.set()
    for one in storming:
        one.result()


def pairs(at: Place, door: Door, count: int) -> tuple[list[float], list[float]]:
    """Seconds for addresses that have an account and for those that have none, in random order within each pair.

    Nobody is asked for twice at one door: limits of an account are not what is measured.
    """
    known: list[float] = []
    unknown: list[float] = []
    chosen, nobody = random.Random(door.path), strangers(len(door.path))
    with at.client() as client:

        def ask(email: str) -> float:
            body = {"email": email, "password": WRONG} if door.status == 401 else {"email": email}
            return client.expect(door.status, "POST", door.path, body).seconds

        for _ in range(3):
            ask(next(nobody))
        for email in at.emails[:count]:
            questions: list[tuple[list[float], str]] = [(known, email), (unknown, next(nobody))]
            chosen.shuffle(questions)
            for times, asked in questions:
                times.append(ask(asked))
    return known, unknown


def auc(first: Sequence[float], second: Sequence[float]) -> float:
    """How often one of the first is greater than one of the second (Mann and Whitney): 0.5 tells nothing."""
    wins = sum((a > b) + (a == b) / 2 for a in first for b in second)
    return wins / (len(first) * len(second))
