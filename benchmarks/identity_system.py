"""The system under test of the sign-in benchmark: PostgreSQL, the API and registered accounts."""

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

PASSWORD = "blue lantern over the bay"  # noqa: S105 - password of the generated accounts
#: The default profile of production, and the cheapest that it allows.
DEFAULT = Argon2Profile()
FLOOR = Argon2Profile(2, 19456, 1)
#: The profiles of docs/deploying.md, most expensive first.
PROFILES = (DEFAULT, Argon2Profile(3, 65536, 1), Argon2Profile(3, 32768, 1), Argon2Profile(2, 32768, 1), FLOOR)


@dataclass(frozen=True)
class Response:
    """A response and its time in seconds."""

    status: int
    body: dict[str, Any]
    seconds: float


class Client:
    """A client with one keep-alive connection; uses http.client because its cost is part of the measurement."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
        self.headers: dict[str, str] = {}

    def request(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Response:
        """Send a request."""
        content = json.dumps(body).encode() if body is not None else None
        headers = self.headers | ({"Content-Type": "application/json"} if content else {})
        started = time.perf_counter()
        self._connection.request(method, f"/api/v1{path}", content, headers)
        response = self._connection.getresponse()
        text = response.read()
        seconds = time.perf_counter() - started
        return Response(response.status, json.loads(text) if text else {}, seconds)

    def expect(self, status: int, method: str, path: str, body: Mapping[str, str] | None = None) -> Response:
        """Send a request. Raises NotMeasured when the response has another status."""
        response = self.request(method, path, body)
        if response.status != status:
            raise NotMeasured(f"{method} {path}: {response.status} {str(response.body)[:300]}")
        return response

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass(frozen=True)
class IdentityApi:
    """A running API with registered accounts."""

    port: int
    profile: Argon2Profile
    emails: list[str]

    @contextmanager
    def client(self, *, signed_in: bool = False) -> Iterator[Client]:
        """A client; `signed_in` logs in as the first account."""
        client = Client(self.port)
        try:
            if signed_in:
                token = self.sign_in(client, self.emails[0]).body["accessToken"]
                client.headers["Authorization"] = f"Bearer {token}"
            yield client
        finally:
            client.close()

    def sign_in(self, client: Client, email: str) -> Response:
        """Log in. Raises NotMeasured when that is refused."""
        return client.expect(200, "POST", "/auth/login/email", {"email": email, "password": PASSWORD})


@contextmanager
def running_servers(folder: Path) -> Iterator[Stack]:
    """The servers without an application: without workers no messages are sent during the measurement."""
    settings = StackSettings.for_tests(folder)
    with Stack(replace(settings, durable=True, application=False)) as stack:
        argv = [sys.executable, "-m", "services", "migrate"]
        subprocess.run(argv, cwd=ROOT, env=stack.environment, check=True, capture_output=True)
        yield stack


@contextmanager
def running_api(stack: Stack, profile: Argon2Profile, accounts: int) -> Iterator[IdentityApi]:
    """An API process with this hashing profile and so many new accounts."""
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
        api = IdentityApi(port, profile, [f"p{port}-{number}@example.com" for number in range(accounts)])
        with api.client() as client:
            for email in api.emails:
                person = {"firstName": "Anna", "lastName": "Petrova", "email": email, "password": PASSWORD}
                client.expect(201, "POST", "/auth/register/email", person)
        yield api


def unregistered_emails(seed: int) -> Iterator[str]:
    """Unregistered addresses of the same length as the registered ones."""
    generator = random.Random(seed)
    return (f"p{generator.randrange(10_000, 65_536)}-{number}@example.com" for number in itertools.count(1000))
