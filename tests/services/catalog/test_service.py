"""The catalog: reading, searching and changing products; an import is all or nothing and repeatable."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from psycopg import IntegrityError

from services.catalog.comparing import compared, compared_sql
from services.catalog.service import CatalogService
from services.catalog.views import ImportedProduct, ImportResult, ProductChange, ProductDraft, ProductView
from services.db import Database
from services.errors import Invalid, NotFound
from services.money import MAX_MINOR, Money

LAMP = ProductDraft("LAMP", "Lamp", Money(129900, "RUB"), "Gives light", {"watts": 7.5, "tags": ["home"]})
MUG = ProductDraft("MUG", "Кружка 100%", Money(500, "JPY"))
OLD = ProductDraft("OLD", "Old_lamp", Money(100, "RUB"), is_active=False)


def skus(found: Any) -> list[str]:
    return [product.sku for product in found]


def test_a_product_has_the_imported_fields(catalog: CatalogService) -> None:
    product_id = catalog.import_products([LAMP]).ids["LAMP"]
    expected = ProductView(
        product_id, "LAMP", "Lamp", "Gives light", Money(129900, "RUB"), {"watts": 7.5, "tags": ["home"]}, True
    )
    assert catalog.get(product_id) == expected
    assert catalog.list() == [expected]
    assert catalog.prices([product_id, uuid4()]) == {product_id: expected}
    assert product_id.version == 7


def test_T74_an_inactive_product_is_not_found(catalog: CatalogService) -> None:
    product_id = catalog.import_products([OLD]).ids["OLD"]
    for missing in (product_id, uuid4()):
        with pytest.raises(NotFound) as refused:
            catalog.get(missing)
        assert refused.value.detail == "There is no such product."
    assert catalog.get(product_id, include_inactive=True).is_active is False
    assert catalog.prices([product_id])[product_id].is_active is False
    assert catalog.list() == []
    assert skus(catalog.list(include_inactive=True)) == ["OLD"]


def test_a_repeated_import_writes_nothing(catalog: CatalogService, database: Database) -> None:
    first = catalog.import_products([LAMP, MUG, OLD])
    assert (set(first.added), set(first.changed)) == ({"LAMP", "MUG", "OLD"}, set())
    before = versions(database)
    assert catalog.import_products([OLD, MUG, LAMP]) == ImportResult(frozenset(), frozenset(), first.ids)
    assert versions(database) == before


def test_an_import_changes_only_differences_and_keeps_ids(catalog: CatalogService) -> None:
    first = catalog.import_products([LAMP, MUG, OLD])
    dearer, back = replace(LAMP, price=Money(139900, "RUB")), replace(OLD, is_active=True)
    second = catalog.import_products([dearer, MUG, back])
    assert second == ImportResult(frozenset(), frozenset({"LAMP", "OLD"}), first.ids)
    assert catalog.get(first.ids["LAMP"]).price == Money(139900, "RUB")
    assert catalog.get(first.ids["OLD"]).is_active is True


def test_a_catalog_is_empty_until_a_product_is_for_sale(catalog: CatalogService) -> None:
    assert catalog.is_empty()
    catalog.import_products([OLD])
    assert catalog.is_empty()
    catalog.import_products([LAMP])
    assert not catalog.is_empty()


def test_T181_what_an_import_does_not_have_stays(catalog: CatalogService) -> None:
    ids = catalog.import_products([replace(LAMP, is_active=False)]).ids
    before = catalog.get(ids["LAMP"], include_inactive=True)

    assert catalog.import_products([ImportedProduct("LAMP")]).changed == frozenset()
    catalog.import_products([ImportedProduct("LAMP", price=Money(5, "RUB"))])
    assert catalog.get(ids["LAMP"], include_inactive=True) == replace(before, price=Money(5, "RUB"))
    catalog.import_products([ImportedProduct("LAMP", description="", attributes={}, is_active=True)])
    assert catalog.get(ids["LAMP"]) == replace(
        before, price=Money(5, "RUB"), description="", attributes={}, is_active=True
    )


def test_T181_attributes_that_a_file_has_no_columns_for_stay(catalog: CatalogService) -> None:
    ids = catalog.import_products([LAMP]).ids
    names = frozenset({"tags", "colour", "brand"})
    catalog.import_products([ImportedProduct("LAMP", attributes={"colour": "red"}, attribute_names=names)])
    assert catalog.get(ids["LAMP"]).attributes == {"watts": 7.5, "colour": "red"}


@pytest.mark.parametrize("lacking", [{"name": "Mug"}, {"price": Money(5, "RUB")}])
def test_T181_a_new_product_needs_a_name_and_a_price(catalog: CatalogService, lacking: dict[str, Any]) -> None:
    mug = ImportedProduct("MUG", **lacking)
    with pytest.raises(Invalid, match="needs a name and a price"):
        catalog.import_products([LAMP, mug])
    assert catalog.list(include_inactive=True) == []
    catalog.import_products([LAMP])
    assert catalog.incomplete([mug, ImportedProduct("lamp")]) == [mug]


@pytest.mark.parametrize(
    "sku",
    ["lamp", "ＬＡＭＰ", "LA\u200bMP", "\ufeffLAMP", "L\u00adAMP", "LAMP\ufe0f", "\U0001d40bAMP"],
    ids=ascii,
)
def test_T183_skus_that_look_the_same_are_one_product(catalog: CatalogService, sku: str) -> None:
    product_id = catalog.import_products([LAMP]).ids["LAMP"]
    again = catalog.import_products([replace(LAMP, sku=sku, name="Lantern")])
    assert again == ImportResult(frozenset(), frozenset({sku}), {sku: product_id})
    assert [(each.sku, each.name) for each in catalog.list()] == [("LAMP", "Lantern")]
    with pytest.raises(Invalid, match="There is a product with this SKU"):
        catalog.add(replace(LAMP, sku=sku))


def test_T183_skus_that_look_different_are_different(catalog: CatalogService) -> None:
    skus_of = ["LAMP", "LAMP-1", "LAMP 1", "L.AMP", "ЛAMP", "STRASSE", "STRABE"]
    assert len(catalog.import_products([replace(LAMP, sku=sku) for sku in skus_of]).added) == len(skus_of)


def test_T183_python_and_the_database_compare_alike(catalog: CatalogService, database: Database) -> None:
    alphabet = [chr(code) for code in (*range(0x21, 0x600), *range(0x1E00, 0x2100), *range(0xFE00, 0x10000))]
    skus_of = [f"x{char}" for char in alphabet if unicodedata.category(char)[0] not in "CZ" or char in "\u200b\u00ad"]
    given = [compared(sku) for sku in skus_of]
    stored = database.fetch_column(
        f"SELECT {compared_sql('sku')} FROM unnest(cast(%(skus)s AS text[])) AS given (sku)",  # noqa: S608 - constants
        {"skus": skus_of},
    )
    assert [(sku, ours, its) for sku, ours, its in zip(skus_of, given, stored, strict=True) if ours != its] == []


@pytest.mark.parametrize(
    "q",
    [
        "ёлка новогодняя",
        "Елка Новогодняя",
        "  ЁЛКА   новогодняя ",
        "ёлка\u00a0новогодняя",
        "е\u0308лка",
        "ёл\u00adка",
        "ＦＩＲ-１２",
        "fir-12",
    ],
    ids=ascii,
)
def test_T186_a_search_finds_what_was_typed(catalog: CatalogService, q: str) -> None:
    catalog.import_products([LAMP, replace(MUG, sku="FIR-12", name="Ёлка  новогодняя, 1\u00a0м")])
    assert skus(catalog.list(q=q)) == ["FIR-12"]


def test_T186_a_search_does_not_run_from_the_name_into_the_sku(catalog: CatalogService) -> None:
    catalog.import_products([LAMP])
    assert skus(catalog.list(q="lamp lamp")) == []


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        (replace(MUG, sku=""), "/sku"),
        (replace(MUG, sku="x" * 65), "/sku"),
        (replace(MUG, name=" "), "/name"),
        (replace(MUG, name="\u200b"), "/name"),
        (replace(MUG, sku="\u200b"), "/sku"),
        (replace(MUG, name="a\nb"), "/name"),
        (replace(MUG, name="a\0"), "/name"),
        (replace(MUG, name="\ud800"), "/name"),
        (replace(MUG, description="x" * 10_001), "/description"),
        (replace(MUG, price=Money(0, "RUB")), "/price"),
        (replace(MUG, price=Money(-1, "RUB")), "/price"),
        (replace(MUG, price=Money(MAX_MINOR + 1, "RUB")), "/price"),
        (replace(MUG, price=Money(1, "XYZ")), "/currency"),
        (replace(MUG, attributes={"a": "\0"}), "/attributes"),
        (replace(MUG, attributes={"a": "\ud800"}), "/attributes"),
        (replace(MUG, attributes={"a": float("nan")}), "/attributes"),
        (replace(MUG, attributes={"a": "x" * 20_000}), "/attributes"),
    ],
)
def test_G13_one_invalid_product_prevents_the_import(
    catalog: CatalogService, wrong: ProductDraft, pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        catalog.import_products([LAMP, wrong])
    assert refused.value.pointer == pointer
    assert catalog.list(include_inactive=True) == []


def test_an_escaped_backslash_before_u0000_is_plain_text(catalog: CatalogService) -> None:
    product_id = catalog.import_products([replace(MUG, attributes={"a": "\\u0000"})]).ids["MUG"]
    assert catalog.get(product_id).attributes == {"a": "\\u0000"}


@pytest.mark.parametrize("minor", [0, -1, MAX_MINOR + 1])
def test_G13_the_database_checks_prices_too(catalog: CatalogService, database: Database, minor: int) -> None:
    catalog.import_products([LAMP])
    with pytest.raises(IntegrityError, match="ck_products_price"), database.transaction() as tx:
        tx.execute("UPDATE catalog.products SET price_minor = %(minor)s", {"minor": minor})


def test_pages_have_no_gaps_or_repetitions(catalog: CatalogService) -> None:
    ids = catalog.import_products([replace(MUG, sku=f"MUG-{number:03}") for number in range(25)]).ids
    seen, after = [], None
    while page := catalog.list(after=after, limit=10):
        assert len(page) <= 10
        seen += [product.id for product in page]
        after = seen[-1]
    assert seen == sorted(ids.values())


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("lamp", ["LAMP", "OLD"]),
        ("КРУЖКА", ["MUG"]),
        ("%", ["MUG"]),
        ("100%", ["MUG"]),
        ("_", ["OLD"]),
        ("d_l", ["OLD"]),
        ("l.*p", []),
        ("\\", []),
        ("' OR 1=1 --", []),
        ("", ["LAMP", "MUG", "OLD"]),
        (None, ["LAMP", "MUG", "OLD"]),
    ],
)
def test_T73_a_search_text_is_literal(catalog: CatalogService, q: str | None, found: list[str]) -> None:
    catalog.import_products([LAMP, MUG, replace(OLD, is_active=True)])
    assert sorted(skus(catalog.list(q=q))) == found


def test_products_of_one_currency(catalog: CatalogService) -> None:
    catalog.import_products([LAMP, MUG, OLD])
    assert skus(catalog.list(currency="JPY")) == ["MUG"]
    assert sorted(skus(catalog.list(currency="RUB", include_inactive=True))) == ["LAMP", "OLD"]


def test_an_operator_changes_some_fields(catalog: CatalogService) -> None:
    product_id = catalog.import_products([LAMP]).ids["LAMP"]
    before = catalog.get(product_id)
    changed = catalog.change(product_id, ProductChange(price=Money(5, "JPY"), attributes={}, is_active=False))
    assert changed == replace(before, price=Money(5, "JPY"), attributes={}, is_active=False)
    assert catalog.get(product_id, include_inactive=True) == changed
    assert catalog.change(product_id, ProductChange(name="Lantern", description="")).name == "Lantern"
    with pytest.raises(NotFound):
        catalog.change(uuid4(), ProductChange(name="Lantern"))
    with pytest.raises(Invalid):
        catalog.change(product_id, ProductChange(price=Money(0, "JPY")))


def test_parallel_imports_do_not_deadlock(catalog: CatalogService) -> None:
    drafts = [replace(MUG, sku=f"MUG-{number:04}") for number in range(1500)]

    def run(number: int) -> ImportResult:
        return catalog.import_products(
            [replace(draft, name=f"Mug {number}") for draft in drafts[:: 1 - 2 * (number % 2)]]
        )

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(run, range(6)))
    assert sum(len(one.added) for one in done) == 1500
    assert len({frozenset(one.ids.values()) for one in done}) == 1
    assert len({product.name for product in catalog.list(limit=2000)}) == 1


def versions(database: Database) -> list[tuple[str, int]]:
    with database.transaction() as tx:
        rows = tx.fetch_all("SELECT sku, xmin::text::bigint FROM catalog.products ORDER BY sku")
        return [(row[0], row[1]) for row in rows]
