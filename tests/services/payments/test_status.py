"""Payment status transitions: none goes back, and a captured payment never becomes failed."""

from __future__ import annotations

from services.payments.status import FOLLOWS, UNDECIDED, PaymentStatus


def reachable(start: PaymentStatus) -> set[PaymentStatus]:
    found: set[PaymentStatus] = set()
    waiting = [start]
    while waiting:
        now = waiting.pop()
        after = {status for status, before in FOLLOWS.items() if now in before and status != now}
        waiting += after - found
        found |= after
    return found


def test_I11_no_transition_goes_back() -> None:
    assert set(FOLLOWS) == set(PaymentStatus)
    for status in set(PaymentStatus) - UNDECIDED:
        assert status not in reachable(status)
        assert not reachable(status) & UNDECIDED
    assert reachable(PaymentStatus.REFUNDED) == set()
    assert PaymentStatus.FAILED not in reachable(PaymentStatus.SUCCEEDED)
