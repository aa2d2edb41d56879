"""The report: every part is asked, in the order of the contract, and orders that need a person are mentioned."""

from __future__ import annotations

from services.db import Database
from services.orders.views import OrderView
from services.reconcile.reconciler import Reconciler
from services.reconcile.scope import Scope
from tests.fakes.gateway import FakeGateway
from tests.fakes.workflows import FakeWorkflows


def test_every_part_is_asked(database: Database, gateway: FakeGateway, confirmed: OrderView) -> None:
    database.execute("UPDATE orders.orders SET needs_attention = true, attention_reasons = '{payment_review}'")
    shown: list[str] = []
    workflows = FakeWorkflows({f"order-{confirmed.id}": "running"})
    report = Reconciler(database, workflows, gateway).run(Scope(lag=0), progress=shown.append)
    ids = [int(check.id[1:]) for check in report.checks]
    assert ids == sorted(ids)
    assert {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14} == set(ids)
    assert [check.id for check in report.checks if not check.holds] == ["I7"]
    assert (report.complete, report.violated, report.need_attention) == (True, 1, 1)
    assert shown[0].startswith("I1: ")
    assert shown[-1].startswith("I13: ")


def test_a_check_that_is_stopped_begins_no_further_step(database: Database, gateway: FakeGateway) -> None:
    shown: list[str] = []
    workflows = FakeWorkflows()
    report = Reconciler(database, workflows, gateway).run(
        progress=shown.append, stopped=lambda: any(line.startswith("I4: ") for line in shown)
    )
    unchecked = [check.id for check in report.checks if check.unchecked == "The check was stopped."]
    assert [check.id for check in report.checks if check.holds] == ["I1", "I1", "I2", "I3"]
    assert len(unchecked) == len(report.checks) - 4


def test_a_part_that_is_away_leaves_the_others(database: Database, gateway: FakeGateway) -> None:
    gateway.set_available(False)
    report = Reconciler(database, FakeWorkflows(away=True), gateway).run()
    assert [check.id for check in report.checks if check.unchecked] == ["I7", "I13", "I13"]
    assert (report.complete, report.violated) == (False, 0)
