"""Alembic's entry: one transaction, one lock, every service's tables."""

import sqlalchemy
from alembic import context
from sqlalchemy import text
from sqlmodel import SQLModel

from services import idempotency as idempotency
from services import rate_tables
from services.catalog import models as catalog
from services.identity import models as identity
from services.notifications import models as notifications
from services.orders import models as orders
from services.payments import models as payments
from services.reservations import models as reservations

MODELS = (catalog, identity, notifications, orders, payments, reservations)
SCHEMAS = {"idempotency", rate_tables.SCHEMA, *(models.SCHEMA for models in MODELS)}
# Any number that nothing else locks: two migrating processes take turns.
LOCK = 7_302_026


def run() -> None:
    url = context.config.attributes["url"].replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        connection.execute(text("SET LOCAL lock_timeout = '2s'"))
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            include_schemas=True,
            include_name=lambda name, kind, _: kind != "schema" or name in SCHEMAS,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
