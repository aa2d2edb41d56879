"""Masks e-mail addresses and phone numbers, so that a person recognises one without learning it."""

from __future__ import annotations

#: What is hidden.
MASK = "***"


def masked_email(address: str) -> str:
    """The first letters of both parts: `a***@e***`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}{MASK}@{domain[:1]}{MASK}"


def masked_phone(number: str) -> str:
    """The first and the last two characters: `+7***67`."""
    return f"{number[:2]}{MASK}{number[-2:]}"
