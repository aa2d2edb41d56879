"""Messages with codes, tokens and the name of a client: each holds what it must, and nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from services.bootstrap import Services

WORDS = [
    ("verify_email", {"code": "424242"}, r"(?<!\d)\d{6}(?!\d)"),
    ("verify_phone", {"code": "424242"}, r"(?<!\d)\d{6}(?!\d)"),
    ("password_reset", {"resetToken": "Ab-_" * 10 + "xyz"}, r"[A-Za-z0-9_-]{40,}"),
]


def forms(services: Services, template: str, variables: dict[str, str]) -> Iterator[str]:
    for language in ("ru", "en"):
        letter = services.notifications._templates.email(template, language, variables)
        yield from (letter.text, letter.html, services.notifications._templates.sms(template, language, variables))


@pytest.mark.parametrize(("template", "variables", "run"), WORDS, ids=[word[0] for word in WORDS])
def test_a_message_holds_one_text_that_can_be_the_secret(
    services: Services, template: str, variables: dict[str, str], run: str
) -> None:
    for form in forms(services, template, variables):
        assert re.findall(run, form) == list(variables.values())


def test_T11_the_name_of_a_client_is_escaped(services: Services) -> None:
    found = list(forms(services, "new_sign_in", {"client": "<script>{{7*7}}</script>", "at": "2026-11-24 10:00 UTC"}))
    assert not any("<script>" in html for html in found[1::3])
    assert all("49" not in form for form in found)
