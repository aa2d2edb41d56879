"""`import-products`: writes the products of a file and their first stock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.catalog.importing import ImportFile, read_import_file
from services.catalog.rows import MAX_STOCK
from services.catalog.service import CatalogService
from services.commands.terminal import errors_as_messages, open_database
from services.reservations.service import ReservationService


@dataclass(frozen=True)
class ImportSummary:
    """How many products of a file are new, were changed, and got their first stock."""

    products: int
    added: int
    changed: int
    stocked: int


def import_products(
    file: Annotated[Path, typer.Argument(help="Products (CSV or JSON) or the invoices of a shop, gzipped or not.")],
    stock: Annotated[
        int | None, typer.Option(min=0, max=MAX_STOCK, help="Units of each product for which the file gives none.")
    ] = None,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Do nothing when there are products for sale.")] = False,
) -> None:
    """Import products and their first stock: the whole file or nothing, by SKU, safe to repeat.

    CSV columns: sku,name,price,currency,stock and optionally description,attributes,isActive. JSON: a list of objects
    with these members. Existing stock is not changed.
    """
    console = Console(stderr=True)
    with errors_as_messages(), open_database() as database:
        catalog = CatalogService(database)
        if if_empty and not catalog.is_empty():
            print("The catalog is not empty: nothing was imported.")
            return
        with console.status("reading the file"):
            content = read_import_file(file, stock)
        with console.status(f"writing {len(content.drafts):,} products"):
            summary = write_products(catalog, ReservationService(database), content)
    _print_summary(summary, content)


def write_products(catalog: CatalogService, reservations: ReservationService, content: ImportFile) -> ImportSummary:
    """Write a file's products and stock. Safe to repeat, and safe to interrupt at any point.

    New products are written hidden, then their stock, then they become visible: after a crash no product is visible
    without stock, the catalog still counts as empty, and the same command completes the import. (Stock written first
    could belong to products that are never created, since ids are created with the products.)
    """
    staged = catalog.import_products(content.drafts, hidden=True)
    stocked = reservations.add_stocks([(staged.ids[sku], units) for sku, units in content.stock.items()])
    shown = catalog.import_products(content.drafts)
    changed = (staged.changed | shown.changed) - staged.added
    return ImportSummary(len(content.drafts), len(staged.added), len(changed), stocked)


def _print_summary(summary: ImportSummary, content: ImportFile) -> None:
    if content.skipped:
        _print_skipped(content)
    if not (summary.added or summary.changed or summary.stocked):
        print(f"Nothing changed: all {summary.products:,} products exist as in the file.")
        return
    unchanged = summary.products - summary.added - summary.changed
    print(
        f"{summary.products:,} products: {summary.added:,} new, {summary.changed:,} changed, {unchanged:,} unchanged;"
        f" first stock for {summary.stocked:,}."
    )


def _print_skipped(content: ImportFile) -> None:
    table = Table(title=f"{content.skipped.total():,} of {content.lines:,} lines were skipped")
    table.add_column("reason")
    table.add_column("lines", justify="right")
    for reason, count in content.skipped.most_common():
        table.add_row(reason, f"{count:,}")
    Console().print(table)
