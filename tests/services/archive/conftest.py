"""Fixtures: old orders of every end, in a database of their own."""

from __future__ import annotations

import pytest

from services.archive.archive import OrderArchive
from services.db import Database
from services.payments.service import PaymentService
from tests.fakes.gateway import FakeGateway
from tests.old_orders import old_order_ids


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def archive(database: Database) -> OrderArchive:
    return OrderArchive(database)


@pytest.fixture
def payments(
    database: Database, gateway: FakeGateway, archive: OrderArchive, monkeypatch: pytest.MonkeyPatch
) -> PaymentService:
    """Orders that are placed have old ids."""
    old_order_ids(monkeypatch)
    return PaymentService(database, gateway, archive=archive)
