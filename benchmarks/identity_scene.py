"""What signing in is measured on: PostgreSQL and an api, real and alone, and people who know their passwords."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.process import NotMeasured
from sandbox.layout import ROOT
from sandbox.ports import LOOPBACK, free_port
from sandbox.programs import Program, answers_readyz
from sandbox.settings import StackSettings
from sandbox.stack import Stack
from services.identity.passwords import Argon2Profile

PASSWORD = "blue lantern over the bay"  # noqa: S105 - of people made up here
#: What production is set up with when nothing is said, and the least that it takes.
DEFAULT = Argon2Profile()
FLOOR = Argon2Profile(2, 19456, 1)
#: The profiles that docs/deploying.md names, dearest first.
PROFILES = (DEFAULT, Argon2Profile(3, 65536, 1), Argon2Profile(3, 32768, 1), Argon2Profile(2, 32768, 1), FLOOR)


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    body: dict[str, Any]
    seconds: float


class Client:
    """One connection that stays open, and the plainest HTTP client there is, for it shares the machine."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
        self.headers: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Answer:
        """One request."""
        content = json.dumps(body).encode() if body is not None else None
        headers = self.headers | ({"Content-Type": "application/json"} if content else {})
        began = time.perf_counter()
        self._connection.request(method, f"/api/v1{path}", content, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        seconds = time.perf_counter() - began
        return Answer(answer.status, json.loads(text) if text else {}, seconds)

    def expect(self, status: int, method: str, path: str, body: Mapping[str, str] | None = None) -> Answer:
        """The same. Raises NotMeasured when the answer is another one."""
        answer = self.ask(method, path, body)
        if answer.status != status:
            raise NotMeasured(f"{method} {path}: {answer.status} {str(answer.body)[:300]}")
        return answer

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@dataclass(frozen=True)
class Place:
    """An api that runs, with people in it."""

    port: int
    profile: Argon2Profile
    emails: list[str]

    @contextmanager
    def client(self, *, signed_in: bool = False) -> Iterator[Client]:
        """A connection; `signed_in`: as the first of the people."""
        client = Client(self.port)
        try:
            if signed_in:
                token = self.sign_in(client, self.emails[0]).body["accessToken"]
                client.headers["Authorization"] = f"Bearer {token}"
            yield client
        finally:
            client.close()

    def sign_in(self, client: Client, email: str) -> Answer:
        """Raises NotMeasured when it is refused."""
        return client.expect(200, "POST", "/auth/login/email", {"email": email, "password": PASSWORD})


@contextmanager
def outside(folder: Path) -> Iterator[Stack]:
    """The world around, without an application; messages stay queued, so that nobody sends while we measure."""
    settings = StackSettings.for_tests(folder)
    with Stack(replace(settings, durable=True, application=False)) as stack:
        argv = [sys.executable, "-m", "services", "migrate"]
        subprocess.run(argv, cwd=ROOT, env=stack.environment, check=True, capture_output=True)
        yield stack


@contextmanager
def place(stack: Stack, profile: Argon2Profile, people: int) -> Iterator[Place]:
    """An api of its own that hashes so, and so many new accounts."""
    port = free_port()
    hashing = {
        "ARGON2_TIME_COST": str(profile.time_cost),
        "ARGON2_MEMORY_KIB": str(profile.memory_kib),
        "ARGON2_PARALLELISM": str(profile.parallelism),
    }
    environment = {**stack.environment, **hashing, "API_PORT": str(port), "RATE_LIMIT_FACTOR": "1000"}
    log = stack.settings.data_dir / "logs" / f"api-{port}.log"
    argv = [sys.executable, "-m", "api"]
    with Program("api", argv, env=environment, cwd=ROOT, log=log, ready=answers_readyz(port)):
        made = Place(port, profile, [f"p{port}-{number}@example.com" for number in range(people)])
        with made.client() as client:
            for email in made.emails:
                person = {"firstName": "Anna", "lastName": "Petrova", "email": email, "password": PASSWORD}
                client.expect(201, "POST", "/auth/register/email", person)
        yield made


def strangers(seed: int) -> Iterator[str]:
    """Addresses that nobody registered, as long as those of the people."""
    chosen = random.Random(seed)
    return (f"p{chosen.randrange(10_000, 65_536)}-{number}@example.com" for number in itertools.count(1000))
