"""The copy and the deletion of a person's data reach archived orders."""

from __future__ import annotations

import pytest

from services.archive.archive import OrderArchive
from services.reconcile.tables import check_tables
from tests.api.identity.test_personal_data import EXPORT, TRANSFER, WORDS, Shop, dumped, lived, sealed
from tests.api.identity.test_personal_data import shop as shop  # the fixture
from tests.old_orders import BEFORE, make_old, old_order_ids


async def test_T213_nothing_about_an_erased_person_is_left_in_the_archive(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, database = shop.services, shop.services.database
    with monkeypatch.context() as patched:
        old_order_ids(patched)
        order_ids = await lived(shop)
    shop.dispatch()
    make_old(database)
    before = (await shop.api.get(EXPORT, headers=shop.person.headers)).json()
    archive = OrderArchive(database)
    assert archive.move_batch(BEFORE).orders == 3
    after = (await shop.api.get(EXPORT, headers=shop.person.headers)).json()
    assert (len(after["orders"]), after["orders"]) == (3, before["orders"])
    assert "Zlatoustkray" in dumped(services)

    assert (await shop.delete()).status_code == 204
    shop.dispatch()  # the last notice
    shop.dispatch()

    assert database.fetch_value("SELECT count(*) FROM orders.archived_orders") == 3
    text = dumped(services)
    assert [word for word in WORDS if word in text] == []
    assert TRANSFER in text
    archived = "SELECT count(*) FROM orders.archived_orders WHERE contact IS NOT NULL OR payment_method IS NOT NULL"
    assert database.fetch_value(archived) == 0
    assert [check.violations for check in check_tables(database) if check.violations] == []
    kept = services.orders.get(order_ids[0])
    assert (kept.status, kept.total.text, kept.address.country, kept.address.street) == (
        "confirmed",
        "1299.00",
        "RU",
        "",
    )
    # An order that is moved back has nothing of the person either.
    assert archive.bring_back(order_ids[0])
    assert sealed(services, order_ids) == []
