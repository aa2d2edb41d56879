"""What a problem of the API says to a visitor: in their language, when to try again, and how a field is meant."""

from __future__ import annotations

import pytest

from web.api_client import ApiProblem
from web.formatting import country
from web.languages import texts
from web.problems import explain
from web.shop.sign_in import identifier


def invalid(pointer: str, code: str = "validation-error") -> ApiProblem:
    error = {"pointer": pointer, "code": code, "message": "This is wrong."}
    return ApiProblem({"type": "/problems/validation-error", "status": 422, "errors": [error]})


@pytest.mark.parametrize(
    ("seconds", "language", "expected"),
    [
        (55, "en", "Wait a little. Try again in 55 seconds."),
        (1, "ru", "Подождите немного. Попробуйте снова через 1 секунду."),
        (61, "ru", "Подождите немного. Попробуйте снова через 2 минуты."),
        (3600, "en", "Wait a little. Try again in 1 hour."),
    ],
)
def test_a_limit_says_when_to_try_again(seconds: int, language: str, expected: str) -> None:
    problem = ApiProblem({"type": "/problems/rate-limited", "status": 429}, retry_after=seconds)
    assert explain(problem, texts(language)).what_to_do == expected


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("name", ["email", "phone", "firstName", "lastName"])
def test_a_wrong_field_says_what_is_accepted(language: str, name: str) -> None:
    known = texts(language)
    assert explain(invalid(f"/{name}"), known).of(f"/{name}") == known(f"field.of.{name}")


def test_the_reason_of_the_api_comes_first() -> None:
    assert explain(invalid("/firstName", "missing"), texts("en")).of("/firstName") == "This is required."
    assert explain(invalid("/newPassword", "password-too-weak"), texts("ru")).of("/newPassword") == (
        "Возьмите несколько слов, не связанных между собой."
    )


@pytest.mark.parametrize(("language", "expected"), [("ru", "Проверьте это поле."), ("en", "This is wrong.")])
def test_a_field_without_a_text(language: str, expected: str) -> None:
    assert explain(invalid("/unknown"), texts(language)).of("/unknown") == expected


@pytest.mark.parametrize(
    ("typed", "kind"),
    [(" anna@example.com ", "email"), ("anna", "email"), ("+7 912 345-67-89", "phone"), ("12", "phone")],
)
def test_what_is_typed_is_an_address_or_a_number(typed: str, kind: str) -> None:
    assert identifier(typed) == (kind, typed.strip())


@pytest.mark.parametrize(
    ("code", "language", "expected"), [("RU", "ru", "Россия"), ("GB", "en", "United Kingdom"), ("??", "en", "??")]
)
def test_a_country_is_named(code: str, language: str, expected: str) -> None:
    assert country(code, language) == expected
