"""Registration, profile and contacts."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from services.db import Database
from services.errors import AlreadyRegistered, Invalid, MarketError, NotFound, PasswordTooWeak
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.views import Contact, Holder, Profile, RegisterUser
from tests.services.identity.doubles import PASSWORD, by_email, by_phone


def test_registration_by_email(identity: IdentityService) -> None:
    made = identity.register(by_email("Anna@Example.COM"))
    assert made == Profile(made.id, "Anna", "Petrova", "Anna@example.com", None, False, False)
    assert identity.profile(made.id) == made
    assert made.id.version == 7


def test_registration_by_phone(identity: IdentityService) -> None:
    made = identity.register(by_phone("8 (999) 123-45-67"))
    assert made == Profile(made.id, "Anna", "Petrova", None, "+79991234567", False, False)


def test_an_unknown_user_has_no_profile(identity: IdentityService) -> None:
    with pytest.raises(NotFound):
        identity.profile(uuid4())


@pytest.mark.parametrize("contact", [(None, None), ("anna@example.com", "+79991234567")])
def test_registration_requires_exactly_one_identifier(
    identity: IdentityService, contact: tuple[str | None, str | None]
) -> None:
    with pytest.raises(Invalid):
        identity.register(RegisterUser("Anna", "Petrova", *contact, PASSWORD))


def test_an_unsupported_language_is_refused(identity: IdentityService) -> None:
    with pytest.raises(Invalid) as refused:
        identity.register(RegisterUser("Anna", "Petrova", "anna@example.com", None, PASSWORD, language="de-DE-1996"))
    assert refused.value.pointer == "/language"


def test_T01_a_taken_identifier_is_refused(identity: IdentityService) -> None:
    identity.register(by_email())
    identity.register(by_phone())
    for again in (by_email(), by_phone()):
        with pytest.raises(AlreadyRegistered) as refused:
            identity.register(again)
        assert refused.value.code == "already-registered"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("anna@example.com", "ANNA@example.com"),
        ("anna@xn--e1afmkfd.xn--p1ai", "anna@ПРИМЕР.рф"),
        ("anna@example.com", "ａnna@ｅxample.com"),
        ("anna@example.com", "anna@example.com."),
        ("анна@example.com", "АННА@Example.com"),
    ],
)
def test_T02_one_account_per_canonical_form(identity: IdentityService, first: str, second: str) -> None:
    identity.register(by_email(first))
    with pytest.raises(AlreadyRegistered):
        identity.register(by_email(second))


def test_T04_a_weak_password_is_refused(identity: IdentityService) -> None:
    with pytest.raises(PasswordTooWeak) as refused:
        identity.register(by_email(password="password1234"))
    assert (refused.value.code, refused.value.pointer) == ("password-too-weak", "/password")


def test_T05_a_long_password_is_refused_or_hashed_completely(identity: IdentityService, sign_in: SignIn) -> None:
    longest = "Sturdy-otter-77-lamp " * 6 + "ok"
    assert len(longest) == 128
    with pytest.raises(Invalid) as refused:
        identity.register(by_email(password=longest + "!"))
    assert (refused.value.code, refused.value.pointer) == ("validation-error", "/password")
    identity.register(by_email(password=longest))
    assert sign_in.login("anna@example.com", None, longest).expires_in == 600
    with pytest.raises(MarketError) as wrong:
        sign_in.login("anna@example.com", None, longest[:72])
    assert wrong.value.code == "invalid-credentials"


def test_T08_sixty_four_parallel_registrations_create_one_account(
    identity: IdentityService, database: Database
) -> None:
    def register(number: int) -> str:
        try:
            identity.register(by_email(f"ANNA@{'Example' if number % 2 else 'EXAMPLE'}.com"))
        except MarketError as error:
            return error.code
        return "made"

    with ThreadPoolExecutor(64) as pool:
        outcomes = Counter(pool.map(register, range(64)))
    assert outcomes["made"] == 1
    assert outcomes.keys() <= {"made", "already-registered", "service-unavailable"}
    with database.transaction() as tx:
        counts = tx.fetch_one(
            "SELECT (SELECT count(*) FROM identity.users) AS users,"
            " (SELECT count(*) FROM identity.credentials) AS passwords"
        )
    assert tuple(counts) == (1, 1)


@pytest.mark.parametrize("typed", ["8 999 123-45-67", "+7(999)1234567", "٨٩٩٩١٢٣٤٥٦٧", "007 999 1234567"])
def test_T09_one_account_per_phone_in_any_notation(identity: IdentityService, typed: str) -> None:
    identity.register(by_phone("+79991234567"))
    with pytest.raises(AlreadyRegistered):
        identity.register(by_phone(typed))


def test_contacts_are_the_registered_identifier_and_other_verified_ones(
    identity: IdentityService, database: Database
) -> None:
    anna, boris = identity.register(by_email()).id, identity.register(by_phone()).id
    with database.transaction() as tx:
        tx.execute("UPDATE identity.users SET phone = '+79990000001' WHERE id = %(id)s", {"id": anna})
        tx.execute(
            (
                "UPDATE identity.users SET email = 'b@example.com', email_canonical = 'b@example.com',"
                " email_verified = true WHERE id = %(id)s"
            ),
            {"id": boris},
        )
    assert identity.contacts([anna, boris, uuid4()]) == {
        anna: Contact("anna@example.com", None, "Anna", "ru"),
        boris: Contact("b@example.com", "+79991234567", "Anna", "en", email_verified=True),
    }


def test_the_holder_of_an_identifier(identity: IdentityService, database: Database) -> None:
    anna, boris = identity.register(by_email()).id, identity.register(by_phone()).id
    database.execute("UPDATE identity.users SET phone_verified = true WHERE phone IS NOT NULL")
    assert identity.holder("Anna@example.com") == Holder(anna, verified=False)
    assert identity.holder("+79991234567") == Holder(boris, verified=True)
    assert [identity.holder(text) for text in ("nobody@example.com", "+79990000000", "@", "", str(anna))] == [None] * 5
