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
    "name", ["{{7*7}}", "${jndi:ldap}", "<b>Anna</b>", "O'Neil; DROP TABLE users", "Ли", "A" * 100]
)
def test_T11_a_name_is_stored_unchanged(identity: IdentityService, name: str) -> None:
    assert identity.register(by_email(first_name=name)).first_name == name


@pytest.mark.parametrize("name", ["Anna\u200b", "\u2066Anna\u2069", " Anna\t\n", "\ufeffAn\u00adna"])
def test_T193_a_name_is_stored_as_it_is_seen(identity: IdentityService, name: str) -> None:
    profile = identity.register(by_email(first_name=name, last_name=name))
    assert (profile.first_name, profile.last_name) == ("Anna", "Anna")


@pytest.mark.parametrize("nothing", ["", " ", "\u200b"])
def test_T193_people_with_one_name(identity: IdentityService, nothing: str) -> None:
    profile = identity.register(by_email(first_name="Suharto", last_name=nothing))
    assert (profile.first_name, profile.last_name) == ("Suharto", "")
    assert identity.rename(profile.id, None, "Sukarno").last_name == "Sukarno"
    assert identity.rename(profile.id, None, nothing).last_name == ""


@pytest.mark.parametrize("name", ["A\u202eB", "A\x1bB"])
def test_T192_a_character_that_a_name_cannot_have_is_named(identity: IdentityService, name: str) -> None:
    with pytest.raises(Invalid, match=r"A name cannot contain U\+(202E RIGHT-TO-LEFT OVERRIDE|001B CONTROL CHAR)"):
        identity.register(by_email(first_name="Anna", last_name=name))


@pytest.mark.parametrize("name", ["", "   ", "A" * 101, "A\u202eB", "A\nB", "A\0B", "\ud800", "\u200b", "\ue000"])
def test_T11_a_name_with_control_characters_is_refused(identity: IdentityService, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        identity.register(by_email(first_name=name))
    assert refused.value.pointer == "/firstName"


@pytest.mark.parametrize("name", ["Anna https://evil.example", "evil.com", "anna@evil", "www.evil", "пример.рф"])
def test_T134_a_name_with_a_link_is_refused(identity: IdentityService, name: str) -> None:
    for names in ({"first_name": name}, {"last_name": name}):
        with pytest.raises(Invalid) as refused:
            identity.register(by_email(**names))
        assert refused.value.pointer in ("/firstName", "/lastName")
    anna = identity.register(by_email()).id
    with pytest.raises(Invalid):
        identity.rename(anna, None, name)
