"""A clock that tests set, and accounts to register."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.clock import Clock
from services.identity.passwords import PasswordHasher
from services.identity.sign_in import SignIn
from services.identity.views import RegisterUser

PASSWORD = "Sturdy-otter-77-lamp"
KEY = "a key of tests alone"

MakeSignIn = Callable[[PasswordHasher], SignIn]


class SetClock(Clock):
    """A clock that stands still until `move` is called."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    @classmethod
    def now(cls) -> SetClock:
        return cls(datetime.now(UTC))

    def override(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


def by_email(email: str = "anna@example.com", password: str = PASSWORD, *, first_name: str = "Anna") -> RegisterUser:
    return RegisterUser(first_name, "Petrova", email, None, password)


def by_phone(phone: str = "+79991234567", password: str = PASSWORD) -> RegisterUser:
    return RegisterUser("Anna", "Petrova", None, phone, password, language="en")
