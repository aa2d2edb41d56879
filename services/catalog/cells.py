"""Reads cells as spreadsheets, shops and accounting programs write them: amounts, units, currencies, HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Groups of thousands by spaces, decimals after a comma or a point.
_AMOUNT = re.compile(r"(?P<whole>[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+|[0-9]+)(?:[.,](?P<rest>[0-9]+))?")
_CURRENCY_NAMES = {
    "руб": "RUB",
    "руб.": "RUB",
    "р.": "RUB",
    "₽": "RUB",
    "rur": "RUB",
    "€": "EUR",
    "$": "USD",
    "₸": "KZT",
    "тг": "KZT",
    "бел. руб.": "BYN",
}
_BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6"})


def amount_of(text: str) -> str:
    """`1299.50` for `1 299,50`; what is no amount stays as it is, to be refused with its column's name."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        return text
    whole = re.sub(r"\D", "", found["whole"]).lstrip("0") or "0"
    return f"{whole}.{found['rest']}" if found["rest"] else whole


def units_text_of(text: str, *, decimals: bool = False) -> str:
    """`1200` for `1 200`; 0 for less than that, which a shop that sells more than it has counts as a negative stock.

    `decimals`: `12` for `12,000`, as a program writes that counts parts of units. Elsewhere that may mean thousands.
    """
    negative = text.strip().startswith("-")
    whole, _, rest = amount_of(text.strip().removeprefix("-")).partition(".")
    if not whole.isdecimal() or (rest and not decimals) or rest.strip("0"):
        return text
    return "0" if negative else whole


def currency_of(text: str) -> str:
    """The ISO 4217 code of what an accounting program calls a currency."""
    return _CURRENCY_NAMES.get(text.strip().lower(), text.strip().upper())


def list_of(text: str) -> list[str]:
    """The parts of a list with commas, without empty ones."""
    return [part.strip() for part in text.split(",") if part.strip()]


def plain_text_of(html: str) -> str:
    """The text of HTML, a line for each block; text without markup stays as it is."""
    if "<" not in html and "&" not in html:
        return html
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the signature of HTMLParser
        self._hidden += tag in ("script", "style")
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= self._hidden > 0 and tag in ("script", "style")
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data.replace("\n", " "))
