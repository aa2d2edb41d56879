"""A running stack with the shipped catalog, and the tools; collected by `make test-clients` only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx2
import pytest

from sandbox.settings import StackSettings
from sandbox.stack import Stack
from tests.clients.tools import Tools, npm_tools, pip_tools
from tests.journeys.shop import CHEAP_PASSWORDS

# The normal test run has neither npm nor a package index: these tests have a command of their own.
collect_ignore_glob = [] if os.environ.get("TEST_CLIENTS") else ["test_*.py"]


@dataclass(frozen=True)
class RunningApi:
    """Where the programs place their orders, and the card that pays."""

    url: str
    card: str

    def placed_by(self, tools: Tools, *program: str) -> dict[str, object]:
        """What a program prints about the order that it placed; its arguments are the address, an e-mail, a card."""
        email = f"{program[-1].partition('.')[0]}@example.com".replace("/", "-")
        printed: dict[str, object] = json.loads(tools.run(*program, self.url, email, self.card))
        return printed


@pytest.fixture(scope="session")
def running_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    settings = replace(StackSettings.for_tests(tmp_path_factory.mktemp("stack")), catalog=True, env=CHEAP_PASSWORDS)
    with Stack(settings) as stack:
        scripts = httpx2.get(f"{stack.addresses.sandbox}/scripts").raise_for_status().json()
        card = next(script["value"] for script in scripts if script["method"] == "card")
        yield RunningApi(stack.addresses.api, str(card))


@pytest.fixture(scope="session")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    return npm_tools(tmp_path_factory.mktemp("npm"))


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    return pip_tools(tmp_path_factory.mktemp("pip"))
