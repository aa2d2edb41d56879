"""Pages from templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse, Response

from web import formatting

FOLDER = Path(__file__).parent / "templates"


class Renderer:
    """Renders templates; every value is escaped, and a name that does not exist is an error."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(money=_money, moment=_moment, age=_age, country=_country)

    def page(self, template: str, context: Mapping[str, Any], status: int) -> Response:
        """The rendered template as a response."""
        return HTMLResponse(self._environment.get_template(template).render(context), status)


@pass_context
def _money(context: Context, amount: str, currency: str) -> str:
    return formatting.money(amount, currency, context["language"])


@pass_context
def _moment(context: Context, text: str) -> str:
    return formatting.moment(text, context["language"])


@pass_context
def _country(context: Context, code: str) -> str:
    return formatting.country(code, context["language"])


@pass_context
def _age(context: Context, text: str) -> str:
    return formatting.age(formatting.seconds_since(text), context["language"])
