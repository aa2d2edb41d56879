"""docs/security.md: the counts of its ASVS table are those of its rows, and the events that it names are logged."""

from __future__ import annotations

import re
from collections import Counter

from tests.contracts.checks import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| [^|]+ \| (pass|fail|deployment) \| [^|]+ \|$", re.MULTILINE)


def test_the_counts_are_those_of_the_rows() -> None:
    rows = [tuple(map(int, number.split("."))) for number, _, _ in _ROW.findall(PAGE)]
    assert rows == sorted(set(rows))
    assert len(rows) == len(re.findall(r"^\| \d", PAGE, re.MULTILINE))
    results = Counter(result for _, _, result in _ROW.findall(PAGE))
    assert (
        f"**{len(rows)} apply: {results['pass']} pass, {results['fail']} fail,"
        f" {results['deployment']} depend on the deployment.**"
    ) in PAGE


def test_every_event_of_the_page_is_logged() -> None:
    section = PAGE.partition("## Logs")[2].partition("## Not covered")[0]
    events = set(re.findall(r"`([a-z]+\.[a-z_]+)`", section))
    source = "\n".join(
        path.read_text()
        for folder in ("api", "services", "workers", "activities")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert len(events) > 10
    assert [event for event in sorted(events) if f'"{event}"' not in source] == []


def test_every_table_of_the_page_is_one_of_the_database() -> None:
    section = PAGE.partition("| personal data | where |")[2].partition("## Logs")[0]
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", section))
    models = "\n".join(path.read_text() for path in (ROOT / "services").rglob("*.py"))
    known = set(re.findall(r'__tablename__ = "([a-z_]+)"', models))
    assert {name.partition(".")[2] for name in named} - known == set()
