"""How a day of invoices becomes planned orders."""

from __future__ import annotations

from sandbox.demo.invoices import MAX_LINES, Outcome, plan_day
from sandbox.demo.run import DAY


def test_planned_orders_cover_all_goods_of_the_day() -> None:
    day = plan_day(DAY)

    ordered = sum(planned.total for planned in day.orders if planned.outcome is not Outcome.CANCELLED)
    assert ordered == day.goods_total
    assert max(len(planned.quantities) for planned in day.orders) <= MAX_LINES
    assert {planned.outcome for planned in day.orders} == set(Outcome)


def test_limit_is_the_number_of_invoices() -> None:
    day = plan_day(DAY, 20)

    outcomes = [planned.outcome for planned in day.orders if planned.outcome is not Outcome.CANCELLED]
    assert [number for number, outcome in enumerate(outcomes) if outcome is Outcome.DECLINED] == [9, 19]
    assert [planned.method for planned in day.orders[:6]] == ["card", "card", "phone"] * 2
