"""What is taken for a link, and what is not."""

from __future__ import annotations

import pytest

from services.links import has_link, without_links


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/x",
        "Anna evil.com",
        "evil.com!",
        "EVIL.COM",
        "пример.рф",
        "xn--e1afmkfd.xn--p1ai",
        "win.xn--p1ai",
        "www.a",
        "anna@evil",
        "mailto:anna",
        "tel:+79991234567",
        "evil．com",
        "evil｡com",
        "evil。com",
        "evil\u200d.c\u200dom",
        "ⓔvil.com",
        "203.0.113.7/prize",
        "a.b.example.museum",
        "//evil.example",
    ],
)
def test_T134_links_are_found(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        "Anna",
        "J. R. R.",
        "J.R.R.",
        "Анна-Мария",
        "O’Brien",
        "Dr. Smith",
        "д.5",
        "1999.00",
        "2026-11-24 10:00 UTC",
        "01934f2e-8a7b-7c3d-9e21-5a6c9f3a21c4",
        "${jndi:ldap}",
        "می\u200cخواهم",
        "…",
        "1.2.3",
        "",
    ],
)
def test_T134_other_texts_are_not_links(text: str) -> None:
    assert not has_link(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Тверская ул., 1", "Тверская ул., 1"),
        ("ул.Ленина, д.5", "ул. Ленина, д. 5"),
        ("evil.example/prize", "evil. example/prize"),
        ("evil．com", "evil． com"),
        ("evil。com", "evil。 com"),
        ("203.0.113.7", "203. 0. 113. 7"),
        ("evil\u200d.c\u200dom", "evil\u200d. c\u200dom"),
        ("https://evil.example", ""),
        ("anna@evil.example", ""),
        ("www.evil.example", ""),
    ],
)
def test_T134_a_text_is_shown_without_its_links(text: str, shown: str) -> None:
    assert without_links(text) == shown
    assert not has_link(without_links(text))
