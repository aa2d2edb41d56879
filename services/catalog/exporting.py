"""Writes products to a file that `importing` reads back: CSV or a JSON list, one product a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from services.catalog.rows import MEMBERS
from services.catalog.views import StockedProduct

Write = Callable[[IO[str], Iterable[Mapping[str, Any]]], None]


def members_of(found: StockedProduct) -> dict[str, Any]:
    """The members of a product in a file; `stock` is what can be sold."""
    product = found.product
    return {
        "sku": product.sku,
        "name": product.name,
        "price": product.price.text,
        "currency": product.price.currency,
        "stock": found.available,
        "description": product.description,
        "attributes": dict(product.attributes),
        "isActive": product.is_active,
    }


def write_products(path: Path, products: Iterable[StockedProduct]) -> None:
    """Write a file as its name says; an existing one is replaced when the new one is complete.

    Raises ValueError for a name that ends neither in .csv nor in .json, OSError.
    """
    if path.suffix not in _FORMS:
        raise ValueError(f"{path}: the name must end in .csv or .json.")
    encoding, write = _FORMS[path.suffix]
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding=encoding, newline="") as file:
            write(file, map(members_of, products))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_csv(file: IO[str], products: Iterable[Mapping[str, Any]]) -> None:
    writer = csv.DictWriter(file, MEMBERS)
    writer.writeheader()
    for product in products:
        attributes = json.dumps(product["attributes"], ensure_ascii=False) if product["attributes"] else ""
        writer.writerow({**product, "attributes": attributes, "isActive": str(product["isActive"]).lower()})


def _write_json(file: IO[str], products: Iterable[Mapping[str, Any]]) -> None:
    separator = "[\n"
    for product in products:
        file.write(separator + json.dumps(product, ensure_ascii=False))
        separator = ",\n"
    file.write("\n]\n" if separator == ",\n" else "[]\n")


# CSV begins with a byte order mark: without it, Excel takes UTF-8 for the code page of the machine.
_FORMS: Mapping[str, tuple[str, Write]] = {".csv": ("utf-8-sig", _write_csv), ".json": ("utf-8", _write_json)}
