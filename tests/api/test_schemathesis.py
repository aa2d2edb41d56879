"""Every operation tested by schemathesis over HTTP: examples, boundary values, random requests, and sequences of them.

`SCHEMA_EXAMPLES=200` (and a longer `pytest`) looks deeper; `make test` is content with a few requests an operation.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from api.access.callers import Token
from api.access.operations import BASE, OPERATIONS
from api.docs.response_examples import ANSWERS
from services.bootstrap import Services
from services.identity.views import CallerKind
from tests.api.people import Person
from tests.api.serving import serving
from tests.api.shop import a_product, order, pay, reserve

EXAMPLES = os.environ.get("SCHEMA_EXAMPLES", "10")
CONFIG = Path(__file__).with_name("schemathesis.toml")


def identities(path: Path, people: dict[str, Person]) -> Path:
    """The callers in the form of Web Fuzzing Commons; schemathesis finds out who may call what."""
    path.write_text(
        json.dumps(
            {
                "auth": [
                    {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {person.token}"}]}
                    for name, person in people.items()
                ]
            }
        )
    )
    return path


def configured(path: Path, callers: Path, caller: str) -> Path:
    """Our settings, with two buyers who must not see each other's objects (T59)."""
    who = {"path": str(callers), "user": caller, "peers": ["anna", "boris"]}
    path.write_text(CONFIG.read_text() + "\n[auth.wfc]\n" + "".join(f"{key} = {json.dumps(who[key])}\n" for key in who))
    return path


def part_of(operation: str) -> str:
    """Which run an operation belongs to, by who may call it."""
    if operation.endswith("/users/me/sessions/{sessionId}"):
        return "sessions"  # ended sessions are not good for anything after
    row = OPERATIONS[operation].access
    return "operator" if row.token is Token.REQUIRED and CallerKind.BUYER not in row.kinds else "anna"


def chosen(document: str, part: str) -> list[str]:
    """The options that choose the operations of a part."""
    return [
        word
        for path, methods in json.loads(document)["paths"].items()
        for method, described in methods.items()
        if part_of(f"{method.upper()} {path.removeprefix(BASE)}") == part
        for word in ("--include-operation-id", described["operationId"])
    ]


@pytest.mark.parametrize("part", ["anna", "operator", "sessions"])
async def test_G3_T59_every_operation_conforms_to_the_document(
    part: str,
    services: Services,
    buyer: Person,
    other: Person,
    operator: Person,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No workflow drives these orders: waiting for one would only take time.
    monkeypatch.setattr("api.orders.step_wait.STEP_WAIT", 0)
    monkeypatch.setattr("api.requests.prefer.MAX_WAIT", 0)
    people = {"anna": buyer, "boris": other, "operator": operator}
    caller = part if part in people else "anna"
    config = configured(tmp_path / "schemathesis.toml", identities(tmp_path / "callers.json", people), caller)
    without_limits = services.settings.model_copy(update={"rate_limit_factor": 1000.0, "orders_max_unpaid": 0})
    async with serving(replace(services, settings=without_limits)) as served:
        url = f"http://127.0.0.1:{served.port}"
        document = (await served.client.get("/openapi.json")).text
        for example, there in (await real(served.client, services, buyer)).items():
            document = document.replace(example, there)
        (tmp_path / "openapi.json").write_text(document)
        code, said = await tried(config, tmp_path / "openapi.json", url, chosen(document, part))

    assert code == 0, said
    assert f"Tested: {chosen(document, part).count('--include-operation-id')}" in said, said


async def real(api: httpx2.AsyncClient, services: Services, buyer: Person) -> dict[str, str]:
    """What the document's examples speak of, by their ids: a product in stock, and a paid order of the buyer."""
    product_id = a_product(services, stock=1_000_000)
    order_id = UUID((await order(api, buyer, product_id, card="tok_succeeds")).json()["orderId"])
    reserve(services, order_id)
    payment = pay(services, order_id)
    return {
        ANSWERS["POST /orders"]["items"][0]["productId"]: str(product_id),
        ANSWERS["POST /orders"]["orderId"]: str(order_id),
        ANSWERS["POST /orders/{orderId}/pay"]["paymentId"]: str(payment.id),
    }


async def tried(config: Path, document: Path, url: str, operations: list[str]) -> tuple[int, str]:
    """Schemathesis' exit code, and what it said."""
    options = ["--checks", "all", "--max-examples", EXAMPLES, "--workers", "1", "--url", url]
    command = ["-m", "schemathesis.cli", "--config-file", str(config), "run", str(document), *options, *operations]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=PIPE, stderr=STDOUT, cwd=config.parent
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
