"""First and last names: what is accepted and what is refused."""

from __future__ import annotations

import pytest

from services.errors import Invalid
from services.identity.names import checked_name
from services.identity.service import IdentityService
from tests.services.identity.doubles import by_email


@pytest.mark.parametrize("name", ["Анна-Мария", "O’Brien", "می\u200cخواهم", "李小龙", "Ŭ", "😀"])
def test_a_name_in_any_script_is_accepted(name: str) -> None:
    assert checked_name(name, "/firstName") == name


@pytest.mark.parametrize(
    "name", ["{{7*7}}", "${jndi:ldap://x}", "<b>Anna</b>", "O'Neil; DROP TABLE users", "Ли", "A" * 100]
)
def test_T11_a_name_is_stored_unchanged(identity: IdentityService, name: str) -> None:
    assert identity.register(by_email(first_name=name)).first_name == name


@pytest.mark.parametrize("name", ["", "   ", "A" * 101, "A\u202eB", "A\nB", "A\0B", "\ud800", "A\u200bB", "\u2066A"])
def test_T11_a_name_with_control_characters_is_refused(identity: IdentityService, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        identity.register(by_email(first_name=name))
    assert refused.value.pointer == "/firstName"
