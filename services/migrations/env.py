"""Alembic's entry: a transaction for each migration, one lock, every service's tables."""

import psycopg
import sqlalchemy
from alembic import context
from sqlalchemy import text
from sqlmodel import SQLModel

from services import idempotency as idempotency
from services import rate_tables
from services.archive import models as archive
from services.catalog import models as catalog
from services.identity import erasure_models, second_factor_models
from services.identity import models as identity
from services.migrations.online import LOCK_TIMEOUT
from services.notifications import models as notifications
from services.orders import models as orders
from services.payments import models as payments
from services.reconcile import models as reconcile
from services.reservations import models as reservations
from services.webhooks import models as webhooks

MODELS = (
    catalog,
    identity,
    erasure_models,
    second_factor_models,
    notifications,
    orders,
    payments,
    reconcile,
    reservations,
    webhooks,
)
# The archive's tables are in the schemas of those that they are twins of.
SCHEMAS = {"idempotency", rate_tables.SCHEMA, *(models.SCHEMA for models in (*MODELS, *archive.DEFINED_BY))}
# Any number that nothing else locks: two migrating processes take turns.
LOCK = 7_302_026


def run() -> None:
    url = context.config.attributes["url"]
    # psycopg reads the URL: it may have several hosts.
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=sqlalchemy.NullPool
    )
    with engine.connect() as connection:
        # Of the session, not of a transaction: each migration has a transaction of its own, so that it holds the locks
        # of busy tables for a moment only.
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(
            connection=connection,
            transaction_per_migration=True,
            target_metadata=SQLModel.metadata,
            include_schemas=True,
            include_name=lambda name, kind, _: kind != "schema" or name in SCHEMAS,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
