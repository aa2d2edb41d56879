"""The texts of the pages in each language, and which one a visitor reads."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, negotiate_locale

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = ("ru", "en")
#: What each language calls itself.
NAMES = {"ru": "Русский", "en": "English"}
COOKIE = "language"


@dataclass(frozen=True)
class Texts:
    """The texts of one language, by dotted name."""

    language: str
    by_name: Mapping[str, str]

    def __call__(self, name: str, /, **values: object) -> str:
        """The text with its `{placeholders}` filled in. Raises KeyError: a test has every name."""
        return self.by_name[name].format(**values)

    def find(self, name: str) -> str | None:
        """The text, or None when there is none of this name."""
        return self.by_name.get(name)

    def counted(self, name: str, count: int) -> str:
        """The text for so many: `<name>.one`, `.few`, `.many` or `.other`, as the language's plural rule says."""
        form = Locale.parse(self.language).plural_form(count)
        return self(f"{name}.{form}", count=count)


@cache
def texts(language: str) -> Texts:
    """The texts of a language of `LANGUAGES`."""
    return Texts(language, dict(_flat(tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8")))))


def language_of(cookie: str | None, accept_language: str | None) -> str:
    """The visitor's choice, else the best language of `Accept-Language`, else Russian."""
    if cookie in LANGUAGES:
        return cookie
    ranges = (_weighted(part) for part in (accept_language or "")[:500].split(","))
    wanted = [tag for weight, tag in sorted(ranges, key=lambda pair: -pair[0]) if weight > 0]
    return negotiate_locale(wanted, LANGUAGES, sep="-") or LANGUAGES[0]


def _weighted(part: str) -> tuple[float, str]:
    tag, _, parameter = part.strip().partition(";")
    quality = parameter.strip().removeprefix("q=") if parameter else "1"
    try:
        return float(quality), tag.strip()
    except ValueError:
        return 0.0, tag.strip()


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
