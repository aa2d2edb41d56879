"""The table of transitions: nothing leaves a final status, and nothing goes back."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.orders.status import TRANSITIONS, OrderStatus, has_reached, sources


@given(st.lists(st.sampled_from(list(OrderStatus)), min_size=2, max_size=8))
def test_the_table_leads_to_one_end(path: list[OrderStatus]) -> None:
    """Whatever order moves are tried in, nothing leaves an end, and going back is never allowed."""
    for here, there in pairwise(path):
        if there in TRANSITIONS[here]:
            assert str(here) in sources(there)
            assert not has_reached(here, there)
        if here in (OrderStatus.CONFIRMED, OrderStatus.CANCELLED):
            assert there not in TRANSITIONS[here]
