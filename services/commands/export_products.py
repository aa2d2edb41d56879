"""`export-products`: writes all products with their stock to a file that `import-products` reads back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from services.catalog.exporting import write_products
from services.catalog.service import CatalogService
from services.catalog.views import StockedProduct
from services.commands.terminal import errors_as_messages, open_database, progress_bar

_PAGE = 1000


def export_products(
    file: Annotated[Path, typer.Argument(help="Where to write: a name that ends in .csv or .json.")],
) -> None:
    """Export all products, also those that are not for sale, with the stock that can be sold.

    `import-products FILE` makes the same catalog of it, and with --set-stock the same stock.
    """
    with errors_as_messages(), open_database() as database, progress_bar("writing products") as progress:
        count = 0

        def counted(done: int) -> None:
            nonlocal count
            count = done
            progress(done)

        try:
            write_products(file, _all_products(CatalogService(database), counted))
        except OSError as error:
            raise ValueError(f"{file}: {(error.strerror or 'cannot be written').lower()}.") from None
    print(f"{count:,} products were written to {file}.")


def _all_products(catalog: CatalogService, counted: Callable[[int], None]) -> Iterator[StockedProduct]:
    after, count = None, 0
    while page := catalog.list_stocked(after=after, limit=_PAGE, include_inactive=True):
        yield from page
        after, count = page[-1].product.id, count + len(page)
        counted(count)
