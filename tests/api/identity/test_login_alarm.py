"""The alarm for an unusual share of failed logins: raised by a majority of failures, once in five minutes (T15)."""

from __future__ import annotations

import pytest

from api.identity.login_alarm import WINDOW, LoginAlarm


class Seconds:
    """A clock that a test moves."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


def counted(alarm: LoginAlarm, failed: int, succeeded: int) -> int:
    """How often the alarm goes off."""
    outcomes = [False] * succeeded + [True] * failed
    return sum(alarm.count(failed=each) for each in outcomes)


def test_T15_the_login_alarm_is_raised_once_in_five_minutes(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Seconds()
    alarm = LoginAlarm(clock)

    assert [counted(alarm, 100, 0), counted(alarm, 1, 0), counted(alarm, 200, 0)] == [0, 1, 0]
    assert "".join(capfd.readouterr()).count("api.many_failed_logins") == 1
    clock.at += WINDOW
    assert [counted(alarm, 100, 0), counted(alarm, 1, 0)] == [0, 1]


@pytest.mark.parametrize(("failed", "succeeded", "alarms"), [(150, 150, 0), (151, 150, 1), (100, 0, 0), (101, 102, 0)])
def test_T15_the_login_alarm_needs_a_majority_of_failures(failed: int, succeeded: int, alarms: int) -> None:
    assert counted(LoginAlarm(Seconds()), failed, succeeded) == alarms


def test_T15_the_login_alarm_ignores_failures_outside_its_window() -> None:
    clock = Seconds()
    alarm = LoginAlarm(clock)
    found = 0
    for _ in range(30):
        found += counted(alarm, 20, 0)
        clock.at += WINDOW / 4

    assert found == 0
