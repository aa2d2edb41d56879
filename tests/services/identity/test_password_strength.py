"""Password strength: weak, strong and impossible passwords."""

from __future__ import annotations

import time

import pytest

from services.errors import Invalid, PasswordTooWeak
from services.identity.password_strength import require_strong
from tests.services.identity.doubles import PASSWORD


@pytest.mark.parametrize(
    "weak",
    [
        "kT9#vLq2!xW",
        "password1234",
        "Qwerty123456",
        "aaaaaaaaaaaaaaaa",
        "парольпароль",
        "gfhjkmgfhjkm",
        "йцукенгшщзхъ",
        "Солнышкомоё1",
        "solnyshko2010",
        "lyubovnatasha1",
        "zenitspartak",
        "AnnaPetrova1",
        "анна@example",
    ],
)
def test_T04_a_weak_password_is_refused(weak: str) -> None:
    with pytest.raises(PasswordTooWeak):
        require_strong(weak, ["Anna", "Petrova", "анна@example.com"])


@pytest.mark.parametrize(
    "strong",
    [PASSWORD, "correct horse battery staple", "Тихая-гавань-у-реки-42", "kT9#vLq2!xWz", "🦊🐢🐙🦉🐝🐳🦔🐞🦀🐌🦋🐿"],
)
def test_T04_a_strong_password_is_accepted(strong: str) -> None:
    require_strong(strong, ["Anna", "Petrova", "anna@example.com"])


@pytest.mark.parametrize("password", ["x" * 129, "x" * 1_048_576, "Sturdy-otter-77\0lamp", "Sturdy-otter-77\ud800"])
def test_T05_a_password_that_cannot_be_stored_is_refused_fast(password: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Invalid) as refused:
        require_strong(password, [])
    assert refused.value.code == "validation-error"
    assert time.monotonic() - begun < 0.05
