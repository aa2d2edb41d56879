"""The orders service on an empty database."""

from __future__ import annotations

import pytest

from services.clock import Clock
from services.db import Sessions
from services.orders.service import OrderService
from services.orders.transitions import OrderSteps
from services.orders.views import Policy
from services.secrets import Vault
from tests.builders import KEY


@pytest.fixture
def orders(sessions: Sessions) -> OrderService:
    return OrderService(sessions, Vault(KEY), Clock(), Policy(max_unpaid=5))


@pytest.fixture
def steps(sessions: Sessions) -> OrderSteps:
    return OrderSteps(sessions, Vault(KEY))
