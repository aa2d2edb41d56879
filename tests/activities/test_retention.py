"""The job that deletes old rows: each kind gets its turn, statements use indexes, the ages are documented."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities import retention
from activities.retention import Deletion, RetentionActivities
from sandbox.layout import ROOT
from services import idempotency
from services.bootstrap import Services, open_services
from services.clock import Clock
from services.db import Database, Values
from services.errors import Unavailable
from services.identity.retention_repository import CODE_DAYS, FAILURES_DAYS, MINTED_DAYS, SESSION_DAYS, TICKET_DAYS
from services.notifications.repository import RECIPIENT_DAYS
from services.orders.outbox_repository import DONE_DAYS
from services.payments.webhook_inbox_repository import KEPT_DAYS
from services.settings import Settings
from services.webhooks.repository import KEPT_DAYS as DELIVERY_DAYS
from tests.builders import KEY
from tests.fakes.gateway import FakeGateway
from workers.registry import deletions

#: The indexes that each deletion reads, with their columns, by the kind of rows.
INDEXES = {
    "idempotency keys": {"ix_keys_created_at": "created_at"},
    "rate limits": {"ix_strict_arrival": "arrival", "ix_coarse_arrival": "arrival"},
    "verification codes": {"ix_tokens_code_expires_at": "expires_at"},
    "password reset tokens": {"ix_password_reset_tokens_expires_at": "expires_at"},
    "refresh tokens": {"ix_tokens_expires_at": "expires_at"},
    "sessions": {"ix_sessions_expires_at": "expires_at"},
    "minted tokens": {"ix_minted_tokens_expires_at": "expires_at"},
    "stream tickets": {"ix_stream_tickets_expires_at": "expires_at"},
    "login failures": {"ix_login_failures_last_at": "last_at"},
    "webhooks and status reports": {"ix_inbox_received_at": "received_at"},
    "delivered commands": {"ix_outbox_done_at": "done_at"},
    "recipients of messages": {"ix_notifications_recipient": "created_at"},
    "webhook deliveries": {"ix_deliveries_created_at": "created_at"},
}
#: The age of each kind in docs/operators.md.
AGES = {
    "idempotency keys": f"{idempotency.KEPT_HOURS} hours",
    "rate limits": "until they limit nothing",
    "verification codes": f"{CODE_DAYS} days after their expiry",
    "password reset tokens": f"{CODE_DAYS} days after their expiry",
    "refresh tokens": f"{SESSION_DAYS} days after their expiry",
    "sessions": f"{SESSION_DAYS} days after their last possible day",
    "minted tokens": f"{MINTED_DAYS} days after their expiry",
    "stream tickets": f"{TICKET_DAYS} day after their expiry",
    "login failures": f"{FAILURES_DAYS} days after the last one",
    "webhooks and status reports": f"{KEPT_DAYS} days",
    "delivered commands": f"{DONE_DAYS} days after their delivery",
    "recipients of messages": f"{RECIPIENT_DAYS} days",
    "webhook deliveries": f"{DELIVERY_DAYS} days",
}


class Rows:
    """A table with so many old rows; records how many each call deleted."""

    def __init__(self, old: int) -> None:
        self.old = old
        self.batches: list[int] = []

    def delete(self, limit: int) -> int:
        self.batches.append(min(limit, self.old))
        self.old -= self.batches[-1]
        return self.batches[-1]


def fail(_: int) -> int:
    raise Unavailable("The database is not available or busy.")


def run(**kinds: Deletion) -> int:
    """One run of the job."""
    return ActivityEnvironment().run(RetentionActivities(kinds).delete_old_rows)


@pytest.fixture(autouse=True)
def batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)


def test_every_kind_is_deleted_batch_by_batch_in_turn() -> None:
    many, few = Rows(25), Rows(3)
    assert run(many=many.delete, few=few.delete) == 28
    assert (many.batches, few.batches) == ([10, 10, 5], [3])


def test_a_run_ends_at_its_time_and_the_next_one_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SECONDS", 0)
    many = Rows(25)
    assert [run(many=many.delete) for _ in range(4)] == [10, 10, 5, 0]


def test_a_run_ends_when_its_worker_shuts_down() -> None:
    environment, many = ActivityEnvironment(), Rows(25)
    environment.worker_shutdown()
    assert environment.run(RetentionActivities({"many": many.delete}).delete_old_rows) == 10


def test_a_kind_that_fails_does_not_keep_the_others() -> None:
    many = Rows(25)
    with pytest.raises(Unavailable):
        run(broken=fail, many=many.delete)
    assert many.old == 0


class Explained(Database):
    """Explains each statement, as if sequential scans and sorts were expensive, instead of executing it."""

    def __init__(self, database: Database) -> None:
        vars(self).update(vars(database))
        self.plans: list[dict[str, Any]] = []

    def with_clock(self, clock: Clock) -> Database:
        return self

    def execute(self, sql: str, values: Values | None = None) -> int:
        with self.transaction() as tx:
            tx.execute("SET LOCAL enable_seqscan = off")
            tx.execute("SET LOCAL enable_sort = off")
            (explained,) = tx.fetch_value(f"EXPLAIN (FORMAT JSON) {sql}", values)
        self.plans.append(explained["Plan"])
        return 0


def index_scans(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Index and condition of each scan by an index."""
    if "Index Name" in plan:
        yield plan["Index Name"], plan.get("Index Cond", "")
    for child in plan.get("Plans", ()):
        yield from index_scans(child)


@pytest.mark.parametrize("kind", INDEXES)
def test_a_deletion_reads_an_index_from_its_oldest_row_on(database: Database, kind: str, tmp_path: Path) -> None:
    explained = Explained(database)
    settings = Settings(app_env="development", database_url="postgresql://", secrets_key=KEY, data_dir=tmp_path)
    with open_services(settings, database=explained, gateway=FakeGateway()) as services:
        deletions(services)[kind](500)
    found = dict(scan for plan in explained.plans for scan in index_scans(plan))
    assert found.keys() >= set(INDEXES[kind])
    for index, column in INDEXES[kind].items():
        assert re.match(rf"\({column} < \(", found[index]), found


def test_every_kind_has_its_age_in_the_documentation(services: Services) -> None:
    page = (ROOT / "docs/operators.md").read_text()
    section = page.partition("## How long rows are kept")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| ([a-z ]+?) \| (.+?) \|", section, re.MULTILINE))
    assert deletions(services).keys() == AGES.keys() == INDEXES.keys()
    assert {kind: rows.get(kind) for kind in AGES} == AGES
