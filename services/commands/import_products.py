"""`import-products`: writes the products of a file and their stock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.catalog.importing import ImportFile, ImportRules, read_import_file
from services.catalog.rows import MAX_STOCK
from services.catalog.service import CatalogService
from services.commands.product_import import ImportSummary, ProductImport
from services.commands.terminal import errors_as_messages, open_database, print_rows, progress_bar, user_name
from services.errors import Invalid
from services.money import is_currency
from services.reservations.service import ReservationService


def import_products(
    file: Annotated[Path, typer.Argument(help="Products (CSV or JSON) or the invoices of a shop, gzipped or not.")],
    stock: Annotated[
        int | None, typer.Option(min=0, max=MAX_STOCK, help="Units of each product for which the file gives none.")
    ] = None,
    set_stock: Annotated[
        bool, typer.Option("--set-stock", help="Set what can be sold of existing products too, as the file says.")
    ] = False,
    currency: Annotated[
        str | None, typer.Option(metavar="CODE", help="Currency of prices in a file without that column.")
    ] = None,
    named: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="COLUMN=MEMBER", help="What a column is: --map Артикул=sku --map Цвет=attributes.colour."
        ),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out invalid rows and list them, instead of importing nothing.")
    ] = False,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Do nothing when there are products for sale.")] = False,
) -> None:
    """Import products and their stock: the whole file or nothing, by SKU, safe to repeat.

    CSV columns: sku and any of name,price,currency,stock,description,attributes,isActive. JSON: a list of objects with
    these members. What the file does not have is left as it is; an empty cell empties. The stock of existing products
    is not changed without --set-stock. Tables that Shopify, WooCommerce and 1C export are recognised by their columns;
    --map names those of any other table.
    """
    with errors_as_messages(), open_database() as database:
        catalog = CatalogService(database)
        if currency is not None and not is_currency(currency):
            raise Invalid("--currency is not an ISO 4217 currency.")
        if if_empty and not catalog.is_empty():
            print("The catalog is not empty: nothing was imported.")
            return
        with progress_bar("reading the file") as progress:
            content = read_import_file(
                file, rules=ImportRules(stock, currency, skip_bad, _columns(named or [])), progress=progress
            )
        if set_stock and not content.stock:
            raise Invalid("The file has no stock that --set-stock could set.")
        with progress_bar("writing products", len(content.products)) as progress:
            summary = ProductImport(
                catalog,
                ReservationService(database),
                reason=f"import of {file.name}".encode(errors="replace").decode()[:200],
                by=user_name(),
                set_stock=set_stock,
                skip_bad=skip_bad,
                progress=progress,
            ).write(content)
    _print_summary(summary, content)


def _columns(named: list[str]) -> dict[str, str]:
    columns = dict(each.rpartition("=")[::2] for each in named)
    if not all(columns) or not all(columns.values()):
        raise Invalid("--map takes COLUMN=MEMBER, such as --map Артикул=sku.")
    return columns


def _print_summary(summary: ImportSummary, content: ImportFile) -> None:
    if content.skipped:
        _print_skipped(content)
    if summary.bad:
        print_rows(summary.bad, f"{len(summary.bad):,} invalid rows were left out.")
    if not (summary.added or summary.changed or summary.stocked or summary.restocked or summary.other_stock):
        print(f"Nothing changed: all {summary.products:,} products exist as in the file.")
    else:
        unchanged = summary.products - summary.added - summary.changed
        print(
            f"{summary.products:,} products: {summary.added:,} new, {summary.changed:,} changed,"
            f" {unchanged:,} unchanged; first stock for {summary.stocked:,}."
        )
    for sentence in _sentences(summary):
        print(sentence)
    if content.not_taken:
        columns = ", ".join(f"{column} ({count:,} rows)" for column, count in content.not_taken.items())
        print(f"Read as {content.form}. Not taken: {columns}.")


def _sentences(summary: ImportSummary) -> list[str]:
    sentences = []
    if summary.restocked:
        sentences.append(f"The stock of {summary.restocked:,} existing products was set.")
    if summary.other_stock:
        sentences.append(
            f"The stock of {summary.other_stock:,} existing products differs from the file and was left as it is:"
            " --set-stock sets it."
        )
    if summary.without_stock:
        sentences.append(f"{summary.without_stock:,} new products have no stock: --stock N gives them units.")
    if summary.left:
        left = ", ".join(f"{member} of {count:,}" for member, count in summary.left.items())
        sentences.append(f"Not in the file, and left as it is: {left} existing products.")
    return sentences


def _print_skipped(content: ImportFile) -> None:
    table = Table(title=f"{content.skipped.total():,} of {content.lines:,} lines were skipped")
    table.add_column("reason")
    table.add_column("lines", justify="right")
    for reason, count in content.skipped.most_common():
        table.add_row(Text(reason), f"{count:,}")  # it may have a cell of the file, which is no markup
    Console().print(table)
