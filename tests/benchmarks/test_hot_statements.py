"""Plans are read from the server's log, and a sequential scan of a large table is a finding."""

from __future__ import annotations

from benchmarks.growth.hot_statements import hot_statements, read_plans

LOG = """\
2026-11-29 12:00:00.000 UTC [7] LOG:  duration: 0.042 ms  plan:
\t{
\t  "Query Text": "SELECT *\\n  FROM orders.orders WHERE id = $1",
\t  "Plan": {"Node Type": "Index Scan", "Schema": "orders", "Relation Name": "orders",
\t           "Index Name": "pk_orders", "Total Cost": 8.3}
\t}
2026-11-29 12:00:00.001 UTC [7] WARNING:  there is no transaction in progress
2026-11-29 12:00:00.002 UTC [8] LOG:  duration: 1.5 ms  plan:
\t{
\t  "Query Text": "SELECT sum(quantity) FROM orders.lines",
\t  "Plan": {"Node Type": "Aggregate", "Total Cost": 900.5, "Plans": [
\t    {"Node Type": "Seq Scan", "Schema": "orders", "Relation Name": "lines", "Total Cost": 800}]}
\t}
2026-11-29 12:00:00.003 UTC [7] LOG:  duration: 0.040 ms  plan:
\t{
\t  "Query Text": "SELECT * FROM orders.orders WHERE id = $1",
\t  "Plan": {"Node Type": "Index Scan", "Schema": "orders", "Relation Name": "orders",
\t           "Index Name": "pk_orders", "Total Cost": 8.5}
\t}
"""


def test_every_logged_plan_is_read_and_other_entries_are_not() -> None:
    assert [plan["Plan"]["Total Cost"] for plan in read_plans(LOG)] == [8.3, 900.5, 8.5]


def test_plans_of_one_statement_are_put_together_the_most_frequent_first() -> None:
    by_id, total = hot_statements([*read_plans(LOG)], large={"orders.orders", "orders.lines"})
    assert (by_id.text, by_id.calls, by_id.cost) == ("SELECT * FROM orders.orders WHERE id = $1", 2, 8.5)
    assert (by_id.scans, by_id.sequential) == (["Index Scan orders.orders pk_orders"], [])
    assert (total.calls, total.scans, total.sequential) == (1, ["Seq Scan orders.lines"], ["orders.lines"])


def test_a_sequential_scan_of_a_small_table_is_no_finding() -> None:
    _, total = hot_statements([*read_plans(LOG)], large={"orders.orders"})
    assert total.sequential == []
