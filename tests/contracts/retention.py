"""The retention of closed workflows has one value, wherever it stands."""

from __future__ import annotations

import re

from sandbox.temporal import RETENTION
from tests.contracts.checks import ROOT, ContractBroken

#: Where it stands, and how it is written there.
PLACES = {
    "deploy/temporal-namespace.sh": r"^RETENTION=(\d+)h$",
    "docs/deploying.md": r"--retention (\d+)h\b|Keep closed workflows for (\d+) hours",
    "docs/security.md": r"(\d+) hours after the workflow has ended",
}


def retention_has_one_value() -> None:
    """The sandbox, deploy/ and docs/ keep closed workflows for the same time."""
    hours = f"{RETENTION.total_seconds() / 3600:g}"
    for place, pattern in PLACES.items():
        found = ["".join(match.groups("")) for match in re.finditer(pattern, (ROOT / place).read_text(), re.MULTILINE)]
        if not found or {*found} != {hours}:
            raise ContractBroken(f"{place} says {found or 'nothing'}, sandbox/temporal.py {hours} hours.")
