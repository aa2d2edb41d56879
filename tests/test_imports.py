"""Who may import whom: each contract of pyproject.toml breaks when it is hurt, and what import-linter cannot see."""

from __future__ import annotations

import ast
import fnmatch
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.test_architecture import PACKAGES, ROOT, sources

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

#: For each contract of pyproject.toml the violations that break it: the file, its new line, and what the report names.
PLANTS: Mapping[str, list[tuple[str, str, str]]] = {
    "services-apart": [
        (
            "services/orders/planted.py",
            "from services.payments import views",
            "orders.planted -> services.payments.views",
        ),
        ("services/money.py", "from services.orders import views", "services.money -> services.orders.views"),
        ("services/planted.py", "", "- services.planted"),
    ],
    "services-pure": [
        ("services/orders/planted.py", "import fastapi", "services.orders.planted -> fastapi"),
        ("services/planted.py", "import temporalio.client", "services.planted -> temporalio"),
        ("services/planted.py", "from workflows import client", "services.planted -> workflows.client"),
        (
            "services/commands/planted.py",
            "from workflows import open_orders",
            "services.commands.planted -> workflows.open_orders",
        ),
        (
            "services/commands/planted.py",
            "from workflows.order_commands import OrderCommands",
            "services.commands.planted -> workflows.order_commands",
        ),
        (
            "services/commands/planted.py",
            "from workflows.order_runs import OrderRuns",
            "services.commands.planted -> workflows.order_runs",
        ),
        (
            "services/commands/planted.py",
            "from activities.recovery import RecoveryActivities",
            "services.commands.planted -> activities.recovery",
        ),
        ("services/commands/temporal.py", "import temporalio.client", "services.commands.temporal -> temporalio"),
    ],
    "repositories-hidden": [
        (
            "services/orders/planted.py",
            "from services.orders import repository",
            "services.orders.planted -> services.orders.repository",
        ),
        (
            "services/payments/planted.py",
            "from services.payments import refunds_repository",
            "payments.planted -> services.payments.refunds_repository",
        ),
    ],
    "activities-receive": [
        (
            "activities/planted.py",
            "from services.orders import service",
            "activities.planted -> services.orders.service",
        ),
        ("activities/planted.py", "from services import settings", "activities.planted -> services.settings"),
        ("activities/planted.py", "from workflows import client", "activities.planted -> workflows.client"),
    ],
    "activities-light": [
        ("activities/planted.py", "import httpx2", "activities.planted -> httpx2"),
        ("services/errors.py", "import sqlalchemy", "services.errors -> sqlalchemy"),
    ],
    "views-light": [
        ("services/orders/views.py", "import sqlmodel", "services.orders.views -> sqlmodel"),
        ("services/payments/status.py", "import pydantic", "services.payments.status -> pydantic"),
        ("services/money.py", "import sqlalchemy", "services.money -> sqlalchemy"),
    ],
    "workflows-light": [
        ("workflows/planted.py", "from services import db", "workflows.planted -> services.db"),
        ("activities/outbox.py", "import psycopg", "activities.outbox -> psycopg"),
    ],
    "workflows-deterministic": [
        ("workflows/planted.py", "import random", "workflows.planted -> random"),
        ("workflows/planted.py", "from time import monotonic", "workflows.planted -> time"),
    ],
    "workflows-client-apart": [
        ("workflows/planted.py", "from workflows import client", "workflows.planted -> workflows.client"),
        ("activities/planted.py", "from workflows import client", "activities.planted -> workflows.client"),
    ],
    "api-boundaries": [
        ("api/planted.py", "from services.orders import repository", "api.planted -> services.orders.repository"),
        ("api/planted.py", "from services.orders import models", "api.planted -> services.orders.models"),
        ("api/planted.py", "from services import db", "api.planted -> services.db"),
        ("api/planted.py", "from activities import messages", "api.planted -> activities.messages"),
        ("api/planted.py", "from workflows import order", "api.planted -> workflows.order"),
    ],
    "api-services-apart": [
        ("api/catalog/planted.py", "from api.orders import routes", "api.catalog.planted -> api.orders.routes"),
        ("api/payments/planted.py", "from api.orders import placing", "api.payments.planted -> api.orders.placing"),
    ],
    "api-shared-below": [
        ("api/access/planted.py", "from api.orders import schemas", "api.access.planted -> api.orders.schemas"),
        ("api/requests/planted.py", "from api.docs import openapi", "api.requests.planted -> api.docs.openapi"),
    ],
    "api-no-sql": [
        ("api/planted.py", "import sqlalchemy", "api.planted -> sqlalchemy"),
        ("api/planted.py", "from temporalio.client import Client", "api.planted -> temporalio"),
    ],
    "web-by-http": [
        ("web/planted.py", "from services.orders import status", "web.planted -> services.orders.status"),
        ("web/shop/planted.py", "from api.orders import schemas", "web.shop.planted -> api.orders.schemas"),
        ("web/planted.py", "import temporalio.client", "web.planted -> temporalio"),
    ],
    "processes-unimported": [
        ("api/planted.py", "from workers import serving", "api.planted -> workers.serving"),
        ("workers/planted.py", "from sandbox import ports", "workers.planted -> sandbox.ports"),
    ],
}

#: The parts of temporalio that each package may import; import-linter sees only the whole.
TEMPORAL = {
    "activities": {"activity", "exceptions", "worker"},
    "activities/converting.py": {"converter"},
    "workflows": {"workflow", "common", "exceptions"},
    "workflows/client.py": {"client", "envconfig", "runtime", "service"},
    "workflows/builds.py": {"api", "client", "service"},
    "workflows/order_commands.py": {"api", "client", "common", "converter", "service"},
    "workflows/background.py": {"client", "common", "service"},
    "workflows/open_orders.py": {"client", "service"},
    "workflows/order_retries.py": {"api", "client", "exceptions"},
    "workflows/order_runs.py": {"api", "client", "service"},
    "workflows/tracing.py": {"contrib"},
}


def contracts() -> list[dict[str, Any]]:
    """The import contracts of pyproject.toml."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    return found


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages and the contracts, in which violations are planted."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=lambda folder, names: _not_python(Path(folder), names))
    return copy


def _not_python(folder: Path, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__" or not ((folder / name).is_dir() or name.endswith(".py"))]


@pytest.fixture
def tree(copied: Path, contract: str) -> Iterator[Path]:
    """The copy with the violations of one contract planted in it."""
    before = {name: _text(copied / name) for name, _, _ in PLANTS[contract]}
    for name, line, _ in PLANTS[contract]:
        (copied / name).write_text(f"{_text(copied / name) or ''}\n{line}\n")
    yield copied
    for name, text in before.items():
        (copied / name).unlink() if text is None else (copied / name).write_text(text)


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


@pytest.mark.parametrize("contract", PLANTS)
def test_each_import_contract_breaks_on_planted_violations(tree: Path, contract: str) -> None:
    command = [str(LINT_IMPORTS), "--no-cache", "--no-logo", "--contract", contract]
    checked = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert checked.returncode == 1
    assert "Contracts: 0 kept, 1 broken." in checked.stdout
    said = " ".join(checked.stdout.split())
    assert [reported for _, _, reported in PLANTS[contract] if reported not in said] == []


def test_every_import_contract_has_violations_planted() -> None:
    assert {contract["id"] for contract in contracts()} == set(PLANTS)


def test_every_repository_is_hidden() -> None:
    hidden = next(contract for contract in contracts() if contract["id"] == "repositories-hidden")["protected_modules"]
    found = [f"services.{path.parent.name}.{path.stem}" for path in (ROOT / "services").glob("*/*repository*.py")]
    assert len(found) >= 6
    assert [module for module in found if not any(fnmatch.fnmatch(module, pattern) for pattern in hidden)] == []


@pytest.mark.parametrize("module", ["workflows.order", "workflows.refund", "workflows.maintenance"])
def test_importing_a_workflow_loads_no_database_code(module: str) -> None:
    code = f"import {module}, json, sys; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = json.loads(ran.stdout)
    heavy = {"alembic", "cryptography", "fastapi", "httpx2", "psycopg", "sqlalchemy", "sqlmodel", "starlette"}
    assert module in loaded
    assert heavy & set(loaded) == set()
    ours = {name for name in loaded if name.startswith("services.") and name.count(".") == 2}
    assert {name.split(".")[2] for name in ours} <= {"views", "status", "start_input", "resolving"}


def test_each_package_imports_its_own_parts_of_temporalio() -> None:
    for path, tree in sources("activities", "workflows").items():
        allowed = TEMPORAL.get(path, TEMPORAL[path.split("/")[0]])
        assert _from_temporal(tree) <= allowed, path


def _from_temporal(tree: ast.Module) -> set[str]:
    whole = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    parts = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return {name.split(".")[1] for name in whole | parts if name.startswith("temporalio.")}
