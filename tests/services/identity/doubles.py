"""Registrations, a password and a key for tests of identity."""

from __future__ import annotations

from collections.abc import Callable

from services.identity.passwords import PasswordHasher
from services.identity.sign_in import SignIn
from services.identity.views import RegisterUser

PASSWORD = "Sturdy-otter-77-lamp"
KEY = "a key of tests alone"
#: User agents of twelve clients that are shown as they are.
CLIENTS = [
    *("Firefox", "Opera", "curl", "Vivaldi", "Chrome", "Safari"),
    *("Firefox on Linux", "Opera on Linux", "Chrome on Linux"),
    *("Firefox on Windows", "Opera on Windows", "Chrome on Windows"),
]

MakeSignIn = Callable[[PasswordHasher], SignIn]


def by_email(
    email: str = "anna@example.com", password: str = PASSWORD, *, first_name: str = "Anna", last_name: str = "Petrova"
) -> RegisterUser:
    return RegisterUser(first_name, last_name, email, None, password)


def by_phone(phone: str = "+79991234567", password: str = PASSWORD) -> RegisterUser:
    return RegisterUser("Anna", "Petrova", None, phone, password, language="en")
