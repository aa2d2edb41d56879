"""Renders a template as an e-mail (subject, plain text, HTML) or as one SMS.

A template is one file per language with the blocks `subject`, `body` … and `sms`. It extends `layout.jinja`; each form
(subject, text, html, sms) has its own layout that prints the blocks it needs, so that the text is written once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from services.notifications import formatting
from services.notifications.order_details import goods_lines
from services.notifications.shop_links import NO_LINKS, ShopLinks
from services.notifications.template_registry import DETAILS, LANGUAGES, VARIABLES
from services.order_number import order_number

FOLDER = Path(__file__).parent / "templates"
_FORMS = ("subject", "text", "html", "sms")
_PARAGRAPH = re.compile(r"\n\s*\n")
_BLANK_LINES = re.compile(r"\n{3,}")
_FACTS = '<div class="line" style="margin:0 0 16px;padding-top:16px;border-top:1px solid #e3e7ec">\n{}\n</div>'
_LABEL = "margin:0;font-size:14px;color:#5b6775"
_VALUE = "margin:0 0 12px;font-weight:600;overflow-wrap:anywhere"
_SPACES = re.compile(r"[ \n]+")


@dataclass(frozen=True)
class RenderedEmail:
    """Subject and both bodies of an e-mail."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


class Templates:
    """Every template in every language and form, compiled once."""

    def __init__(self, shop: str, links: ShopLinks = NO_LINKS, folder: Path = FOLDER, *, replies: bool = False) -> None:
        """`shop`: the shop's name in the messages; `replies`: whether somebody reads replies to e-mails.

        Raises jinja2.TemplateError when a file is missing.
        """
        self._compiled = {
            (form, language, name): environment.get_template(f"{language}/{name}.jinja")
            for form in _FORMS
            for environment in [_environment(form, shop, links, folder, replies=replies)]
            for language in LANGUAGES
            for name in VARIABLES
        }

    def email(self, name: str, language: str, variables: Mapping[str, str]) -> RenderedEmail:
        """Render an e-mail. Raises KeyError for an unknown name, ValueError for a variable that is not valid."""
        subject, text, html = (self._render(form, name, language, variables) for form in ("subject", "text", "html"))
        return RenderedEmail(" ".join(subject.split()), _BLANK_LINES.sub("\n\n", text.strip() + "\n"), html)

    def sms(self, name: str, language: str, variables: Mapping[str, str]) -> str:
        """Render an SMS on one line. Raises as `email` does."""
        line = _SPACES.sub(" ", self._render("sms", name, language, variables)).strip()
        # A no-break space would reduce an English SMS from 160 to 70 characters; a Russian one has 70 anyway.
        return line.replace("\u00a0", " ") if language == "en" else line

    def _render(self, form: str, name: str, language: str, variables: Mapping[str, str]) -> str:
        return self._compiled[form, language, name].render(variables, language=language)


def _environment(form: str, shop: str, links: ShopLinks, folder: Path, *, replies: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder / "layouts" / form, folder]),
        autoescape=form == "html",  # noqa: S701 - the other forms are plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,  # a plain dict: every template stays loaded
    )
    # The globals are copied for each message: Jinja's own (`range`, `lipsum` …) are not needed.
    environment.globals = {"shop": shop, "url": "", "replies": replies, **dict.fromkeys(DETAILS, "")}
    environment.filters["money"] = formatting.sms_money if form == "sms" else formatting.money
    environment.filters["goods_lines"] = goods_lines
    environment.filters["order_number"] = order_number
    environment.filters |= {
        "order_page": links.order_page,
        "reset_page": links.reset_page,
        "verify_page": links.verify_page,
    }
    environment.filters["paragraphs"] = _html_paragraphs if form == "html" else _paragraphs
    environment.filters["facts"] = _html_facts if form == "html" else _facts
    return environment


def _paragraphs(body: str) -> str:
    return "\n\n".join(" ".join(line.strip() for line in part.splitlines()) for part in _parts(body))


def _html_paragraphs(body: Markup) -> Markup:
    return Markup("\n".join([f"<p>{part}</p>" for part in _parts(escape(body))]))  # noqa: S704 - escaped


def _facts(lines: str) -> str:
    return "\n".join(f"{label}: {value}" for label, value in _pairs(lines))


def _html_facts(lines: Markup) -> Markup:
    rows = [
        f'<p class="muted" style="{_LABEL}">{label}</p>\n<p style="{_VALUE}">{value}</p>'
        for label, value in _pairs(escape(lines))
    ]
    return Markup(_FACTS.format("\n".join(rows)) if rows else "")  # noqa: S704 - escaped


def _parts(body: str) -> list[str]:
    parts = [part.strip() for part in _PARAGRAPH.split(body)]
    return [part for part in parts if part]


def _pairs(lines: str) -> list[tuple[str, str]]:
    pairs = [line.partition("|") for line in str(lines).splitlines() if line.strip()]
    return [(label.strip(), value.strip()) for label, _, value in pairs]
