"""`/problems/<slug>`: the page that the `type` of a problem links to, rendered from docs/problems."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path

from starlette.responses import HTMLResponse

from api.access.operation_router import OperationRouter
from api.problems.problem_details import TYPES
from services.errors import NotFound

PAGES = Path(__file__).resolve().parents[2] / "docs" / "problems"
# The pages have no script and one inline style.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:42em;margin:2em auto;padding:0 1em}"
    "pre{background:#8882;padding:1em;overflow:auto}"
)
_CODE = re.compile(r"`([^`]+)`")

router = OperationRouter(include_in_schema=False)


@router.get("/problems/{slug}")
def problem_page(slug: str) -> HTMLResponse:
    """The explanation of a problem type: what happened, what to do, an example."""
    if slug not in TYPES:
        raise NotFound("There is no such type of problem.")
    text = (PAGES / f"{slug}.md").read_text(encoding="utf-8")
    return HTMLResponse(
        rendered(slug, text), headers={"Content-Security-Policy": _POLICY, "Cache-Control": "public, max-age=3600"}
    )


def rendered(title: str, text: str) -> str:
    """A page of headings, paragraphs, lists and fenced code as HTML; everything else is escaped."""
    body = "\n".join(_blocks(text))
    head = f"<meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>"


def _blocks(text: str) -> Iterable[str]:
    # Split at blank lines, but not inside fenced code.
    for block in re.findall(r"```.*?```|(?:(?!```).+\n?)+", text, re.DOTALL | re.MULTILINE) if text else ():
        for part in [block] if block.startswith("```") else block.split("\n\n"):
            if part.strip():
                yield _block(part.strip())


def _block(block: str) -> str:
    if block.startswith("```"):
        code = block.strip("`").partition("\n")[2]
        return f"<pre>{html.escape(code)}</pre>"
    if match := re.match(r"(#{1,3}) (.+)", block):
        level = len(match[1])
        rest = block[match.end() :].strip()
        return f"<h{level}>{_inline(match[2])}</h{level}>" + (_block(rest) if rest else "")
    if block.startswith("- "):
        items = re.split(r"^- ", block, flags=re.MULTILINE)[1:]
        return "<ul>" + "".join(f"<li>{_inline(item.strip())}</li>" for item in items) + "</ul>"
    return f"<p>{_inline(block)}</p>"


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", html.escape(text, quote=False))
