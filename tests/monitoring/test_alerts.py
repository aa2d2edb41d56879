"""The alert rules: Prometheus' own checker accepts them, and each fires when it should and not before."""

from __future__ import annotations

import re
import subprocess

from tests.contracts.checks import ROOT
from tests.monitoring.prometheus import MONITORING, program

CASES = ROOT / "tests" / "monitoring" / "alerts.test.yml"


def promtool(*arguments: str) -> str:
    done = subprocess.run([program("promtool"), *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_accepted() -> None:
    assert "SUCCESS" in promtool("check", "rules", str(MONITORING / "alerts.yml"))


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    promtool("test", "rules", str(CASES))


def test_each_alert_has_a_case() -> None:
    alerts = re.findall(r"alert: (\w+)$", (MONITORING / "alerts.yml").read_text(), re.MULTILINE)
    cases = re.findall(r'alertname="(\w+)".*\n +eval_time: .*\n +exp_samples: (.*)', CASES.read_text())
    assert sorted(cases) == sorted((name, samples) for name in alerts for samples in ("[]", "[{ value: 1 }]"))
