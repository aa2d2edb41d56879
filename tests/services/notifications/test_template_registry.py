"""The registry of templates: every template has its file in each language."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.notifications import template_registry
from services.notifications.template_registry import LANGUAGES, VARIABLES, supported_language
from services.notifications.views import OrderEvent

TEMPLATES = Path(template_registry.__file__).parent / "templates"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_has_a_file(language: str) -> None:
    files = {path.stem for path in (TEMPLATES / language).glob("*.jinja")}
    assert sorted(VARIABLES.keys() - files) == []


def test_every_order_event_has_a_template() -> None:
    assert {f"order_{event}" for event in OrderEvent} == {name for name in VARIABLES if name.startswith("order_")}


@pytest.mark.parametrize(
    ("tag", "language"), [("en", "en"), ("EN-gb", "en"), ("ru", "ru"), ("de", "ru"), ("", "ru"), ("enm", "ru")]
)
def test_supported_language(tag: str, language: str) -> None:
    assert supported_language(tag) == language
