"""E-mail addresses and phone numbers: canonical forms and invalid ones."""

from __future__ import annotations

import time

import pytest

from services.errors import AlreadyRegistered, Invalid
from services.identity.identifiers import EmailAddress, email_address, phone_number
from services.identity.names import checked_name
from services.identity.service import IdentityService
from tests.services.identity.doubles import by_email


@pytest.mark.parametrize(
    ("typed", "address", "canonical"),
    [
        ("Anna@EXAMPLE.com", "Anna@example.com", "anna@example.com"),
        ("anna@пример.рф", "anna@xn--e1afmkfd.xn--p1ai", "anna@xn--e1afmkfd.xn--p1ai"),
        (" anna+shop@example.com ", "anna+shop@example.com", "anna+shop@example.com"),
        ("Анна@example.com", "Анна@example.com", "анна@example.com"),
        ("ａnna@ｅxample。com", "anna@example.com", "anna@example.com"),
    ],
)
def test_an_email_address_is_canonicalized(typed: str, address: str, canonical: str) -> None:
    assert email_address(typed) == EmailAddress(address, canonical)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "anna",
        "@example.com",
        "anna@localhost",
        "anna@shop.test",
        "anna@[127.0.0.1]",
        "anna@example..com",
        "anna@example.com..",
        "a" * 65 + "@example.com",
        "a@" + "b" * 250 + ".com",
        '"a b"@example.com',
        "ann\u0430@example.com",
        "αnna@example.com",
        "anna\u200b@",
        "anna\0@example.com",
        "anna@exa\u202emple.com",
        "\ud800@example.com",
    ],
)
def test_T02_an_invalid_email_address_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        email_address(typed)
    assert refused.value.pointer == "/email"


@pytest.mark.parametrize(
    "typed",
    [
        "anna@example.com\r\nBcc: boris@example.com",
        "anna@example.com\n",
        "anna@example.com, boris@example.com",
        "anna@example.com;boris@example.com",
        "Anna <anna@example.com>",
    ],
)
def test_T03_more_than_one_bare_address_is_refused(typed: str) -> None:
    with pytest.raises(Invalid):
        email_address(typed)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("8 999 123-45-67", "+79991234567"),
        ("+7 (999) 123.45.67", "+79991234567"),
        ("999 123 45 67", "+79991234567"),
        ("٨ ٩٩٩ ١٢٣ ٤٥ ٦٧", "+79991234567"),
        ("00 7 999 123 45 67", "+79991234567"),
        ("+7 999 123 45 67 доб. 5", "+79991234567"),
        ("+7 999 123-45-67 ext. 12", "+79991234567"),
        ("+44 20 7946 0018", "+442079460018"),
        ("8 800 555 35 35", "+78005553535"),
    ],
)
def test_T09_a_phone_number_is_canonicalized(typed: str, number: str) -> None:
    assert phone_number(typed, "RU") == number


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "anna@example.com",
        "112",
        "900",
        "+7",
        "8 809 555 35 35",
        "+1 900 555 1234",
        "+44 70 1234 5678",
        "9" * 15,
        "+7\0999",
    ],
)
def test_T09_an_invalid_phone_number_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        phone_number(typed, "RU")
    assert refused.value.pointer == "/phone"


@pytest.mark.parametrize(
    "hostile", ["a@" * 50_000, "a." * 50_000, "1" * 100_000, "+" * 100_000, "\u0430" * 100_000, "(" * 100_000]
)
def test_T119_hostile_input_is_refused_fast(hostile: str) -> None:
    begun = time.thread_time()
    for read in (email_address, lambda text: phone_number(text, "RU"), lambda text: checked_name(text, "/firstName")):
        with pytest.raises(Invalid):
            read(hostile)
    assert time.thread_time() - begun < 0.15


@pytest.mark.parametrize(
    "typed",
    [
        "anna\u200b@example.com",
        "\ufeffanna@example.com\u200e",
        "an\u00adna@exam\u2060ple.com\ufe0d",
        "\u2068anna@example.com\u2069",
    ],
)
def test_T194_an_email_address_is_read_as_it_is_seen(typed: str) -> None:
    assert email_address(typed).canonical == "anna@example.com"


@pytest.mark.parametrize(
    "typed",
    [
        "+7 999\u200b 123-45-67",
        "\u202a+7 999 123-45-67\u202c",
        "\u202d+7 999 123-45-67\u202c ",
        "8\ufe0d 999 123\u00ad45 67",
        "\ufeff89991234567",
    ],
)
def test_T194_a_phone_number_is_read_as_it_is_seen(typed: str) -> None:
    assert phone_number(typed, "RU") == "+79991234567"


def test_T194_two_spellings_that_look_the_same_are_one_account(identity: IdentityService) -> None:
    identity.register(by_email("anna@example.com"))
    with pytest.raises(AlreadyRegistered):
        identity.register(by_email("an\u200bna@example.com"))
