"""Spans when tracing is off, and the names of spans of statements."""

from __future__ import annotations

import subprocess
import sys

import pytest

from services import tracing
from services.orders.start_input import OrderInput
from tests.contracts.checks import ROOT

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_processes_load_no_sdk_while_tracing_is_off() -> None:
    program = (
        "import sys, api.__main__, web.__main__, workers.__main__, services.__main__\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_is_traced_while_tracing_is_off() -> None:
    assert (tracing.trace_id(), tracing.traceparent()) == (None, "")
    with tracing.statement("SELECT 1") as span, tracing.request("POST", "provider", "payments") as answered:
        answered(200)
        assert span is None
    tracing.link(lambda: pytest.fail("asked for the trace of an order"))
    assert OrderInput.__dataclass_fields__["traceparent"].default == ""


@pytest.mark.parametrize("stored", ["", "nonsense", "00-0-0-0", PARENT.replace("4bf9", "xxxx")])
def test_a_stored_trace_that_is_none_changes_nothing(stored: str) -> None:
    with tracing.continued(stored):
        assert tracing.trace_id() is None


def test_a_stored_trace_is_continued() -> None:
    with tracing.continued(PARENT):
        assert tracing.trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert tracing.traceparent() == PARENT
    assert tracing.trace_id() is None


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("\n  SELECT id FROM orders.orders\n WHERE id = %(id)s", "SELECT orders.orders"),
        ("WITH a AS (SELECT 1 FROM x.y) UPDATE orders.outbox SET done_at = now()", "UPDATE orders.outbox"),
        ("INSERT INTO orders.lines SELECT * FROM catalog.products", "INSERT orders.lines"),
        ("SELECT x IS DISTINCT FROM r.claimed FROM payments.payments r FOR UPDATE", "SELECT payments.payments"),
        ("SET TRANSACTION READ ONLY", "SET"),
    ],
    ids=["read", "with", "copy", "distinct", "other"],
)
def test_a_span_is_named_after_the_table_that_its_statement_writes_or_reads(sql: str, name: str) -> None:
    assert tracing.described(sql)[0] == name
    assert "\n" not in tracing.described(sql)[1]
