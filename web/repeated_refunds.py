"""Refunds that were tried again and again, as one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any


def counted(refunds: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Amount and status of refunds, oldest first, with the number of `times` for those that follow each other."""
    alike = groupby(refunds, key=lambda refund: (refund["amount"], refund["status"]))
    return [{"amount": amount, "status": status, "times": len([*same])} for (amount, status), same in alike]
