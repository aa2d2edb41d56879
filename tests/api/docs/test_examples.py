"""Examples in the OpenAPI document: they fit their schemas, and their product is in the shipped catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.docs import examples
from api.docs.request_examples import BODIES
from api.docs.response_examples import ANSWERS
from sandbox.layout import CATALOG, ROOT, STOCK
from services.catalog.importing import read_import_file
from services.money import Money
from tests.contracts.openapi import document

Media = dict[str, Any]


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def test_every_example_fits_its_schema(described: dict[str, Any]) -> None:
    checked = 0
    for place, media in _media(described):
        schema = media["schema"] | {"components": described["components"]}
        for example in _examples(media):
            found = [error.message for error in Draft202012Validator(schema).iter_errors(example)]
            assert found == [], place
            checked += 1
    assert checked > 500


def test_every_example_is_of_an_operation(described: dict[str, Any]) -> None:
    operations = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in described["paths"].items()
        for method in methods
    }
    assert BODIES.keys() | ANSWERS.keys() <= operations


def test_the_product_is_in_the_shipped_catalog() -> None:
    shipped = {product.sku: product for product in read_import_file(ROOT / CATALOG, STOCK).products}
    product = shipped[examples.SKU]
    assert (product.name, product.price) == (examples.NAME, Money.parse(examples.PRICE, examples.CURRENCY))
    assert STOCK == examples.AVAILABLE


def test_examples_hold_no_other_product_and_no_other_currency() -> None:
    for operation, example in [*BODIES.items(), *ANSWERS.items()]:
        for name, value in _members(example):
            if name == "productId":
                assert value == examples.PRODUCT, operation
            if name == "currency":
                assert value == examples.CURRENCY, operation


def test_ids_are_of_one_kind_each() -> None:
    """An order's id is nowhere a payment's: the example of one operation can be used with the next."""
    kinds: dict[str, set[str]] = {}
    for example in [*BODIES.values(), *ANSWERS.values()]:
        for name, value in _members(example):
            if re.fullmatch(r"[a-z]+Id", name):
                kinds.setdefault(value, set()).add(name)
    assert [names for names in kinds.values() if len(names) > 1] == []


def _media(described: dict[str, Any]) -> Iterator[tuple[str, Media]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            bodies = {"body": operation.get("requestBody", {}), **operation["responses"]}
            for name, body in bodies.items():
                for media in body.get("content", {}).values():
                    yield f"{method} {path} {name}", media


def _examples(media: Media) -> Iterator[Any]:
    yield from [media["example"]] if "example" in media else []
    for example in media.get("examples", {}).values():
        yield example["value"]


def _members(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, inner in node.items():
            yield name, inner
            yield from _members(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _members(inner)
