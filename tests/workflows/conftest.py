"""One Temporal server, one worker and one shop for all workflow tests; every test brings its own orders."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.client import Client

from sandbox.temporal import TemporalServer
from services.db import Database
from services.settings import Settings
from tests.workflows.shop import Shop, open_shop
from workflows.client import connect


@pytest_asyncio.fixture(scope="session")
async def client(temporal: TemporalServer) -> Client:
    return await connect(Settings(app_env="development", temporal_address=temporal.address))


# Not for the whole session: its worker would take away what tests of other packages look for in the database.
@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shop(
    client: Client, database_url: str, all_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    async with open_shop(client, database_url, all_database, tmp_path_factory.mktemp("shop")) as opened:
        yield opened
