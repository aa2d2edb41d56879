"""What a check finds: a sentence for a person, with the ids of what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.money import Money
from services.order_number import order_number

#: How many findings of one check are listed; all of them are counted.
LISTED = 20


@dataclass(frozen=True)
class Finding:
    """One violation, or one order that needs a person."""

    sentence: str
    #: ids by what they are of: `{"order": "0198…"}`
    ids: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        ids = ", ".join(f"{name} {value}" for name, value in self.ids.items())
        return f"{self.sentence} ({ids})" if ids else self.sentence


@dataclass(frozen=True)
class Check:
    """The result for one invariant: its id in the contract, how much was checked, and what violates it."""

    id: str
    description: str
    #: rows, workflows or objects of the provider that were checked
    rows: int = 0
    #: the first violations, `LISTED` at most
    violations: Sequence[Finding] = ()
    #: the number of all violations
    violated: int = 0
    #: why the check did not end, as a sentence; None when it did
    unchecked: str | None = None

    @property
    def holds(self) -> bool:
        """True when everything was checked and nothing violates the invariant."""
        return not self.violated and self.unchecked is None


@dataclass
class Findings:
    """Violations as they are found: all are counted, the first are kept."""

    listed: list[Finding] = field(default_factory=list)
    count: int = 0

    def add(self, finding: Finding) -> None:
        """Count a violation, and keep it when it is one of the first."""
        self.count += 1
        if len(self.listed) < LISTED:
            self.listed.append(finding)

    def add_counted(self, findings: Sequence[Finding], count: int) -> None:
        """Count so many violations, of which these are the first."""
        for finding in findings:
            self.add(finding)
        self.count += count - len(findings)

    def as_check(self, invariant: str, description: str, rows: int, unchecked: str | None = None) -> Check:
        """The result of a check that found these."""
        return Check(invariant, description, rows, self.listed, self.count, unchecked)


def finding_of(sentence: str, values: Mapping[str, Any]) -> Finding:
    """A finding from a template and named values, such as those of a row.

    UUIDs are named `<what>_id` and become ids; in the sentence, `{order}` is the number that people know the order by.
    `<name>_minor` becomes an amount in the row's `currency`. Other values are put into the
    sentence as they are; those that are None are left out.
    """
    texts, ids = {}, {}
    for name, value in values.items():
        if value is None:
            continue
        what = name.removesuffix("_id")
        if isinstance(value, UUID):
            ids[what] = str(value)
            texts[what] = order_number(str(value)) if what == "order" else str(value)
        elif name.endswith("_minor"):
            amount = Money(value, values["currency"])
            texts[name.removesuffix("_minor")] = f"{amount.text} {amount.currency}"
        elif name.endswith("_id"):
            ids[what] = texts[what] = str(value)
        else:
            texts[name] = value
    return Finding(sentence.format_map(texts), ids)
