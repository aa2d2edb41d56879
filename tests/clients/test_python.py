"""Clients in Python: openapi-python-client, and the models of datamodel-code-generator with httpx2."""

from __future__ import annotations

import pytest

from tests.clients.conftest import RunningApi
from tests.clients.tools import Tools
from tests.contracts.openapi import DOCUMENT

PLACED = {
    "status": "confirmed",
    "method": "card",
    "lastEvent": "confirmed",
    "problem": "/problems/product-unavailable",
}
#: Pydantic v2 models as a strict project would have them.
MODELS = ("--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel", "--use-annotated")
PYTHON = ("--target-python-version", "3.11", "--use-union-operator", "--formatters", "builtin")
#: The code is checked as it was generated: its own hooks would rewrite it by the rules of whatever ruff is installed.
CONFIG = "post_hooks: []\n"


@pytest.fixture(scope="module")
def python_client(python: Tools) -> str:
    """The program on the client of openapi-python-client, type-checked."""
    (python.folder / "config.yaml").write_text(CONFIG)
    python.run(
        "openapi-python-client", "generate", "--path", str(DOCUMENT),
        "--meta", "none", "--output-path", "marketplace_client", "--config", "config.yaml", "--fail-on-warning",
    )  # fmt: skip
    return _checked(python, "python_client.py", "marketplace_client")


@pytest.fixture(scope="module")
def pydantic_models(python: Tools) -> str:
    """The program on the models of datamodel-code-generator, type-checked."""
    python.run("datamodel-codegen", "--input", str(DOCUMENT), "--output", "models.py", *MODELS, *PYTHON)
    return _checked(python, "pydantic_models.py", "models.py")


def test_openapi_python_client_places_an_order(python: Tools, python_client: str, running_api: RunningApi) -> None:
    assert running_api.placed_by(python, "python", python_client) == PLACED


def test_models_of_datamodel_code_generator_place_an_order(
    python: Tools, pydantic_models: str, running_api: RunningApi
) -> None:
    assert running_api.placed_by(python, "python", pydantic_models) == PLACED


def _checked(python: Tools, program: str, generated: str) -> str:
    python.add(program)
    python.run("mypy", "--strict", program, generated)
    return program
