"""HTML pages of the API: one style for phones and screens, light and dark; a Content-Security-Policy; Markdown."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from starlette.responses import HTMLResponse

_STYLE = (
    ":root{color-scheme:light dark;--line:#8885}"
    "html{background:light-dark(#fff,#12161c);color:light-dark(#1c2430,#e6eaf0)}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;overflow-wrap:break-word}"
    "h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.2rem;margin-top:2rem}"
    "pre{overflow:auto;background:light-dark(#eef0f3,#1f2630);padding:.75rem 1rem;border-radius:6px}"
    "code{font-size:.875rem}table{border-collapse:collapse}.wide{overflow-x:auto}.wide code{white-space:nowrap}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}"
    "a{color:light-dark(#1f5fbf,#8ab4f8)}"
)
_TRANSITION = re.compile(r"(?P<before>\S+) --> (?P<after>\S+?)(?:: (?P<when>.+))?")


def policy(**sources: str) -> str:
    """A Content-Security-Policy that allows nothing but these sources, by kind: `style="'self'"`."""
    allowed = "".join(f" {kind}-src {source};" for kind, source in sources.items())
    return f"default-src 'none';{allowed} base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def page(title: str, body: str, *, language: str = "en", cached: bool = True) -> HTMLResponse:
    """A page with this body, which is HTML; the title is escaped. `cached`: it is the same for everybody."""
    headers = {"Content-Security-Policy": policy(style=f"'sha256-{_digest(_STYLE)}'")}
    if cached:
        headers["Cache-Control"] = "public, max-age=3600"
    head = (
        '<meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
    )
    return HTMLResponse(
        f"<!doctype html><html lang={language}><head>{head}</head><body><main>{body}</main></body></html>",
        headers=headers,
    )


def markdown(text: str) -> str:
    """CommonMark with tables as HTML; HTML in the text is escaped, and a state diagram becomes a table."""
    return str(_MARKDOWN.render(text))


def _fence(_renderer: RendererProtocol, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: EnvType) -> str:
    """A block of code; the transitions of a Mermaid state diagram as a table, because no script draws it here."""
    token = tokens[at]
    if token.info.strip() != "mermaid":
        # A region that scrolls has to be reachable by the keyboard.
        return f"<pre tabindex=0><code>{html.escape(token.content)}</code></pre>\n"
    found = [_TRANSITION.fullmatch(line.strip()) for line in token.content.splitlines()]
    rows = [[each["before"], each["after"], each["when"] or ""] for each in found if each and "[*]" not in each[0]]
    cells = "".join(f"<tr>{''.join(f'<td>{_breakable(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    head = "<tr><th>status</th><th>next</th><th>when</th></tr>"
    return f"<table>\n<thead>{head}</thead>\n<tbody>\n{cells}</tbody>\n</table>\n"


def _table(_renderer: RendererProtocol, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: EnvType) -> str:
    """A table that scrolls on a phone instead of breaking the codes in its cells; the keyboard reaches it."""
    return "<div class=wide tabindex=0><table>\n" if tokens[at].nesting == 1 else "</table></div>\n"


def _breakable(text: str) -> str:
    """The text as HTML that may break after an underscore: `payment_pending` is wide for a phone."""
    return html.escape(text).replace("_", "_<wbr>")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_MARKDOWN.add_render_rule("fence", _fence)
_MARKDOWN.add_render_rule("table_open", _table)
_MARKDOWN.add_render_rule("table_close", _table)
